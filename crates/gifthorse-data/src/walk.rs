//! All files below a folder, whatever links lead where.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::limits::MAX_RECORDS;

/// Folders inside each other that are looked into.
pub(crate) const DEEPEST: usize = 16;

/// Something below a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its path from the folder on, with `/` between.
    pub name: String,
    pub path: PathBuf,
    pub what: What,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A file.
    File,
    /// A file that is hidden, or in a hidden folder.
    Hidden,
    /// A pipe, a device, or a link that leads nowhere; opening it might wait for ever.
    NotAFile,
    /// A link to a folder that is looked into anyway, or that holds this one.
    Circle,
    /// A folder too deep to be looked into.
    TooDeep,
}

/// Lists what is below `root`: the files of a folder by name, then those of its folders. Links are
/// followed, since folders of links to a sample of images are usual, but to no folder twice.
pub(crate) fn walk(root: &Path) -> Result<Vec<Found>, Error> {
    let mut walk = Walk {
        root: real(root)?,
        seen: HashSet::new(),
        found: Vec::new(),
    };
    walk.folder(root, "", false, 0)?;
    Ok(walk.found)
}

/// Whether an entry called so is hidden, or is what a system leaves behind.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX" || name == "Thumbs.db" || name == "desktop.ini"
}

struct Walk {
    root: PathBuf,
    /// Folders that were looked into.
    seen: HashSet<PathBuf>,
    found: Vec<Found>,
}

impl Walk {
    fn folder(
        &mut self,
        path: &Path,
        prefix: &str,
        hidden: bool,
        depth: usize,
    ) -> Result<(), Error> {
        self.seen.insert(real(path)?);
        let failed = |source| read_error(path, source);
        let mut folders = Vec::new();
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push((name, entry.path(), link));
        }
        entries.sort_unstable();
        for (name, path, link) in entries {
            let hidden = hidden || is_hidden(&name);
            let name = format!("{prefix}{name}");
            let what = match std::fs::metadata(&path) {
                Ok(is) if is.is_dir() => {
                    folders.push((name, path, link, hidden));
                    continue;
                }
                Ok(is) if is.is_file() && hidden => What::Hidden,
                Ok(is) if is.is_file() => What::File,
                _ => What::NotAFile,
            };
            self.add(name, path, what)?;
        }
        for (name, path, link, hidden) in folders {
            if link && self.leads_back(&path) {
                self.add(name, path, What::Circle)?;
            } else if depth == DEEPEST {
                self.add(name, path, What::TooDeep)?;
            } else {
                self.folder(&path, &format!("{name}/"), hidden, depth + 1)?;
            }
        }
        Ok(())
    }

    fn leads_back(&self, link: &Path) -> bool {
        real(link).map_or(true, |to| {
            self.root.starts_with(&to) || self.seen.contains(&to)
        })
    }

    fn add(&mut self, name: String, path: PathBuf, what: What) -> Result<(), Error> {
        if self.found.len() == MAX_RECORDS {
            return Err(Error::Malformed {
                path: self.root.clone(),
                reason: format!("holds more than {MAX_RECORDS} files"),
            });
        }
        self.found.push(Found { name, path, what });
        Ok(())
    }
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize()
        .map_err(|source| read_error(path, source))
}

fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(root: &Path) -> Vec<(String, What)> {
        let found = walk(root).unwrap().into_iter();
        found.map(|found| (found.name, found.what)).collect()
    }

    #[test]
    fn files_come_before_folders_and_hidden_ones_are_told() {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            "b.png",
            "a/2.png",
            "a/x/3.png",
            ".git/x/config",
            "a/.DS_Store",
        ] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let expected = [
            ("b.png", What::File),
            (".git/x/config", What::Hidden),
            ("a/.DS_Store", What::Hidden),
            ("a/2.png", What::File),
            ("a/x/3.png", What::File),
        ];
        assert_eq!(
            found(dir.path()),
            expected.map(|(name, what)| (name.to_owned(), what))
        );
    }

    #[test]
    fn a_very_deep_folder_ends() {
        let dir = tempfile::tempdir().unwrap();
        let deep: PathBuf = (0..40).map(|_| "d").collect();
        std::fs::create_dir_all(dir.path().join(deep)).unwrap();
        assert_eq!(found(dir.path()).last().unwrap().1, What::TooDeep);
    }

    #[test]
    #[cfg(unix)]
    fn links_lead_to_each_folder_once_and_never_up() {
        use std::os::unix::fs::symlink;

        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        for folder in [&root.join("a"), &dir.path().join("other")] {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(folder.join("1.png"), "").unwrap();
        }
        symlink("/", root.join("a/up")).unwrap();
        symlink("../../other", root.join("a/other")).unwrap();
        symlink("../other", root.join("again")).unwrap();
        symlink("../root", dir.path().join("other/back")).unwrap();
        symlink("nowhere", root.join("gone.png")).unwrap();
        let expected = [
            ("gone.png", What::NotAFile),
            ("a/1.png", What::File),
            ("a/other/1.png", What::File),
            ("a/other/back", What::Circle),
            ("a/up", What::Circle),
            ("again", What::Circle),
        ];
        assert_eq!(
            found(&root),
            expected.map(|(name, what)| (name.to_owned(), what))
        );
    }
}
