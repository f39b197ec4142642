//! The data sets that are known by name.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A data set by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// Handwritten digits, 1x28x28, 10 classes.
    Mnist,
    /// Articles of clothing, 1x28x28, 10 classes.
    FashionMnist,
    /// German traffic signs of many sizes in colour, 43 classes.
    Gtsrb,
    /// Animals and vehicles, 3x32x32, 10 classes.
    Cifar10,
    /// Ten classes of Tiny ImageNet, 3x64x64.
    TinyImagenet,
    /// Generated signs of any size, 12 classes ([`crate::generate`]).
    Signs,
    /// An image set at a path.
    Folder,
}

const CLOTHING: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

impl Set {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Mnist,
        Self::FashionMnist,
        Self::Gtsrb,
        Self::Cifar10,
        Self::TinyImagenet,
        Self::Signs,
        Self::Folder,
    ];

    /// Its folder in the folder of data sets; `None` for those that have no place there.
    #[must_use]
    pub fn folder(self) -> Option<&'static str> {
        match self {
            Self::Mnist => Some("mnist"),
            Self::FashionMnist => Some("fashion-mnist"),
            Self::Gtsrb => Some("gtsrb"),
            Self::Cifar10 => Some("cifar-10-batches-bin"),
            Self::TinyImagenet => Some("tiny-imagenet-10"),
            Self::Signs | Self::Folder => None,
        }
    }

    /// Its name as settings and errors write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion_mnist",
            Self::Gtsrb => "gtsrb",
            Self::Cifar10 => "cifar10",
            Self::TinyImagenet => "tiny_imagenet",
            Self::Signs => "signs",
            Self::Folder => "folder",
        }
    }

    /// Where its files are.
    pub(super) fn locate(self, path: Option<&Path>, data: Option<&Path>) -> Result<PathBuf, Error> {
        let path = match (self.folder(), path, data) {
            (Some(folder), _, Some(data)) => data.join(folder),
            // So that a plan need not say where data sets are.
            (None, Some(path), Some(data)) if !path.exists() && data.join(path).exists() => {
                data.join(path)
            }
            (None, Some(path), _) => path.to_owned(),
            _ => return Err(Error::NoDataFolder { set: self }),
        };
        if path.exists() {
            Ok(path)
        } else {
            Err(Error::NoDataSet { set: self, path })
        }
    }

    /// Names for all classes: those of the image set, else those that are known, else numbers.
    pub(super) fn class_names(self, listed: &[String], labels: &[usize]) -> Vec<String> {
        let needed = labels.iter().max().map_or(0, |largest| largest + 1);
        if !listed.is_empty() {
            return listed.to_vec();
        }
        match self {
            Self::FashionMnist => CLOTHING.map(str::to_owned).to_vec(),
            _ => (0..needed).map(|class| class.to_string()).collect(),
        }
    }
}

impl std::fmt::Display for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_called_the_same_everywhere() {
        for set in Set::ALL {
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(json, format!("\"{set}\""));
        }
    }
}
