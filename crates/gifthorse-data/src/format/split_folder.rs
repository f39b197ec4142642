//! `train`, `val` and `test` folders at the top of an image set.

use crate::folder::{Entry, Folder};
use crate::{Error, Split};

const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

/// The parts of an image set, each an entry of its top folder; empty if it is not divided.
pub(crate) struct Parts<'a> {
    pub all: Vec<&'a Entry>,
    /// The parts that fit the split asked for, the best name first.
    pub wanted: Vec<&'a Entry>,
}

impl<'a> Parts<'a> {
    pub fn of(folder: &'a Folder, split: Split) -> Self {
        let find = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| folder.folder(name))
                .collect()
        };
        let (train, test): (Vec<_>, Vec<_>) = (find(&TRAIN), find(&TEST));
        Self {
            all: [train.as_slice(), test.as_slice()].concat(),
            wanted: match split {
                Split::Train => train,
                Split::Test => test,
            },
        }
    }

    /// Whether the set is divided.
    pub fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// The error that says that no part fits the split asked for.
    pub fn missing(&self, folder: &Folder, split: Split) -> Error {
        let names: Vec<_> = self.all.iter().map(|part| part.name.as_str()).collect();
        Error::MissingSplit {
            path: folder.path.clone(),
            split,
            found: format!("the folders {}", names.join(", ")),
        }
    }
}
