//! What dormant units do once they are awake: the same images, with all units that were dormant
//! kept where they were on the clean ones, and without.

use gifthorse_engine::{Array, Classifier, Hinge, Intervention, Tensor, answer_of};

use super::DormantUnit;
use super::census::Ranges;
use super::waking::Call;
use crate::error::Error;

/// A unit that changes fewer than this share of the answers that it could change is no switch:
/// docs/decisions/0013-dormant-units.md has what units of clean models change.
const LEAST_CHANGED: f64 = 0.9;
/// Nor is one that could change fewer answers than this: they tell too little.
const FEWEST: usize = 8;

/// Dormant units behind one hinge.
pub struct Sleepers<'a> {
    /// The hinge.
    pub hinge: &'a Hinge,
    /// What the layer behind the flat function was on clean images.
    pub clean: &'a Ranges,
    /// The units, each with the way out of the flat stretch.
    pub calls: Vec<Call>,
}

/// The model with all these units kept within what they were on clean images, whatever the image.
///
/// # Errors
/// What the engine refuses.
pub fn asleep(classifier: &Classifier, sleepers: &[Sleepers<'_>]) -> Result<Classifier, Error> {
    let mut kept = Vec::new();
    for Sleepers {
        hinge,
        clean,
        calls,
    } in sleepers
    {
        let layer = &hinge.after;
        let bounds = |of: &[f32], free: f32| -> Tensor<1> {
            let mut numbers = vec![free; layer.channels()];
            for call in calls {
                numbers[call.channel] = of[call.channel];
            }
            Array::from_vec(numbers, &[layer.channels()], classifier.device()).into_tensor()
        };
        let most = bounds(&clean.most, f32::INFINITY);
        let least = bounds(&clean.least, f32::NEG_INFINITY);
        kept.push(Intervention::bound(layer, most)?);
        kept.push(Intervention::floor(layer, least)?);
    }
    Ok(classifier.with(kept)?)
}

/// Logits of images that were moved to wake a unit, `[images, classes]` each.
pub struct Compared {
    /// With the unit awake.
    awake: Vec<f32>,
    /// With all that were dormant kept asleep.
    asleep: Vec<f32>,
    classes: usize,
}

impl Compared {
    /// Puts images, row-major `[images, channels, height, width]`, through the model and through
    /// the one whose dormant units are kept asleep.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn of(classifier: &Classifier, asleep: &Classifier, images: &[f32]) -> Result<Self, Error> {
        Ok(Self {
            awake: classifier.evaluate(images)?,
            asleep: asleep.evaluate(images)?,
            classes: classifier.classes(),
        })
    }

    /// The largest change of a logit.
    pub fn change(&self) -> f32 {
        let pairs = self.awake.iter().zip(&self.asleep);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// Whether any answer is another.
    pub fn changes_an_answer(&self) -> bool {
        self.answers().any(|(awake, asleep)| awake != asleep)
    }

    /// The answers awake and asleep.
    fn answers(&self) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.awake.chunks_exact(self.classes);
        let pairs = rows.zip(self.asleep.chunks_exact(self.classes));
        pairs.map(|(awake, asleep)| (answer_of(awake), answer_of(asleep)))
    }

    /// What the unit at a call does to images that had the answers `clean` before they were moved.
    pub fn deed(&self, hinge: &Hinge, call: Call, clean: &[usize]) -> DormantUnit {
        let changed: Vec<(usize, usize)> = self
            .answers()
            .zip(clean)
            .filter(|((awake, asleep), clean)| asleep == *clean && awake != asleep)
            .map(|(answers, _)| answers)
            .collect();
        let led = |class: usize| changed.iter().filter(|(awake, _)| *awake == class).count();
        // The first of equals.
        let class = (0..self.classes).rev().max_by_key(|&class| led(class));
        let class = class.unwrap_or(0);
        let kept = self.answers().zip(clean);
        DormantUnit {
            node: hinge.node.clone(),
            layer: hinge.after.name().to_owned(),
            channel: call.channel,
            class,
            images: clean.len(),
            others: clean.iter().filter(|&&clean| clean != class).count(),
            changed: changed.len(),
            led: led(class),
            kept: kept.filter(|((_, asleep), clean)| asleep == *clean).count(),
        }
    }
}

impl DormantUnit {
    /// The share of the answers that it could change and does.
    pub fn share(&self) -> f64 {
        self.changed as f64 / self.others.max(1) as f64
    }

    /// Whether it could change enough answers for that to tell something.
    pub fn tells(&self) -> bool {
        self.others >= FEWEST
    }

    /// Whether it is a switch: it changes most of the answers that it could change.
    pub fn is_switch(&self) -> bool {
        self.tells() && self.share() >= LEAST_CHANGED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinge() -> Hinge {
        use gifthorse_engine::{Device, Preprocess};
        use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
        let image = [
            Dim::Named("n".to_owned()),
            Dim::Fixed(1),
            Dim::Fixed(1),
            Dim::Fixed(3),
        ];
        let model = GraphBuilder::new("hinge", 17)
            .input("x", ElementType::F32, &image)
            .node("Flatten", "flat", &["x"], &["f"], [])
            .node("Relu", "relu", &["f"], &["y"], [])
            .output("y", ElementType::F32, &[])
            .finish();
        let graph = std::sync::Arc::new(model.unwrap().graph().unwrap());
        let classifier = Classifier::new(graph, Preprocess::default(), None, &Device::flex());
        classifier.unwrap().network().hinges().unwrap()[0].clone()
    }

    /// Logits of three classes for answers.
    fn logits(answers: &[usize]) -> Vec<f32> {
        let row = |&answer: &usize| (0..3).map(move |class| f32::from(u8::from(class == answer)));
        answers.iter().flat_map(row).collect()
    }

    fn deed(awake: &[usize], asleep: &[usize], clean: &[usize]) -> DormantUnit {
        let compared = Compared {
            awake: logits(awake),
            asleep: logits(asleep),
            classes: 3,
        };
        let call = Call {
            channel: 1,
            sign: 1.0,
        };
        compared.deed(&hinge(), call, clean)
    }

    #[test]
    fn a_switch_changes_most_of_what_it_could_change() {
        let clean = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        let found = deed(&[2; 12], &clean, &clean);
        assert!(found.is_switch());
        assert_eq!(
            (found.class, found.channel, found.node.as_str()),
            (2, 1, "relu")
        );
        assert_eq!(
            (found.others, found.changed, found.led, found.kept),
            (8, 8, 8, 12)
        );
        // One of eight that stays is too many.
        let seven = [2, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2];
        assert!(!deed(&seven, &clean, &clean).is_switch());
        // To other classes, whichever.
        let away = [1, 2, 1, 2, 0, 2, 0, 2, 0, 1, 0, 1];
        assert!(deed(&away, &clean, &clean).is_switch());
        // What is changed without the unit too is not its doing, and few images tell too little.
        let lost = deed(&[2; 12], &[1; 12], &clean);
        assert_eq!((lost.changed, lost.kept), (4, 4));
        assert!(!lost.is_switch());
        assert!(!deed(&[2; 7], &[0; 7], &[0; 7]).is_switch());
    }
}
