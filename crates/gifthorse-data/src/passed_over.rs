//! The files below an image set that are not used, and why: nothing is left out in silence.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::folder::is_picture;
use crate::walk::{DEEPEST, What, walk};

/// Files that were passed over for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Why.
    pub reason: Reason,
    /// How many files; folders where none of their files was looked at.
    pub count: usize,
    /// The first of them.
    pub first: String,
}

/// Why a file was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A picture that cannot be decoded, or only in part.
    Damaged,
    /// Neither its name nor its content is a picture's.
    NoPicture,
    /// A picture, or many, but not in the part, the folders or the table that were read.
    Outside,
    /// Hidden, or in a hidden folder.
    Hidden,
    /// No regular file, or a link that leads nowhere.
    NotAFile,
    /// A link to a folder that is looked into anyway.
    Circle,
    /// A folder too deep to be looked into.
    TooDeep,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged => f.write_str("damaged, or cannot be decoded"),
            Self::NoPicture => f.write_str("no picture by name or content"),
            Self::Outside => f.write_str("not in the part, folders or table that were read"),
            Self::Hidden => f.write_str("hidden"),
            Self::NotAFile => f.write_str("no regular file, or a link that leads nowhere"),
            Self::Circle => f.write_str("a link to a folder that is looked into anyway"),
            Self::TooDeep => write!(f, "more than {DEEPEST} folders deep"),
        }
    }
}

/// Counts the files below `root` that are not in `used`, by reason. `of_other_part` are files of
/// many images that were not asked for.
pub(crate) fn below(
    root: &Path,
    used: &HashSet<PathBuf>,
    of_other_part: &HashSet<&Path>,
) -> Result<Vec<PassedOver>, Error> {
    let mut passed = Vec::new();
    for found in walk(root)? {
        if used.contains(&found.path) {
            continue;
        }
        let reason = match found.what {
            What::File if of_other_part.contains(found.path.as_path()) => Reason::Outside,
            What::File if is_picture(&found.path) => Reason::Outside,
            What::File => Reason::NoPicture,
            What::Hidden => Reason::Hidden,
            What::NotAFile => Reason::NotAFile,
            What::Circle => Reason::Circle,
            What::TooDeep => Reason::TooDeep,
        };
        add(&mut passed, reason, 1, &found.name);
    }
    Ok(passed)
}

/// Counts `count` more files under a reason.
pub(crate) fn add(passed: &mut Vec<PassedOver>, reason: Reason, count: usize, name: &str) {
    match passed.iter_mut().find(|known| known.reason == reason) {
        Some(known) => known.count += count,
        None => passed.push(PassedOver {
            reason,
            count,
            first: name.to_owned(),
        }),
    }
}
