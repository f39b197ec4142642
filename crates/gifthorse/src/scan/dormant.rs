//! Units that no clean image wakes, within the time given.

use std::time::{Duration, Instant};

use gifthorse_defense::dormant::{self, DormantUnit};
use gifthorse_defense::subject::Subject;
use gifthorse_engine::{Classifier, Layer, Pass};
use gifthorse_report::report;

use crate::Error;
use crate::memory::available_memory;

/// The part of the time given (`--max-time`) that waking units may take.
const PART: f64 = 0.1;
/// Bytes that it takes besides the weights: features and moved images.
const WORKING: usize = 256 << 20;

/// What came of it.
pub enum Looked {
    /// It was looked.
    Found(report::DormantUnits),
    /// It was not, for the reason in words.
    LeftOut(String),
}

impl Looked {
    /// What was found.
    pub fn found(&self) -> Option<&report::DormantUnits> {
        match self {
            Self::Found(found) => Some(found),
            Self::LeftOut(_) => None,
        }
    }
}

/// Looks for units that no clean image wakes and wakes them, in a part of the time given and before
/// the scan has to be done. The model is compiled in parts for it, with a copy of the weights:
/// where there is no memory for that, it is left out.
///
/// # Errors
/// A model that cannot be run.
pub fn look(
    subject: &Subject<'_>,
    max_time: Option<Duration>,
    deadline: Option<Instant>,
) -> Result<Looked, Error> {
    if subject.images.is_none() {
        return Ok(Looked::LeftOut("there are no clean images".to_owned()));
    }
    let pass = Pass {
        samples: Classifier::EVALUATION_BATCH,
        backward: true,
        together: false,
    };
    let network = subject.classifier.network();
    let held = network.memory(&[pass], rayon::current_num_threads())?;
    let needed = held.segments.total() + held.packing + held.steps + WORKING;
    if available_memory().is_some_and(|available| available < needed) {
        return Ok(Looked::LeftOut(format!(
            "it takes {} MiB more memory, and there is less",
            needed >> 20
        )));
    }
    let own = max_time.and_then(|limit| Instant::now().checked_add(limit.mul_f64(PART)));
    let until = own.into_iter().chain(deadline).min();
    let found = dormant::look(subject, until)?;
    Ok(Looked::Found(report::DormantUnits {
        images: found.images,
        units: found.units,
        dormant: found.dormant,
        tried: found.tried,
        woken: found.woken,
        switches: found.switches.into_iter().map(in_report).collect(),
        strongest: found.strongest.map(in_report),
    }))
}

/// Notes of each structural finding whether its branch is the same on all clean images.
///
/// # Errors
/// A model that cannot be run.
pub fn rests(
    subject: &Subject<'_>,
    findings: &mut [report::StructureFinding],
    deadline: Option<Instant>,
) -> Result<(), Error> {
    if subject.images.is_none() {
        return Ok(());
    }
    let layer = |found: &report::StructureFinding| {
        let name = found.branch.as_deref()?;
        subject.classifier.layer(name).ok().cloned()
    };
    let (places, layers): (Vec<usize>, Vec<Layer>) = (findings.iter().enumerate())
        .filter_map(|(place, found)| Some((place, layer(found)?)))
        .unzip();
    if layers.is_empty() {
        return Ok(());
    }
    let rest = dormant::rest(subject, &layers, deadline)?;
    for (place, rests) in places.into_iter().zip(rest) {
        findings[place].rests = Some(rests);
    }
    Ok(())
}

fn in_report(unit: DormantUnit) -> report::DormantUnit {
    report::DormantUnit {
        node: unit.node,
        layer: unit.layer,
        channel: unit.channel,
        class: unit.class,
        images: unit.images,
        others: unit.others,
        changed: unit.changed,
        led: unit.led,
        kept: unit.kept,
    }
}
