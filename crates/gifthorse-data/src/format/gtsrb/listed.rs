//! GTSRB as Kaggle has it: `Train.csv` and `Test.csv` beside the folders `Train` and `Test`, with the
//! path, the region of interest and the class of each picture.

use std::path::{Path, PathBuf};

use super::Table;
use super::rows::{Columns, parse};
use crate::folder::{Entry, Folder};
use crate::{Error, Split, table};

const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 4] = ["test", "testing", "val", "valid"];

/// Finds the table of the part asked for. The folder given may be a part itself; then its table may
/// lie in it or, called as the folder is, beside it.
pub(super) fn find(root: &Folder, split: Split) -> Result<Option<Table>, Error> {
    let inside: Vec<&Entry> = root.files.iter().filter(|file| is_table(file)).collect();
    let name = root.path.file_name().unwrap_or_default().to_string_lossy();
    let wanted = match split {
        Split::Train => &TRAIN[..],
        Split::Test => &TEST[..],
    };
    let called = |names: &[&str]| {
        let inside = inside.iter();
        let of_part = inside.filter(|file| names.iter().any(|name| stem_is(file, name)));
        of_part.map(|file| (*file).clone()).collect::<Vec<_>>()
    };
    let mut candidates = called(wanted);
    let parent = root.path.parent().filter(|parent| parent.is_dir());
    if let Some(parent) = parent {
        let beside = Folder::read(parent)?.files;
        candidates.extend(
            beside
                .into_iter()
                .filter(|file| is_table(file) && stem_is(file, &name)),
        );
    }
    // A lone table of another name is that of the pictures beside it.
    let parts = called(&[TRAIN.as_slice(), TEST.as_slice()].concat());
    if let ([only], []) = (inside.as_slice(), parts.as_slice()) {
        candidates.push((*only).clone());
    }
    for candidate in candidates {
        if let Some(table) = of(&candidate.path, &root.path)? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

fn is_table(file: &Entry) -> bool {
    let ending = Path::new(&file.name).extension();
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

fn stem_is(file: &Entry, name: &str) -> bool {
    let stem = Path::new(&file.name).file_stem();
    stem.is_some_and(|stem| stem.eq_ignore_ascii_case(name))
}

/// The table at `path`, if it is one of GTSRB's and its first picture is there.
fn of(path: &Path, root: &Path) -> Result<Option<Table>, Error> {
    let rows = table::read(path)?;
    let is_gtsrb = rows
        .first()
        .is_some_and(|header| Columns::of(header).is_ok());
    let (true, Some(beside)) = (is_gtsrb, path.parent()) else {
        return Ok(None);
    };
    let first = match parse(&rows[..rows.len().min(2)]) {
        Ok(rows) => rows.into_iter().next(),
        // The reader of all rows says what is wrong with it.
        Err(_) => None,
    };
    let Some(first) = first.map(|row| row.file) else {
        return Ok(None);
    };
    let table = |images: PathBuf, flat| Table {
        path: path.to_owned(),
        prefix: String::new(),
        images,
        flat,
    };
    let name = first.rsplit('/').next().unwrap_or(&first);
    Ok(match () {
        () if beside.join(&first).is_file() => Some(table(beside.to_owned(), false)),
        () if root.join(&first).is_file() => Some(table(root.to_owned(), false)),
        () if root.join(name).is_file() => Some(table(root.to_owned(), true)),
        () => None,
    })
}
