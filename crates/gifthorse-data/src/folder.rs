//! What lies in a folder: sorted, without hidden entries, and told apart into files and folders.

use std::path::{Path, PathBuf};

use crate::Error;

/// Endings of picture files. Some cannot be decoded; they are listed all the same, so that each is
/// reported as unreadable instead of being passed over in silence.
const PICTURE_ENDINGS: [&str; 18] = [
    "png", "jpg", "jpeg", "jfif", "jpe", "bmp", "ppm", "pgm", "pbm", "pnm", "webp", "tif", "tiff",
    "gif", "avif", "heic", "jp2", "tga",
];

/// A file or folder inside a folder.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub path: PathBuf,
}

impl Entry {
    /// Whether the name ends like a picture's.
    pub fn is_picture(&self) -> bool {
        has_picture_ending(&self.name)
    }
}

/// Whether a file name ends like a picture's.
pub(crate) fn has_picture_ending(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| {
        PICTURE_ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// The entries of one folder, by name.
#[derive(Debug)]
pub(crate) struct Folder {
    pub path: PathBuf,
    pub files: Vec<Entry>,
    pub folders: Vec<Entry>,
}

impl Folder {
    /// Lists a folder. Links are followed, since folders of links to a sample of images are usual;
    /// nobody goes more than three folders deep, so that links in a circle do no harm. Hidden
    /// entries, and what is neither file nor folder (a pipe would block its reader for ever), are
    /// left out.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let mut folder = Self {
            path: path.to_owned(),
            files: Vec::new(),
            folders: Vec::new(),
        };
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
                continue;
            };
            if name.starts_with('.') || name == "__MACOSX" {
                continue;
            }
            let entry = Entry { name, path };
            if entry.path.is_dir() {
                folder.folders.push(entry);
            } else if entry.path.is_file() {
                folder.files.push(entry);
            }
        }
        folder.files.sort_by(|a, b| a.name.cmp(&b.name));
        folder.folders.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(folder)
    }

    /// The file called `name`, if there is one.
    pub fn file(&self, name: &str) -> Option<&Entry> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The folder called `name`, whatever its case, if there is one.
    pub fn folder(&self, name: &str) -> Option<&Entry> {
        self.folders
            .iter()
            .find(|folder| folder.name.eq_ignore_ascii_case(name))
    }

    /// The picture files in it.
    pub fn pictures(&self) -> impl Iterator<Item = &Entry> {
        self.files.iter().filter(|file| file.is_picture())
    }

    /// A few words on what is in it, for an error message.
    pub fn summary(&self) -> String {
        let first = |entries: &[Entry]| {
            let names: Vec<_> = entries.iter().take(3).map(|e| e.name.as_str()).collect();
            let more = if entries.len() > 3 { ", ..." } else { "" };
            format!("{}{more}", names.join(", "))
        };
        match (self.folders.len(), self.files.len()) {
            (0, 0) => "the folder is empty".to_owned(),
            (0, n) => format!("{n} files: {}", first(&self.files)),
            (n, 0) => format!("{n} folders: {}", first(&self.folders)),
            (n, m) => format!(
                "{n} folders: {}; {m} files: {}",
                first(&self.folders),
                first(&self.files)
            ),
        }
    }
}
