//! The search laid by, and taken up again.

use serde::{Deserialize, Serialize};

use super::{Ended, ModelSearch, Settings};
use crate::detect::neural_cleanse::{ClassSearch, Snapshot};
use crate::error::Error;
use crate::finding::Unit;
use crate::search::Belongs;
use crate::subject::Subject;

/// Version of what is kept.
const VERSION: u32 = 1;

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u32,
    belongs: Belongs,
    ended: Vec<Option<Ended>>,
    running: Vec<(usize, Snapshot)>,
    last: Option<Snapshot>,
    steps: usize,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

impl<'a> ModelSearch<'a> {
    /// The search where [`Self::at_rest`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, settings: &'a Settings, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let mut this = Self::new(subject, settings)?;
        kept.belongs.check(&this.belongs())?;
        let pairs = this.pairs.len();
        let mut places: Vec<usize> = kept.running.iter().map(|it| it.0).collect();
        let ended = |place: &usize| kept.ended.get(*place).is_none_or(Option::is_some);
        let is_known = places.iter().any(ended);
        places.sort_unstable();
        places.dedup();
        let sound = kept.ended.len() == pairs && !is_known && places.len() == kept.running.len();
        kept.belongs
            .check_contents((kept.version, VERSION), &[(sound, "searches of pairs")])?;
        this.ended = kept.ended;
        let task = this.task(&settings.of_pairs)?;
        for (place, snapshot) in kept.running {
            let search = ClassSearch::resume(task, this.aim(place), snapshot)?;
            this.running.push((place, search));
        }
        if let (Some(snapshot), Some(place)) = (kept.last, this.strongest()) {
            let task = this.task(&settings.of_last)?;
            this.last = Some(ClassSearch::resume(task, this.aim(place), snapshot)?);
        }
        Ok(Self {
            steps: kept.steps,
            seconds: kept.seconds,
            ..this
        })
    }

    /// The search as it is now, to be kept.
    pub(super) fn at_rest(&self) -> Kept {
        let running = self.running.iter();
        Kept {
            version: VERSION,
            belongs: self.belongs(),
            ended: self.ended.clone(),
            running: running.map(|(place, it)| (*place, it.at_rest())).collect(),
            last: self.last.as_ref().map(ClassSearch::at_rest),
            steps: self.steps,
            seconds: self.seconds,
        }
    }

    fn belongs(&self) -> Belongs {
        let Settings { of_pairs, of_last } = self.settings;
        Belongs {
            unit: Unit::Model,
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.classes.len(),
            settings: format!("{} {}", of_pairs.fingerprint(), of_last.fingerprint()),
        }
    }
}
