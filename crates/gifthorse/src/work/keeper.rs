//! Searches handed over to a work folder, and back.

use std::path::PathBuf;
use std::time::Duration;

use gifthorse_defense::finding::{Finding, Unit};
use gifthorse_defense::search::{Keeper, KeeperError, Kept, Stage};

use super::WorkError;
use super::folder::WorkFolder;
use super::sealed::{self, Sealed};
use super::unit_file::{self, Contents, Read, Written};
use crate::observer::ScanObserver;

/// How long a search goes on before it is kept again: seldom enough to cost nothing, often enough
/// that a killed scan loses well under a minute.
const INTERVAL: Duration = Duration::from_secs(10);

/// Keeps the searches of one detector in the folder of its scan.
pub struct WorkKeeper<'a> {
    folder: &'a WorkFolder,
    detector: &'static str,
    shape: [usize; 3],
    observer: &'a dyn ScanObserver,
}

impl<'a> WorkKeeper<'a> {
    /// For images of `shape`, channels, height and width; files that cannot be used are told to the
    /// observer.
    pub(super) fn new(
        folder: &'a WorkFolder,
        detector: &'static str,
        shape: [usize; 3],
        observer: &'a dyn ScanObserver,
    ) -> Self {
        Self {
            folder,
            detector,
            shape,
            observer,
        }
    }

    /// How many of the units have a file, so that their searches need not be begun.
    pub fn begun(&self, units: &[Unit]) -> usize {
        let has_file = |unit: Unit| {
            let mut stages = [Stage::Early, Stage::Full].into_iter();
            stages.any(|stage| self.path(stage, unit).exists())
        };
        units.iter().filter(|&&unit| has_file(unit)).count()
    }

    fn path(&self, stage: Stage, unit: Unit) -> PathBuf {
        let name = unit_file::name(self.detector, stage, unit);
        self.folder.path().join(name)
    }

    fn write(&self, stage: Stage, unit: Unit, contents: &Written<'_>) -> Result<(), WorkError> {
        let path = self.path(stage, unit);
        let bytes = sealed::seal(contents).map_err(WorkError::system(&path, "written"))?;
        let limit = unit_file::limit(self.shape);
        if bytes.len() as u64 > limit {
            return Err(WorkError::TooLarge {
                unit,
                bytes: bytes.len() as u64,
                limit,
            });
        }
        sealed::replace(&path, &bytes).map_err(WorkError::system(&path, "written"))
    }
}

impl Keeper for WorkKeeper<'_> {
    fn load(&self, stage: Stage, unit: Unit) -> Result<Option<Kept>, KeeperError> {
        let path = self.path(stage, unit);
        let limit = unit_file::limit(self.shape);
        let sealed =
            sealed::read::<Read>(&path, limit).map_err(WorkError::system(&path, "read"))?;
        let problem = match sealed {
            Sealed::Absent => return Ok(None),
            Sealed::Damaged(problem) => problem,
            Sealed::Whole(contents) => {
                match unit_file::problem(&contents, stage, unit, self.shape) {
                    Some(problem) => problem.to_owned(),
                    None => {
                        return Ok(Some(match contents {
                            Contents::Search(search) => Kept::Search(search),
                            Contents::Finding(finding) => Kept::Finding(finding),
                        }));
                    }
                }
            }
        };
        self.observer.warning(&format!(
            "the search of {unit} starts again: {} {problem}",
            path.display()
        ));
        Ok(None)
    }

    fn keep(&self, stage: Stage, unit: Unit, search: &str) -> Result<(), KeeperError> {
        Ok(self.write(stage, unit, &Contents::Search(search))?)
    }

    fn finished(&self, stage: Stage, finding: &Finding) -> Result<(), KeeperError> {
        Ok(self.write(stage, finding.unit, &Contents::Finding(finding))?)
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use gifthorse_defense::finding::State;

    use super::*;
    use crate::observer::Silent;

    #[test]
    fn detectors_and_stages_do_not_see_each_other_s_searches() {
        let parent = tempfile::tempdir().unwrap();
        let folder = WorkFolder::open(&parent.path().join("work")).unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.keeper(name, [1, 1, 2], &Silent));
        let unit = Unit::Class(3);
        let found = Finding {
            state: State::Unreached,
            ..Finding::skipped(unit)
        };
        one.finished(Stage::Full, &found).unwrap();
        one.keep(Stage::Early, unit, "the early search").unwrap();
        for (stage, unit) in [
            (Stage::Full, unit),
            (Stage::Early, unit),
            (Stage::Full, Unit::Class(33)),
        ] {
            assert!(other.load(stage, unit).unwrap().is_none());
        }
        assert_eq!((one.begun(&[unit]), other.begun(&[unit])), (1, 0));

        other.keep(Stage::Full, unit, "another search").unwrap();
        let kept = one.load(Stage::Full, unit).unwrap();
        assert!(matches!(kept, Some(Kept::Finding(kept)) if *kept == found));
        let kept = one.load(Stage::Early, unit).unwrap();
        assert!(matches!(kept, Some(Kept::Search(kept)) if kept == "the early search"));
        let kept = other.load(Stage::Full, unit).unwrap();
        assert!(matches!(kept, Some(Kept::Search(kept)) if kept == "another search"));
    }
}
