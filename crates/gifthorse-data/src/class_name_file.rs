//! Names of classes, from a file that the user gives.

use std::path::Path;

use crate::limits::{MAX_TABLE_BYTES, read_bounded};
use crate::{Error, MAX_CLASSES, table};

/// Reads class names by the ending of the file: `.json` is a list of strings, `.csv` and `.tsv` are
/// `index,name` rows for each index from 0 on (in any order, a header is skipped), anything else is
/// one name a line.
pub(crate) fn read(path: &Path) -> Result<Vec<String>, Error> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let names = match ending.to_str() {
        Some("json") => from_json(&read_bounded(path, MAX_TABLE_BYTES)?),
        Some("csv" | "tsv") => from_rows(&table::read(path)?),
        _ => from_lines(&read_bounded(path, MAX_TABLE_BYTES)?),
    };
    names
        .and_then(|names| match names.len() {
            0 => Err("holds no class name".to_owned()),
            n if n > MAX_CLASSES => Err(format!("holds more than {MAX_CLASSES} class names")),
            _ => Ok(names),
        })
        .map_err(|reason| Error::Malformed {
            path: path.to_owned(),
            reason,
        })
}

/// One name a line; blank lines at the end are dropped.
pub(crate) fn from_lines(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text
        .trim_end()
        .lines()
        .map(|line| line.trim().to_owned())
        .collect())
}

fn from_json(bytes: &[u8]) -> Result<Vec<String>, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("is not a JSON list of strings: {error}"))
}

fn from_rows(rows: &[csv::StringRecord]) -> Result<Vec<String>, String> {
    let has_header = rows
        .first()
        .is_some_and(|row| row[0].parse::<usize>().is_err());
    let rows = &rows[usize::from(has_header)..];
    let mut names = vec![None; rows.len()];
    for row in rows {
        let (Ok(index), Some(name)) = (row[0].parse::<usize>(), row.get(1)) else {
            return Err(format!("line {} is not `index,name`", table::line(row)));
        };
        match names.get_mut(index) {
            Some(place @ None) => *place = Some(name.to_owned()),
            _ => {
                return Err(format!(
                    "line {}: index {index} is given twice, or is not one of 0 to {}",
                    table::line(row),
                    rows.len() - 1
                ));
            }
        }
    }
    Ok(names.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(file: &str, text: &str) -> Result<Vec<String>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn every_form_gives_the_same_names() {
        let expected = ["stop", "give way, then go"];
        for (file, text) in [
            ("names.txt", "stop\ngive way, then go\n\n"),
            ("names.csv", "1,\"give way, then go\"\n0,stop\n"),
            ("names.csv", "ClassId;Name\n0;stop\n1;give way, then go\n"),
            ("names.json", r#"["stop", "give way, then go"]"#),
        ] {
            assert_eq!(names_in(file, text).unwrap(), expected, "{file}: {text}");
        }
    }

    #[test]
    fn files_that_leave_a_class_unnamed_are_refused() {
        for (file, text) in [
            ("names.txt", ""),
            ("names.csv", "0,a\n2,c\n"),
            ("names.csv", "1,a\n2,b\n"),
            ("names.csv", "0,a\n0,b\n"),
            ("names.csv", "index,name\n0\n"),
            ("names.json", r#"{"0": "a"}"#),
        ] {
            let error = names_in(file, text).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{file}: {text}");
        }
    }
}
