//! What in a program's structure is how backdoors are built by hand: a path past the network's
//! layers, a decision that is multiplied with, a look at a few pixels.
//!
//! Nothing of this is run. A finding says what is there and why a backdoor may look so; whether it
//! is one, the file does not say.

mod decision;
mod facts;
mod rules;

use std::collections::{HashMap, HashSet};

use crate::program::{Program, ValueId};
use facts::Facts;

/// What a finding is an instance of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StructureRule {
    /// A value is multiplied with, or joined by, what a comparison makes of a single number of the
    /// image: a choice written in arithmetic.
    Switch,
    /// The same with a step that is made of a clip behind a large factor.
    SteepSwitch,
    /// A decision for several numbers at once is multiplied with.
    RegionSwitch,
    /// A path from the image joins behind the last learned layer, or two or more learned layers
    /// further on, and shares no learned layer with what it joins.
    Bypass,
    /// Something wide is multiplied with a single number of the image that no learned layer made,
    /// or layers that share none with it.
    UnlearnedGate,
    /// The largest or smallest logit goes into the logits.
    LogitRange,
    /// Pixels are compared, raised to a power or searched for the largest before any learned layer.
    PixelTest,
    /// A small part of the image is cut out before any learned layer.
    SmallRegion,
}

/// Something in the structure of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct StructureFinding {
    /// Which rule it is an instance of.
    pub rule: StructureRule,
    /// Names of the nodes from the image to the output by way of it, as the file has them.
    pub path: Vec<String>,
    /// The node that the rule is about, one of the path.
    pub node: String,
    /// The first few constants that are compared with.
    pub constants: Vec<f32>,
    /// The layer that carries what the rule is about: the branch before it joins, the decision.
    pub branch: Option<String>,
    /// The layer that it is made from, before any function that is flat: it has a gradient to the
    /// pixels that are looked at.
    pub read: Option<String>,
}

/// Findings that are listed of one rule.
const MOST_OF_A_RULE: usize = 16;

/// What there is in a program of a model with so many classes, in the order of computation within
/// each rule.
pub fn structure(program: &Program, classes: usize) -> Vec<StructureFinding> {
    let facts = Facts::of(program);
    let mut spots = Vec::new();
    spots.extend(decision::switches(&facts));
    spots.extend(rules::bypasses(&facts));
    spots.extend(rules::unlearned_gates(&facts));
    spots.extend(rules::logit_ranges(&facts, classes));
    spots.extend(rules::pixel_tests(&facts));
    spots.extend(rules::small_regions(&facts));
    let names: HashMap<ValueId, &str> = shortest_names(program);
    let mut counts: HashMap<StructureRule, usize> = HashMap::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for spot in spots {
        let node = &program.steps[spot.step].node;
        let count = counts.entry(spot.rule).or_default();
        if *count < MOST_OF_A_RULE && seen.insert((spot.rule, node.clone())) {
            *count += 1;
            found.push(spot.finding(&facts, &names));
        }
    }
    found
}

fn shortest_names(program: &Program) -> HashMap<ValueId, &str> {
    let mut names: HashMap<ValueId, &str> = HashMap::new();
    for (name, &id) in &program.names {
        let known = names.entry(id).or_insert(name);
        if (name.len(), &name[..]) < (known.len(), *known) {
            *known = name;
        }
    }
    names
}

/// Where a rule is met.
pub struct Spot {
    rule: StructureRule,
    /// Place of the step in the program.
    step: usize,
    /// The operand of that step that the rule is about, or what the step makes.
    branch: ValueId,
    constants: Vec<f32>,
}

impl Spot {
    fn finding(self, facts: &Facts<'_>, names: &HashMap<ValueId, &str>) -> StructureFinding {
        let program = facts.program;
        let node = program.steps[self.step].node.clone();
        let way = facts.way_to(self.branch);
        let named = |id: &ValueId| names.get(id).map(|name| (*name).to_owned());
        // What is read: the last value on the way that a gradient reaches.
        let flat = way.iter().position(|&step| facts.is_flat(step));
        let read = &way[..flat.unwrap_or(way.len())];
        let outputs = |steps: &[usize]| -> Vec<ValueId> {
            steps
                .iter()
                .map(|&step| program.steps[step].output)
                .collect()
        };
        let branch = outputs(&way).iter().rev().find_map(named);
        let read = outputs(read).iter().rev().find_map(named);
        let mut path: Vec<String> = Vec::new();
        let onward = facts.way_from(self.step);
        for step in way.into_iter().chain([self.step]).chain(onward) {
            let name = &program.steps[step].node;
            if path.last() != Some(name) {
                path.push(name.clone());
            }
        }
        StructureFinding {
            rule: self.rule,
            path,
            node,
            constants: self.constants,
            branch,
            read,
        }
    }
}
