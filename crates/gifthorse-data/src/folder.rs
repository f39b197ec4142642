//! What lies in a folder: sorted, without hidden entries, and told apart into files and folders.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::walk::is_hidden;

/// Endings of picture files. Some cannot be decoded; they are listed all the same, so that each is
/// reported as unreadable instead of being passed over in silence.
const PICTURE_ENDINGS: [&str; 18] = [
    "png", "jpg", "jpeg", "jfif", "jpe", "bmp", "ppm", "pgm", "pbm", "pnm", "webp", "tif", "tiff",
    "gif", "avif", "heic", "jp2", "tga",
];

/// Endings of files that are no pictures, however they begin.
const OTHER_ENDINGS: [&str; 14] = [
    "txt", "csv", "tsv", "json", "jsonl", "md", "xml", "html", "yaml", "yml", "toml", "py", "npy",
    "db",
];

/// A file or folder inside a folder.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub path: PathBuf,
}

impl Entry {
    /// Whether it is a picture, see [`is_picture`].
    pub fn is_picture(&self) -> bool {
        is_picture(&self.path)
    }
}

/// Whether a file is a picture: its name ends like one's, or it begins like one. The latter is not
/// asked of what ends like a text, since two letters are enough to begin like some pictures.
pub(crate) fn is_picture(path: &Path) -> bool {
    let Some(name) = path.file_name().map(std::ffi::OsStr::to_string_lossy) else {
        return false;
    };
    if has_picture_ending(&name) {
        return true;
    }
    let is_other = path.extension().is_some_and(|ending| {
        let mut others = OTHER_ENDINGS.iter();
        others.any(|other| ending.eq_ignore_ascii_case(other))
    });
    !is_other && begins_like_a_picture(path)
}

fn begins_like_a_picture(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(32).read_to_end(&mut start));
    read.is_ok() && image::guess_format(&start).is_ok()
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
    /// nobody goes more than a few folders deep with it, so that links in a circle do no harm.
    /// Hidden entries, and what is neither file nor folder (a pipe would block its reader for ever),
    /// are left out.
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
            if is_hidden(&name) {
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
