//! GTSRB as Kaggle has it: `Train.csv` and `Test.csv` beside the folders `Train` and `Test`, with the
//! path, the region of interest and the class of each picture.

use std::path::Path;

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
    if let Some(parent) = root.path.parent() {
        // The folder that the program was started in has an empty name.
        let empty = parent.as_os_str().is_empty();
        let parent = if empty { Path::new(".") } else { parent };
        // Whoever may read the pictures need not be allowed to read what lies beside them.
        let beside = Folder::read(parent).map_or_else(|_| Vec::new(), |beside| beside.files);
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
    if !is_gtsrb {
        return Ok(None);
    }
    // Of a broken first row, the reader of all rows says what is wrong with it.
    let first = parse(&rows[..rows.len().min(2)]).unwrap_or_default();
    let Some(first) = first.first().map(|row| row.file.as_str()) else {
        return Ok(None);
    };
    let folders = first.matches('/').count();
    let there = |surplus: &usize| root.join(without_folders(first, *surplus)).is_file();
    Ok((0..=folders).find(there).map(|surplus| Table {
        path: path.to_owned(),
        prefix: String::new(),
        images: root.to_owned(),
        surplus,
    }))
}

/// A path without so many of its first folders.
pub(super) fn without_folders(path: &str, count: usize) -> &str {
    path.splitn(count + 1, '/').last().unwrap_or(path)
}
