//! The graph of operations that the loss of a step is computed by (the trusted computational graph
//! of Bagdasaryan and Shmatikov 2021, section 7.2).
//!
//! A step of training differentiates one loss or several. What each was computed by is recorded
//! while it is computed ([`tape`]), so that code which adds a loss, and with it a pass through the
//! network, shows. Images, labels and the numbers in weights are no part of the graph: poisoned
//! data looks the same.

mod difference;
mod tape;

use gifthorse_engine::Operation;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;

pub use difference::{Beside, Difference};
pub(crate) use tape::{Known, Tape, Traced};

/// The version of [`LossGraphs`] as JSON.
const VERSION: u32 = 1;

/// One loss that a step differentiates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// How many of this very form the step has: one for each shard of the batch.
    pub times: usize,
    /// What the loss is computed by, and what becomes of its gradient; parents come first. A pass
    /// through a network is one operation, `network` and its digest.
    pub operations: Vec<Operation>,
}

/// All losses that a step differentiates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepGraph {
    terms: Vec<Term>,
}

impl StepGraph {
    /// The losses, those of the clean batch first.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// With the losses of another part of the step.
    pub(crate) fn add(&mut self, other: &Self) {
        for term in &other.terms {
            let same = |own: &&mut Term| own.operations == term.operations;
            match self.terms.iter_mut().find(same) {
                Some(own) => own.times += term.times,
                None => self.terms.push(term.clone()),
            }
        }
    }

    /// With one more operation on the gradient of each loss.
    pub(crate) fn then(&mut self, operation: &str) {
        for term in &mut self.terms {
            let last = term.operations.len().saturating_sub(1);
            let next = Operation::new(operation, &[], &[last]);
            term.operations.push(next);
        }
    }
}

/// A network that losses pass through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkGraph {
    /// SHA-256 of the operations, by which a term names it.
    pub sha256: String,
    /// From the image to the logits; parents come first.
    pub operations: Vec<Operation>,
}

impl NetworkGraph {
    pub(crate) fn new(operations: Vec<Operation>) -> Self {
        Self {
            sha256: digest(&operations),
            operations,
        }
    }
}

/// A graph that steps had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The first step that had it, counted from 1.
    pub first: usize,
    /// How many steps had it.
    pub steps: usize,
    /// The losses.
    pub losses: StepGraph,
}

/// The graphs of all steps of a run, each different one once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossGraphs {
    version: u32,
    /// The networks that the losses pass through.
    pub networks: Vec<NetworkGraph>,
    /// The graphs, in the order in which they were met.
    pub graphs: Vec<Seen>,
}

impl LossGraphs {
    pub(crate) fn new(network: NetworkGraph) -> Self {
        Self {
            version: VERSION,
            networks: vec![network],
            graphs: Vec::new(),
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`Error::LossGraph`] for what is no such file, is of another version, or contradicts itself.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let wrong = |reason: String| Error::LossGraph(reason);
        let read: Self = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        if read.version != VERSION {
            return Err(wrong(format!(
                "it is of version {}, and this program reads {VERSION}: write it anew",
                read.version
            )));
        }
        for network in &read.networks {
            if digest(&network.operations) != network.sha256 {
                let name = &network.sha256;
                return Err(wrong(format!("the network `{name}` has another digest")));
            }
        }
        let networks = read.networks.iter().map(|it| &it.operations);
        let losses = read.graphs.iter().flat_map(|seen| &seen.losses.terms);
        for operations in networks.chain(losses.map(|term| &term.operations)) {
            let mut places = operations.iter().enumerate();
            if operations.is_empty()
                || places.any(|(place, it)| it.parents.iter().any(|&parent| parent >= place))
            {
                return Err(wrong("an operation comes before its parents".to_owned()));
            }
        }
        Ok(read)
    }

    /// The same for all runs that compute the same, to the byte.
    ///
    /// # Errors
    /// [`Error::LossGraph`] for what JSON cannot hold, which no graph has.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|error| Error::LossGraph(error.to_string()))
    }

    /// SHA-256 of the graphs, whatever the number of steps that had each.
    #[must_use]
    pub fn sha256(&self) -> String {
        let graphs: Vec<&StepGraph> = self.graphs.iter().map(|seen| &seen.losses).collect();
        digest(&graphs)
    }

    /// How many steps were recorded.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.graphs.iter().map(|seen| seen.steps).sum()
    }

    /// Whether a step may be so.
    #[must_use]
    pub fn has(&self, losses: &StepGraph) -> bool {
        self.graphs.iter().any(|seen| seen.losses == *losses)
    }

    /// Counts a step, the `number`th of the run.
    pub(crate) fn count(&mut self, number: usize, losses: StepGraph) {
        match self.graphs.iter_mut().find(|seen| seen.losses == losses) {
            Some(seen) => seen.steps += 1,
            None => self.graphs.push(Seen {
                first: number,
                steps: 1,
                losses,
            }),
        }
    }
}

/// SHA-256 of a value as JSON.
fn digest(value: &impl Serialize) -> String {
    // Lists and names alone always have a form as JSON.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let bytes = Sha256::digest(json);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
