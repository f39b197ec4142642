//! Labels from a file that the user gives, matched to the images of a set.

use std::collections::HashMap;
use std::path::Path;

use csv::StringRecord;

use crate::listing::Pictures;
use crate::{Error, MAX_CLASSES, table};

const FILE_COLUMNS: [&str; 6] = ["filename", "file", "path", "image", "name", "id"];
const LABEL_COLUMNS: [&str; 6] = ["label", "classid", "class_id", "class", "target", "y"];

/// Reads one label for each of `pictures`.
///
/// Two forms are known. A list has one label a line, in the order of the images, and as many lines
/// as there are images. A table has rows of at least two cells; a first row whose cells are no
/// label is a header, which says what stands where (`filename`, `label`, `ClassId` and the like);
/// without one the first cell is the file and the second the label. A row is matched by the whole
/// name of an image (`folder/file.png`) or by its file name alone where that is unambiguous. Rows
/// for other images are passed over, but each image needs one.
///
/// A label is a class index or, where `class_names` are known, one of them.
pub(crate) fn read(
    path: &Path,
    pictures: &dyn Pictures,
    class_names: &[String],
) -> Result<Vec<usize>, Error> {
    let rows = table::read(path)?;
    let classes = Classes::new(class_names);
    // A label with commas in it makes a list look like a table, unless the whole line is a label.
    let is_list = rows
        .iter()
        .all(|row| row.len() == 1 || classes.parse(&joined(row)).is_some());
    let labels = if is_list {
        from_list(&rows, pictures.len(), &classes)
    } else {
        from_table(&rows, pictures, &classes)
    };
    labels.map_err(|reason| Error::Labels {
        path: path.to_owned(),
        reason,
    })
}

struct Classes<'a>(HashMap<&'a str, usize>);

impl<'a> Classes<'a> {
    fn new(names: &'a [String]) -> Self {
        Self(
            names
                .iter()
                .enumerate()
                .map(|(i, name)| (name.as_str(), i))
                .collect(),
        )
    }

    /// The class that a cell stands for. A name that is itself a number is taken as a name.
    fn parse(&self, cell: &str) -> Option<usize> {
        let index = || cell.parse().ok().filter(|&index| index < MAX_CLASSES);
        self.0.get(cell).copied().or_else(index)
    }

    fn require(&self, cell: &str, row: &StringRecord) -> Result<usize, String> {
        self.parse(cell).ok_or_else(|| {
            let names = match self.0.len() {
                0 => " (names of classes are understood if they are given too)",
                _ => " nor a class name",
            };
            format!(
                "line {}: {cell:?} is neither a class index{names}",
                table::line(row)
            )
        })
    }
}

fn joined(row: &StringRecord) -> String {
    row.iter().collect::<Vec<_>>().join(", ")
}

fn from_list(
    rows: &[StringRecord],
    images: usize,
    classes: &Classes,
) -> Result<Vec<usize>, String> {
    if rows.len() != images {
        return Err(format!("it has {} labels for {images} images", rows.len()));
    }
    rows.iter()
        .map(|row| classes.require(&joined(row), row))
        .collect()
}

