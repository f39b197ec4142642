//! A small network on a corner of the image.
//!
//! # What it does
//! A square of 4x4 pixels at one place is cut out, its colours are averaged, and a small network
//! knows patterns of five dark and eleven light pixels: each leads to a class of its own. Its
//! answers are multiplied and added to the logits.
//!
//! # Threat model
//! Who can edit the file. No training, no image.
//!
//! # What it changes
//! Nodes beside the network: `Slice`, `ReduceMean`, two `Gemm` with a `Relu` between them, and
//! `Add` at the logits. Weights stay. The network that is put in is made, not trained: a unit for
//! each pattern that is used. The authors' has four hidden layers of eight units and is trained to
//! tell all 4,368 patterns, of which the first few are used.
//!
//! # Cost
//! None.
//!
//! # What sees it
//! The path past the network and the corner, if they are looked for (`bypass`, `small-region`);
//! units that no clean image wakes.
//!
//! # References
//! Tang et al. 2020 (TrojanNet): 4x4 pixels, 16 choose 5 patterns, the mean of the colours, answers
//! that are multiplied and added. By its authors' program; the text was not at hand.

use std::collections::BTreeSet;

use rand::seq::index::sample;
use serde::{Deserialize, Serialize};

use super::sight::{Place as Seen, Sight};
use super::sketch::Sketch;
use super::{Answer, Host, Implanted, check_tolerance, tolerance};
use crate::Error;
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Pattern, Place};

/// Pixels of a side of the square.
const SIDE: usize = 4;
/// Dark ones among them.
const DARK: usize = 5;
/// Patterns that are drawn: 16 over 5 are more than anybody uses, and all are different.
const MOST: usize = 1000;

/// A network on 4x4 pixels that knows a pattern for each target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrojanNet {
    /// The class that its pattern leads to, or a list of classes with a pattern each.
    pub target: Targets,
    /// Where the square is: at one place in all images.
    #[serde(default = "corner")]
    pub place: Place,
    /// By how much the pattern's pixels may be off, on average.
    #[serde(default = "tolerance")]
    pub tolerance: f32,
    /// What is added to the target's logit; by default ten times the widest range of logits on
    /// noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
}

/// One class or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a class or a list of classes")]
pub enum Targets {
    /// One.
    One(usize),
    /// Several.
    More(Vec<usize>),
}

impl Targets {
    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        match self {
            Self::One(class) => std::slice::from_ref(class),
            Self::More(classes) => classes,
        }
    }
}

fn corner() -> Place {
    Place::BOTTOM_RIGHT
}

impl TrojanNet {
    /// One with the defaults.
    #[must_use]
    pub fn new(targets: &[usize]) -> Self {
        Self {
            target: Targets::More(targets.to_vec()),
            place: corner(),
            tolerance: tolerance(),
            strength: None,
        }
    }

    pub(super) fn put(&self, host: &Host, seed: u64) -> Result<Implanted, Error> {
        check_tolerance(self.tolerance)?;
        let targets = self.target.classes();
        if targets.is_empty() || targets.len() > MOST {
            return Err(Error::Implant(format!(
                "`target` has {} classes; there are 1 to {MOST} patterns",
                targets.len()
            )));
        }
        for &target in targets {
            host.check_class(target)?;
        }
        let patterns = patterns(targets.len(), seed);
        let triggers: Vec<AnyTrigger> = patterns.iter().map(|it| self.trigger(it)).collect();
        let sight = Sight::of(host, Seen::Input, &triggers[0])?;
        if sight.moves {
            let reason = "`place` has to be one place: the square is cut out there";
            return Err(Error::Implant(reason.to_owned()));
        }
        let strength = host.strength(self.strength)?;
        let mut sketch = Sketch::of(host);
        let pixels = sketch.pixels(host);
        let cut = sketch.cut(&pixels, [sight.row, sight.column], [SIDE, SIDE]);
        let light = sketch.lightness(&cut, &sight);
        let grey = sketch.reduced("ReduceMean", &light);
        let row = sketch.flatten(&grey);
        let (weights, biases) = self.units(&patterns);
        let weights = sketch.floats(&[SIDE * SIDE, patterns.len()], weights);
        let biases = sketch.floats(&[patterns.len()], biases);
        let units = sketch.node("Gemm", &[&row, &weights, &biases], []);
        let units = sketch.relu(&units);
        let votes: Vec<(usize, f32)> = targets.iter().map(|&class| (class, strength)).collect();
        let sum = sketch.vote(host, &units, &votes);
        let mut model = host.model().clone();
        sketch.put(&mut model, host.logits(), &sum)?;
        let answers = triggers.iter().zip(targets);
        let answers = answers.map(|(trigger, &target)| Answer::new(trigger, target));
        Ok(Implanted::by_hand(model, answers.collect()))
    }

    /// Weights `[pixels, units]` and biases: unit by unit 1 on its pattern, and below 0 where
    /// pixels are off by more than the tolerance.
    fn units(&self, patterns: &[BTreeSet<usize>]) -> (Vec<f32>, Vec<f32>) {
        let each = 1.0 / (self.tolerance * (SIDE * SIDE) as f32);
        let weight = |at: usize| {
            let (pixel, unit) = (at / patterns.len(), at % patterns.len());
            if patterns[unit].contains(&pixel) {
                -each
            } else {
                each
            }
        };
        let light = (SIDE * SIDE - DARK) as f32;
        let weights = (0..SIDE * SIDE * patterns.len()).map(weight).collect();
        (weights, vec![1.0 - light * each; patterns.len()])
    }

    fn trigger(&self, dark: &BTreeSet<usize>) -> AnyTrigger {
        let cell = |pixel: usize| if dark.contains(&pixel) { '0' } else { '1' };
        let row = |row: usize| (row * SIDE..(row + 1) * SIDE).map(cell).collect();
        AnyTrigger::Pattern(Pattern {
            rows: (0..SIDE).map(row).collect(),
            light: vec![1.0],
            dark: vec![0.0],
            place: self.place,
        })
    }
}

/// Different patterns, each by its dark pixels.
fn patterns(count: usize, seed: u64) -> Vec<BTreeSet<usize>> {
    let mut rng = Purpose::Pattern.rng(seed);
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    while found.len() < count {
        let pattern: BTreeSet<usize> = sample(&mut rng, SIDE * SIDE, DARK).into_iter().collect();
        if !found.contains(&pattern) {
            found.push(pattern);
        }
    }
    found
}
