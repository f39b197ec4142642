//! The folder itself: who may use it, and which scan it holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::WorkError;
use super::keeper::WorkKeeper;
use super::manifest::Manifest;
use super::sealed::{self, Sealed, UNFINISHED};
use crate::observer::ScanObserver;

/// Says which scan the folder holds.
const MANIFEST: &str = "scan";
/// Held for as long as a scan runs.
const LOCK: &str = "lock";
/// Most bytes of a manifest that are read: the classes of the largest model, and much to spare.
const MANIFEST_LIMIT: u64 = 1 << 20;

/// A work folder that no other scan uses while this value lives.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    /// The lock goes when the file is closed, also by the death of the process.
    _lock: File,
}

impl WorkFolder {
    /// Makes the folder if there is none, and keeps other scans out of it.
    ///
    /// # Errors
    /// A folder that cannot be made or is in use, or that holds other things than a scan.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        fs::create_dir_all(path).map_err(WorkError::system(path, "made"))?;
        refuse_foreign(path)?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(WorkError::system(&lock_path, "opened"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(WorkError::Busy {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(WorkError::system(lock_path, "locked")(source)),
        }
    }

    /// Makes the folder this scan's, or goes on with this very scan if it is there already.
    ///
    /// # Errors
    /// A folder that holds another scan, or that cannot be read or written.
    pub fn claim(&self, manifest: &Manifest) -> Result<(), WorkError> {
        let file = self.path.join(MANIFEST);
        let there = sealed::read::<Manifest>(&file, MANIFEST_LIMIT)
            .map_err(WorkError::system(&file, "read"))?;
        match there {
            Sealed::Absent => {
                let written =
                    sealed::seal(manifest).and_then(|bytes| sealed::replace(&file, &bytes));
                written.map_err(WorkError::system(&file, "written"))?;
            }
            Sealed::Damaged(problem) => {
                return Err(WorkError::NoManifest {
                    path: self.path.clone(),
                    problem: format!("its file {MANIFEST:?} {problem}"),
                });
            }
            Sealed::Whole(there) => {
                let differences = manifest.differences(&there);
                if !differences.is_empty() {
                    return Err(WorkError::OtherScan {
                        path: self.path.clone(),
                        differences,
                    });
                }
            }
        }
        Ok(())
    }

    /// What keeps the searches of `detector` here, for images of `shape`, channels, height and
    /// width; files that cannot be used are told to the observer.
    pub fn keeper<'a>(
        &'a self,
        detector: &'static str,
        shape: [usize; 3],
        observer: &'a dyn ScanObserver,
    ) -> WorkKeeper<'a> {
        WorkKeeper::new(self, detector, shape, observer)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder without a manifest is only taken if there is nothing in it but what a scan killed at
/// its very beginning leaves.
fn refuse_foreign(path: &Path) -> Result<(), WorkError> {
    let unfinished = format!("{MANIFEST}{UNFINISHED}");
    let mut foreign = None;
    for entry in fs::read_dir(path).map_err(WorkError::system(path, "read"))? {
        let entry = entry.map_err(WorkError::system(path, "read"))?;
        let name = entry.file_name();
        if name == MANIFEST {
            return Ok(());
        }
        if name != LOCK && name != unfinished.as_str() {
            foreign = Some(name.to_string_lossy().into_owned());
        }
    }
    match foreign {
        Some(found) => Err(WorkError::Foreign {
            path: path.to_owned(),
            found,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/work");
        let first = WorkFolder::open(&path).unwrap();
        let busy = WorkFolder::open(&path).unwrap_err();
        assert!(matches!(busy, WorkError::Busy { .. }), "{busy}");
        drop(first);
        WorkFolder::open(&path).unwrap();
    }

    #[test]
    fn a_folder_of_other_things_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cat.png"), "").unwrap();
        let refused = WorkFolder::open(folder.path()).unwrap_err();
        assert!(refused.to_string().contains("cat.png"), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_scan_killed_at_once_leaves_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in [LOCK, "scan.new"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        WorkFolder::open(folder.path()).unwrap();
    }
}