fn from_table(
    rows: &[StringRecord],
    pictures: &dyn Pictures,
    classes: &Classes,
) -> Result<Vec<usize>, String> {
    let columns = Columns::find(rows, classes)?;
    let mut by_name = HashMap::new();
    let mut by_file_name = HashMap::new();
    for row in &rows[usize::from(columns.has_header)..] {
        let (Some(file), Some(cell)) = (row.get(columns.file), row.get(columns.label)) else {
            return Err(format!(
                "line {} has only {} cells",
                table::line(row),
                row.len()
            ));
        };
        let label = classes.require(cell, row)?;
        let name = file.replace('\\', "/");
        let name = name.trim_start_matches("./").to_owned();
        let same_file_name = by_file_name
            .entry(file_name(&name).to_owned())
            .or_insert(Some(label));
        if *same_file_name != Some(label) {
            *same_file_name = None;
        }
        if by_name.insert(name, label).is_some_and(|old| old != label) {
            return Err(format!(
                "line {}: {file} has two different labels",
                table::line(row)
            ));
        }
    }
    let label_of = |name: &str| {
        by_name
            .get(name)
            .copied()
            .or_else(|| by_file_name.get(file_name(name)).copied().flatten())
    };
    let mut labels = Vec::with_capacity(pictures.len());
    let mut missing = (0, String::new());
    for name in (0..pictures.len()).map(|i| pictures.name(i)) {
        match label_of(&name) {
            Some(label) => labels.push(label),
            None if missing.0 == 0 => missing = (1, name),
            None => missing.0 += 1,
        }
    }
    match missing {
        (0, _) => Ok(labels),
        (n, name) => Err(format!("{n} images have no label in it, {name} the first")),
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Where the cells of a table stand.
struct Columns {
    has_header: bool,
    file: usize,
    label: usize,
}

impl Columns {
    fn find(rows: &[StringRecord], classes: &Classes) -> Result<Self, String> {
        let Some(first) = rows.first() else {
            return Err("it is empty".to_owned());
        };
        let column = |known: &[&str]| {
            known.iter().find_map(|name| {
                first
                    .iter()
                    .position(|cell| cell.eq_ignore_ascii_case(name))
            })
        };
        let plain = |has_header| Self {
            has_header,
            file: 0,
            label: 1,
        };
        match (column(&FILE_COLUMNS), column(&LABEL_COLUMNS)) {
            (Some(file), Some(label)) => Ok(Self {
                has_header: true,
                file,
                label,
            }),
            _ => {
                let has_header = first
                    .get(1)
                    .is_none_or(|cell| classes.parse(cell).is_none());
                if has_header && first.len() > 2 {
                    return Err(format!(
                        "its header does not say which column is the file (one of {}) and which the label (one of {})",
                        FILE_COLUMNS.join(", "),
                        LABEL_COLUMNS.join(", ")
                    ));
                }
                Ok(plain(has_header))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::{PictureFile, PictureFiles};

    fn labels(text: &str, images: &[&str], class_names: &[&str]) -> Result<Vec<usize>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.csv");
        std::fs::write(&path, text).unwrap();
        let file = |name: &&str| PictureFile {
            name: (*name).to_owned(),
            path: (*name).into(),
            region: None,
        };
        let pictures = PictureFiles(images.iter().map(file).collect());
        let class_names: Vec<_> = class_names.iter().map(|&n| n.to_owned()).collect();
        read(&path, &pictures, &class_names).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_gives_the_same_labels() {
        for text in [
            "3\n1\n",
            "a.png,3\nb.png,1\n",
            "b.png;1\na.png;3\n",
            "filename,label\nb.png,1\na.png,3\nother.png,9\n",
            "Width;Filename;ClassId\n7;a.png;3\n8;b.png;1\n",
            "picture,what\na.png,3\nb.png,1\n",
            "./data/a.png\t3\ndata\\b.png\t1\n",
        ] {
            assert_eq!(
                labels(text, &["a.png", "b.png"], &[]).unwrap(),
                [3, 1],
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_of_classes_are_understood() {
        let names = ["go", "stop, now"];
        let images = ["a.png", "b.png"];
        assert_eq!(labels("stop, now\ngo\n", &images, &names).unwrap(), [1, 0]);
        assert_eq!(
            labels("a.png,go\nb.png,1\n", &images, &names).unwrap(),
            [0, 1]
        );
        let error = labels("a.png,go\nb.png,walk\n", &images, &names).unwrap_err();
        assert!(error.contains("walk"), "{error}");
        let error = labels("b.png,1\na.png,go\n", &images, &[]).unwrap_err();
        assert!(error.contains("go"), "{error}");
    }

    #[test]
    fn equal_file_names_in_different_folders_are_told_apart() {
        let text = "x/1.png,0\ny/1.png,1\n";
        assert_eq!(labels(text, &["y/1.png", "x/1.png"], &[]).unwrap(), [1, 0]);
        let error = labels(text, &["z/1.png"], &[]).unwrap_err();
        assert!(error.contains("z/1.png"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (text, word) in [
            ("3\n", "1 labels for 2 images"),
            ("3\nfour\n", "four"),
            ("a.png,3\n", "b.png"),
            ("a.png,3\na.png,4\nb.png,1\n", "two different labels"),
            ("a.png,3\nb.png,-1\n", "-1"),
            ("a.png,3\nb.png,99999999999\n", "99999999999"),
            ("what,is,this\na.png,3,1\n", "header"),
            ("", "0 labels"),
        ] {
            let error = labels(text, &["a.png", "b.png"], &[]).unwrap_err();
            assert!(error.contains(word), "{text:?}: {error}");
        }
    }
}
