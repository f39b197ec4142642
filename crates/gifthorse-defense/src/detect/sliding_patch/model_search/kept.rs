//! The search laid by, and taken up again.

use serde::{Deserialize, Serialize};

use super::{ABREAST, Ascent, LAST_STEPS, Led, ModelSearch, SETTINGS, STEPS};
use crate::detect::sliding_patch::aim::Aim;
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
    ended: Vec<Vec<Led>>,
    running: Vec<Ascent>,
    last: Option<Ascent>,
    steps: usize,
    #[serde(with = "crate::exact::double")]
    seconds: f64,
}

impl<'a> ModelSearch<'a> {
    /// The search where [`Self::at_rest`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(subject: Subject<'a>, aim: Aim, kept: &str) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_str(kept)?;
        let mut this = Self::new(subject, aim)?;
        kept.belongs.check(&this.belongs())?;
        let values = this.windows.first().map_or(0, Vec::len);
        let begun = kept.ended.len() + kept.running.len();
        let classes = subject.classifier.classes();
        let rows = kept.ended.first().map_or(0, Vec::len);
        let is_outcome = |led: &Vec<Led>| {
            let known = |led: &Led| led.to < classes && led.by.is_finite();
            led.len() == rows && !led.is_empty() && led.iter().all(known)
        };
        let ended = begun <= this.count()
            && kept.running.len() <= ABREAST
            && kept.ended.iter().all(is_outcome);
        let fits = |ascent: &Ascent, steps| ascent.steps <= steps && ascent.fits(values);
        let ascents = kept.running.iter().all(|it| fits(it, STEPS - 1))
            && kept.last.iter().all(|it| fits(it, LAST_STEPS));
        let checks = [(ended, "outcomes"), (ascents, "patterns")];
        let version = (kept.version, VERSION);
        kept.belongs.check_contents(version, &checks)?;
        this.ended = kept.ended;
        this.running = kept.running;
        this.last = this.last()?;
        if let (Some(last), Some(ascent)) = (&mut this.last, kept.last) {
            last.ascent = ascent;
        }
        Ok(Self {
            steps: kept.steps,
            seconds: kept.seconds,
            ..this
        })
    }

    /// The search as it is now, to be kept.
    pub(super) fn at_rest(&self) -> Kept {
        Kept {
            version: VERSION,
            belongs: self.belongs(),
            ended: self.ended.clone(),
            running: self.running.clone(),
            last: self.last.as_ref().map(|last| last.ascent.clone()),
            steps: self.steps,
            seconds: self.seconds,
        }
    }

    fn belongs(&self) -> Belongs {
        let settings = self.aim.sources().settings().into_iter().chain(SETTINGS);
        let settings: Vec<String> = settings
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        Belongs {
            unit: Unit::Model,
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self
                .aim
                .shown()
                .iter()
                .map(|shown| shown.labels.len())
                .sum(),
            settings: settings.join(", "),
        }
    }
}
