//! Labels from a file that the user gives, matched to the images of a set.

mod columns;
mod json;
mod listed;
mod matching;
#[cfg(test)]
mod tests;

use std::path::Path;

use csv::StringRecord;

use crate::class_name_file::ClassNames;
use crate::format::gtsrb::rows as gtsrb;
use crate::listing::Pictures;
use crate::numbering::{Calls, Words, is_odd_number};
use crate::picture::Region;
use crate::{Error, table, text};
use columns::{Columns, Label};
use matching::{Found, Matching};

/// What a file says of each image of a set.
pub(crate) struct Labelled {
    /// The label of each: a place in the words that labels are called by.
    pub labels: Vec<usize>,
    pub calls: Calls,
    /// The region of interest of each, where the file has GTSRB's columns for it.
    pub regions: Option<Vec<Region>>,
}

/// Reads one label for each of `pictures`.
///
/// Two forms are known. A list has one label a line, in the order of the images, and as many lines
/// as there are images. A table has rows of at least two cells, of which one names the image and
/// one is the label ([`Columns`]); how images are named, [`Matching`] says. Rows for other images
/// are passed over, but each image needs one. Both may also be JSON, or a picture and its label
/// with a blank between.
pub(crate) fn read(
    path: &Path,
    pictures: &dyn Pictures,
    names: Option<&ClassNames>,
) -> Result<Labelled, Error> {
    let misfit = |reason| Error::Labels {
        path: path.to_owned(),
        reason,
    };
    let rows = match json::rows(&text::read(path)?) {
        Some(rows) => rows.map_err(misfit)?,
        None => listed::in_cells(table::read(path)?),
    };
    // A label with commas in it makes a list look like a table, unless the whole line is a label.
    let words = names.map(Words::new);
    let is_name = |word: &str| {
        let words = words.as_ref();
        words.is_some_and(|words| words.class(word).is_some())
    };
    let is_class = |line: &str| is_name(line) || line.parse::<usize>().is_ok();
    let is_list = rows
        .iter()
        .all(|row| row.len() == 1 || is_class(&joined(row)));
    let read = if is_list {
        from_list(&rows, pictures.len()).map(|cells| (cells, None))
    } else {
        from_table(&rows, pictures, is_name)
    };
    let (cells, regions) = read.map_err(misfit)?;
    let (labels, calls) = Calls::of_cells(cells);
    Ok(Labelled {
        labels,
        calls,
        regions,
    })
}

fn joined(row: &StringRecord) -> String {
    row.iter().collect::<Vec<_>>().join(", ")
}

fn from_list(rows: &[StringRecord], images: usize) -> Result<Vec<String>, String> {
    if rows.len() != images {
        return Err(format!("it has {} labels for {images} images", rows.len()));
    }
    Ok(rows.iter().map(joined).collect())
}

fn from_table(
    rows: &[StringRecord],
    pictures: &dyn Pictures,
    is_name: impl Fn(&str) -> bool,
) -> Result<(Vec<String>, Option<Vec<Region>>), String> {
    let columns = Columns::find(rows, pictures)?;
    let header = rows.first().filter(|_| columns.has_header);
    let frame = header.and_then(|header| gtsrb::Columns::of(header).ok());
    let rows = &rows[usize::from(columns.has_header)..];
    let mut matching = Matching::default();
    for (place, row) in rows.iter().enumerate() {
        let label = columns.label.of(row)?;
        if is_odd_number(label) && !is_name(label) {
            let line = table::line(row);
            return Err(format!("line {line}: {label:?} is not a class index"));
        }
        let Some(file) = row.get(columns.file) else {
            return Err(format!(
                "line {} has only {} cells",
                table::line(row),
                row.len()
            ));
        };
        matching.add(file, place, label);
    }
    let mut cells = Vec::with_capacity(pictures.len());
    let mut regions = Vec::new();
    let mut missing = (0, String::new());
    for name in (0..pictures.len()).map(|i| pictures.name(i)) {
        match matching.find(&name) {
            Found::Row(place) => {
                let row = &rows[place];
                cells.push(columns.label.of(row)?.to_owned());
                if let Some(frame) = &frame {
                    let region = frame.region(row);
                    let line = table::line(row);
                    regions.push(region.map_err(|reason| format!("line {line}: {reason}"))?);
                }
            }
            Found::Contradiction(first, second) => {
                return Err(format!(
                    "{name} has two different labels, in lines {} and {}",
                    table::line(&rows[first]),
                    table::line(&rows[second])
                ));
            }
            Found::Nothing if missing.0 == 0 => missing = (1, name),
            Found::Nothing => missing.0 += 1,
        }
    }
    match missing {
        (0, _) => Ok((cells, frame.map(|_| regions))),
        (n, name) => Err(format!(
            "{n} of {} images have no label in it, {name} the first",
            pictures.len()
        )),
    }
}

impl Label {
    /// The label of a row.
    fn of<'a>(&'a self, row: &'a StringRecord) -> Result<&'a str, String> {
        let line = table::line(row);
        match self {
            Self::Column(column) => row
                .get(*column)
                .ok_or_else(|| format!("line {line} has only {} cells", row.len())),
            Self::OneHot(classes) => {
                let mut marked = classes.iter().filter(|(column, _)| {
                    row.get(*column)
                        .and_then(|cell| cell.parse::<f64>().ok())
                        .is_some_and(|value| value == 1.0)
                });
                match (marked.next(), marked.next()) {
                    (Some((_, name)), None) => Ok(name),
                    (None, _) => Err(format!("line {line} marks no class")),
                    (Some((_, a)), Some((_, b))) => Err(format!(
                        "line {line} marks {a} and {b}; an image has one class"
                    )),
                }
            }
        }
    }
}
