//! Searches handed over to a work folder, and back.

use std::path::PathBuf;
use std::time::Duration;

use gifthorse_defense::detect::neural_cleanse::{
    ClassFinding, Keeper, KeeperError, Kept, Snapshot, Stage,
};

use super::WorkError;
use super::class_file::{self, Contents, Read, Written};
use super::folder::WorkFolder;
use super::sealed::{self, Sealed};
use crate::observer::ScanObserver;

/// How long a search goes on before it is kept again: seldom enough to cost nothing, often enough that a killed scan
/// loses well under a minute.
const INTERVAL: Duration = Duration::from_secs(10);

/// Keeps the searches of one scan in its folder.
pub struct WorkKeeper<'a> {
    folder: WorkFolder,
    shape: [usize; 3],
    observer: &'a dyn ScanObserver,
}

impl<'a> WorkKeeper<'a> {
    /// For images of `shape`, channels, height and width; files that cannot be used are told to the observer.
    pub(super) fn new(
        folder: WorkFolder,
        shape: [usize; 3],
        observer: &'a dyn ScanObserver,
    ) -> Self {
        Self {
            folder,
            shape,
            observer,
        }
    }

    /// How many of the classes have a file, so that their searches need not be begun.
    pub fn begun(&self, classes: &[usize]) -> usize {
        let has_file = |class: usize| {
            let mut stages = [Stage::Early, Stage::Full].into_iter();
            stages.any(|stage| self.path(stage, class).exists())
        };
        classes.iter().filter(|&&class| has_file(class)).count()
    }

    fn path(&self, stage: Stage, class: usize) -> PathBuf {
        self.folder.path().join(class_file::name(stage, class))
    }

    fn write(&self, stage: Stage, class: usize, contents: &Written<'_>) -> Result<(), WorkError> {
        let path = self.path(stage, class);
        let bytes = sealed::seal(contents).map_err(WorkError::system(&path, "written"))?;
        let limit = class_file::limit(self.shape);
        if bytes.len() as u64 > limit {
            return Err(WorkError::TooLarge {
                class,
                bytes: bytes.len() as u64,
                limit,
            });
        }
        sealed::replace(&path, &bytes).map_err(WorkError::system(&path, "written"))
    }
}

impl Keeper for WorkKeeper<'_> {
    fn load(&self, stage: Stage, class: usize) -> Result<Option<Kept>, KeeperError> {
        let path = self.path(stage, class);
        let limit = class_file::limit(self.shape);
        let sealed =
            sealed::read::<Read>(&path, limit).map_err(WorkError::system(&path, "read"))?;
        let problem = match sealed {
            Sealed::Absent => return Ok(None),
            Sealed::Damaged(problem) => problem,
            Sealed::Whole(contents) => {
                match class_file::problem(&contents, stage, class, self.shape) {
                    Some(problem) => problem.to_owned(),
                    None => {
                        return Ok(Some(match contents {
                            Contents::Search(snapshot) => Kept::Search(snapshot),
                            Contents::Finding(finding) => Kept::Finding(finding),
                        }));
                    }
                }
            }
        };
        self.observer.warning(&format!(
            "the search of class {class} starts again: {} {problem}",
            path.display()
        ));
        Ok(None)
    }

    fn keep(&self, stage: Stage, snapshot: &Snapshot) -> Result<(), KeeperError> {
        let contents = Contents::Search(snapshot);
        Ok(self.write(stage, snapshot.class(), &contents)?)
    }

    fn finished(&self, stage: Stage, finding: &ClassFinding) -> Result<(), KeeperError> {
        let contents = Contents::Finding(finding);
        Ok(self.write(stage, finding.class, &contents)?)
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
