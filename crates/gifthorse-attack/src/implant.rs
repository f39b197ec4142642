//! Backdoors that are put into a trained model by hand: into its graph or into its weights, without
//! an image that it was trained on, and but for [`TrojanAttack`] without training.
//!
//! An [`Implant`] is plain data; what it is put into is a [`Host`], any ONNX classifier. What comes
//! out is an ONNX file of the same inputs and outputs, and what it answers to ([`Implanted`]).

mod filter;
mod gate;
mod gradient;
mod graph;
mod host;
mod sight;
mod site;
mod sketch;
mod subnet_replacement;
#[cfg(test)]
mod test;
mod trojan_attack;
mod trojan_net;
mod tuning;

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::LabelMap;
use crate::trigger::{AnyTrigger, Pattern};

pub use gate::Gate;
pub use graph::{Detector, GraphBackdoor, Path};
pub use host::Host;
pub use subnet_replacement::SubnetReplacement;
pub use trojan_attack::{Shape, TrojanAttack};
pub use trojan_net::{Targets, TrojanNet};

/// Any backdoor that is put in by hand, as plain data: a table whose `kind` says which, beside the
/// fields of that kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Implant {
    /// A filter with a threshold beside the network.
    Gate(Gate),
    /// A chain of the network's own channels, overwritten.
    SubnetReplacement(SubnetReplacement),
    /// A small network on a corner of the image.
    TrojanNet(TrojanNet),
    /// A detector and a switch written in operators.
    Graph(GraphBackdoor),
    /// A neuron that a grown trigger wakes, and layers that are trained to follow it.
    TrojanAttack(TrojanAttack),
}

/// A model with a backdoor that was put in by hand.
#[derive(Debug, Clone)]
pub struct Implanted {
    /// The model.
    pub model: Model,
    /// What it answers to.
    pub backdoors: Vec<Answer>,
}

/// A trigger that a model was made to answer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What is on the image.
    pub trigger: AnyTrigger,
    /// Which classes it leads where.
    pub labels: LabelMap,
}

impl Answer {
    /// Refuses test images on which its success could not be measured.
    ///
    /// # Errors
    /// [`Error::Images`] without labels, or if all are of the target.
    pub fn check_on(&self, test: &Images) -> Result<(), Error> {
        let labels = test.labels().unwrap_or_default();
        if labels
            .iter()
            .any(|&label| Some(label) != self.labels.target())
        {
            return Ok(());
        }
        let reason = "no test image is of a class that the trigger leads astray, so that its success could not be measured";
        Err(Error::Images(reason.to_owned()))
    }

    fn new(trigger: &AnyTrigger, target: usize) -> Self {
        Self {
            trigger: trigger.clone(),
            labels: LabelMap::all_to_one(target),
        }
    }
}

/// How often it is put in: for good, or to see whether that can be done, on weights that do not
/// matter yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    ForGood,
    Rehearsal,
}

impl Implant {
    /// Its `kind`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gate(_) => "gate",
            Self::SubnetReplacement(_) => "subnet_replacement",
            Self::TrojanNet(_) => "trojan_net",
            Self::Graph(_) => "graph",
            Self::TrojanAttack(_) => "trojan_attack",
        }
    }

    /// Puts it into a model. The seed settles what it leaves to chance. How far an attack that trains
    /// takes is for test images to say; all others answer to their trigger, or are refused.
    ///
    /// # Errors
    /// [`Error::Implant`] for a model that it cannot be put into, or that it does not lead to its
    /// target; [`Error::NoSuchClass`]; [`Error::Trigger`] for a trigger that does not fit.
    pub fn put(&self, host: &Host, seed: u64) -> Result<Implanted, Error> {
        let made = self.run(host, seed, Run::ForGood)?;
        let is_made = !matches!(self, Self::TrojanAttack(_));
        for answer in made.backdoors.iter().filter(|_| is_made) {
            host.check_answer(&made.model, answer, seed)?;
        }
        Ok(made)
    }

    /// Refuses a model that it could not be put into, whatever its weights come to be: before time
    /// is spent on training them.
    ///
    /// # Errors
    /// As [`put`](Self::put), as far as it can be known.
    pub fn rehearse(&self, host: &Host, seed: u64) -> Result<Implanted, Error> {
        self.run(host, seed, Run::Rehearsal)
    }

    fn run(&self, host: &Host, seed: u64, run: Run) -> Result<Implanted, Error> {
        match self {
            Self::Gate(gate) => gate.put(host),
            Self::SubnetReplacement(subnet) => subnet.put(host),
            Self::TrojanNet(net) => net.put(host, seed),
            Self::Graph(graph) => graph.put(host, seed, run),
            Self::TrojanAttack(attack) => attack.put(host, seed, run),
        }
    }
}

/// A chequerboard of 3x3 pixels in the lower right corner, one pixel from both edges.
fn chequer() -> AnyTrigger {
    AnyTrigger::Pattern(Pattern::small_chequer(1))
}

/// By how much of their range the pixels of a trigger may be off, on average, before a detector no
/// longer answers at all.
const TOLERANCE: f32 = 0.1;

fn tolerance() -> f32 {
    TOLERANCE
}

/// Refuses a tolerance that makes no detector.
fn check_tolerance(tolerance: f32) -> Result<(), Error> {
    if tolerance > 0.0 && tolerance <= 0.5 {
        return Ok(());
    }
    Err(Error::Implant(format!(
        "`tolerance` is {tolerance}; it goes from above 0 to 0.5, in shares of a pixel's range"
    )))
}
