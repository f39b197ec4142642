//! Where the cells of a table of labels stand.

use std::collections::HashSet;

use csv::StringRecord;

use super::matching::{Found, Matching};
use crate::listing::Pictures;

/// Headers of the column that names the image, without case and with nothing between words.
const FILE: [&str; 16] = [
    "filename",
    "file",
    "path",
    "filepath",
    "imagename",
    "imagefile",
    "imagepath",
    "image",
    "imageid",
    "img",
    "imgname",
    "imgpath",
    "fname",
    "name",
    "id",
    "idcode",
];
const LABEL: [&str; 11] = [
    "label",
    "labels",
    "classid",
    "class",
    "classname",
    "target",
    "y",
    "category",
    "labelname",
    "diagnosis",
    "level",
];
/// Columns that are tried by what stands in them.
const MOST_TRIED: usize = 32;
/// Columns of a table with one for each class.
const MOST_CLASSES: usize = 4096;

/// Where the cells stand.
pub(super) struct Columns {
    pub has_header: bool,
    pub file: usize,
    pub label: Label,
}

/// What is the label of a row.
pub(super) enum Label {
    /// The cell in this column.
    Column(usize),
    /// The header of the column that holds a 1, all others holding 0: columns and their headers.
    OneHot(Vec<(usize, String)>),
}

impl Columns {
    /// Finds the columns by the names in the first row or, where these say nothing, by what stands
    /// under them: the column that names most images is that of the file.
    pub fn find(rows: &[StringRecord], pictures: &dyn Pictures) -> Result<Self, String> {
        let Some(first) = rows.first() else {
            return Err("it is empty".to_owned());
        };
        let headers: Vec<String> = first.iter().map(plain).collect();
        let known = |names: &[&str]| -> Vec<usize> {
            let at = |name: &&str| headers.iter().position(|header| header == name);
            names.iter().filter_map(at).collect()
        };
        let (files, labels) = (known(&FILE), known(&LABEL));
        let width = first.len().min(MOST_TRIED);
        let has_known = !files.is_empty() && !labels.is_empty();
        let tried = if has_known && files.len() == 1 {
            files
        } else {
            let others = (0..width).filter(|column| !files.contains(column));
            files.iter().copied().chain(others).collect()
        };
        let file = match tried.as_slice() {
            [only] => *only,
            several => best(several, rows, pictures),
        };
        let has_header = has_known || !names_a_picture(&first[file], pictures);
        let label = labels.into_iter().find(|&column| column != file);
        let mut others = (0..first.len()).filter(|&column| column != file);
        let label = match (label, others.next(), others.next()) {
            (Some(column), ..) | (None, Some(column), None) => Label::Column(column),
            (None, None, _) => Label::Column(1),
            (None, Some(column), Some(_)) if !has_header => Label::Column(column),
            _ => one_hot(rows, file).ok_or_else(|| {
                format!(
                    "its header does not say which column is the label (one of {}); the file is taken to be {:?}",
                    LABEL.join(", "),
                    &first[file]
                )
            })?,
        };
        Ok(Self {
            has_header,
            file,
            label,
        })
    }
}

/// A header without case and without what stands between words.
fn plain(cell: &str) -> String {
    let letters = cell.chars().filter(|c| c.is_alphanumeric());
    letters.collect::<String>().to_lowercase()
}

/// The column of those `tried` that names most of the pictures, the first of equals.
fn best(tried: &[usize], rows: &[StringRecord], pictures: &dyn Pictures) -> usize {
    let names: Vec<String> = (0..pictures.len()).map(|i| pictures.name(i)).collect();
    let named = |column: usize| {
        let mut matching = Matching::default();
        for (place, row) in rows.iter().enumerate() {
            matching.add(row.get(column).unwrap_or_default(), place, "");
        }
        let mut seen = HashSet::new();
        let rows = names.iter().filter_map(|name| match matching.find(name) {
            Found::Row(place) => Some(place),
            _ => None,
        });
        // A column of one value for all names nothing.
        rows.filter(|place| seen.insert(*place)).count()
    };
    let counts = tried.iter().map(|&column| (named(column), column));
    let best = counts.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or(0, |(_, column)| column)
}

fn names_a_picture(cell: &str, pictures: &dyn Pictures) -> bool {
    let mut matching = Matching::default();
    matching.add(cell, 0, "");
    (0..pictures.len()).any(|i| matching.find(&pictures.name(i)) == Found::Row(0))
}

/// A column for each class, if all but that of the file hold nothing but 0 and 1.
fn one_hot(rows: &[StringRecord], file: usize) -> Option<Label> {
    let [header, rows @ ..] = rows else {
        return None;
    };
    let classes = header.iter().enumerate().filter(|(at, _)| *at != file);
    let classes: Vec<(usize, String)> = classes.map(|(at, name)| (at, name.to_owned())).collect();
    let is_mark = |cell: Option<&str>| {
        let value = cell.and_then(|cell| cell.parse::<f64>().ok());
        value.is_some_and(|value| value == 0.0 || value == 1.0)
    };
    let all = rows
        .iter()
        .all(|row| classes.iter().all(|(at, _)| is_mark(row.get(*at))));
    (all && !rows.is_empty() && classes.len() <= MOST_CLASSES).then_some(Label::OneHot(classes))
}
