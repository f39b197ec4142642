//! Backdoors that are put into a trained model by hand: into its graph or into its weights.
//! [`TrojanAttack`] and [`HiddenTrigger`] train, the others do not; [`HiddenTrigger`] alone needs
//! images to train on.
//!
//! An [`Implant`] is plain data; what it is put into is a [`Host`], any ONNX classifier. What comes
//! out is an ONNX file of the same inputs and outputs, and what it answers to ([`Implanted`]).

mod cut;
mod filter;
mod gate;
mod gradient;
mod graph;
mod hidden_trigger;
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
pub use hidden_trigger::HiddenTrigger;
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
    /// Images of the target near the source's in features, and a last layer that is trained on
    /// them.
    HiddenTrigger(HiddenTrigger),
}

/// A model with a backdoor that was put in by hand.
#[derive(Debug, Clone)]
pub struct Implanted {
    /// The model.
    pub model: Model,
    /// What it answers to.
    pub backdoors: Vec<Answer>,
    /// What it was trained on, if on images that were given.
    pub tuned: Option<Tuned>,
}

impl Implanted {
    fn by_hand(model: Model, backdoors: Vec<Answer>) -> Self {
        Self {
            model,
            backdoors,
            tuned: None,
        }
    }
}

/// How a model was trained on images of which some are poisoned.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// The images, poisoned ones in the places of what they were.
    pub images: Images,
    /// Places of those, ascending.
    pub poisoned: Vec<usize>,
    /// The model that was trained alike on the images as they were: its clean twin.
    pub twin: Model,
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
    /// [`Error::Images`] without labels, or if none is of a class that is led astray.
    pub fn check_on(&self, test: &Images) -> Result<(), Error> {
        let labels = test.labels().unwrap_or_default();
        let astray = |label: usize| {
            let led = self.labels.leads_to(label, usize::MAX);
            led.is_some_and(|class| class != label)
        };
        if labels.iter().any(|&label| astray(label)) {
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
            Self::HiddenTrigger(_) => "hidden_trigger",
        }
    }

    /// Whether the model that comes out has as many classes as the images that it is trained on,
    /// whatever the host has.
    #[must_use]
    pub fn sets_classes(&self) -> bool {
        matches!(self, Self::HiddenTrigger(_))
    }

    /// Puts it into a model. `images` are labelled ones to train on, which [`HiddenTrigger`] alone
    /// needs; the seed settles what it leaves to chance. How far an attack that trains takes is for
    /// test images to say; all others answer to their trigger, or are refused.
    ///
    /// # Errors
    /// [`Error::Implant`] for a model that it cannot be put into, or that it does not lead to its
    /// target, and where images are missing; [`Error::Images`] for images of another task;
    /// [`Error::NoSuchClass`]; [`Error::Trigger`] for a trigger that does not fit.
    pub fn put(&self, host: &Host, images: Option<&Images>, seed: u64) -> Result<Implanted, Error> {
        let made = self.run(host, images, seed, Run::ForGood)?;
        let trains = matches!(self, Self::TrojanAttack(_) | Self::HiddenTrigger(_));
        for answer in made.backdoors.iter().filter(|_| !trains) {
            host.check_answer(&made.model, answer, seed)?;
        }
        Ok(made)
    }

    /// Refuses a model that it could not be put into, whatever its weights come to be: before time
    /// is spent on training them.
    ///
    /// # Errors
    /// As [`put`](Self::put), as far as it can be known.
    pub fn rehearse(
        &self,
        host: &Host,
        images: Option<&Images>,
        seed: u64,
    ) -> Result<Implanted, Error> {
        self.run(host, images, seed, Run::Rehearsal)
    }

    fn run(
        &self,
        host: &Host,
        images: Option<&Images>,
        seed: u64,
        run: Run,
    ) -> Result<Implanted, Error> {
        match self {
            Self::Gate(gate) => gate.put(host),
            Self::SubnetReplacement(subnet) => subnet.put(host),
            Self::TrojanNet(net) => net.put(host, seed),
            Self::Graph(graph) => graph.put(host, seed, run),
            Self::TrojanAttack(attack) => attack.put(host, seed, run),
            Self::HiddenTrigger(attack) => attack.put(host, images, seed, run),
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
