//! Names of classes, from a file that the user gives.

mod json;

use std::path::Path;

use crate::{Error, MAX_CLASSES, table, text};

/// Names of the classes 0, 1, ...
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClassNames {
    pub names: Vec<String>,
    /// What else a class is called, such as its WordNet number: index and name.
    pub aliases: Vec<(usize, String)>,
}

/// Reads class names by the ending of the file.
///
/// `.json` is a list of names, a map from indices to names or from names to indices, or the
/// `config.json` of a Hugging Face model, which has such a map as `id2label` or `label2id`. `.csv`
/// and `.tsv` are rows of an index and a name, in any order, a header is skipped. Anything else is
/// one name a line, each with its index in front where all have one.
pub(crate) fn read(path: &Path) -> Result<ClassNames, Error> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let names = match ending.to_str() {
        Some("json") => json::parse(&text::read(path)?),
        Some("csv" | "tsv") => from_rows(&table::read(path)?).map(ClassNames::of),
        _ => from_text(&text::read(path)?),
    };
    names
        .and_then(|names| match names.names.len() {
            0 => Err("holds no class name".to_owned()),
            n if n > MAX_CLASSES => Err(format!("holds more than {MAX_CLASSES} class names")),
            _ => Ok(names),
        })
        .map_err(|reason| Error::Malformed {
            path: path.to_owned(),
            reason,
        })
}

impl ClassNames {
    fn of(names: Vec<String>) -> Self {
        Self {
            names,
            aliases: Vec::new(),
        }
    }
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

fn from_text(bytes: &[u8]) -> Result<ClassNames, String> {
    let lines = from_lines(bytes)?;
    if let Some(names) = with_indices(&lines) {
        return Ok(ClassNames::of(names));
    }
    let numbers: Option<Vec<_>> = lines.iter().map(|line| wordnet(line)).collect();
    Ok(match numbers {
        // `n01440764 tench, Tinca tinca`, as ImageNet's lists have it.
        Some(pairs) => ClassNames {
            aliases: pairs
                .iter()
                .map(|(number, _)| (*number).to_owned())
                .enumerate()
                .collect(),
            names: pairs.into_iter().map(|(_, name)| name.to_owned()).collect(),
        },
        None => ClassNames::of(lines),
    })
}

/// The names of lines such as `0 apple` or `3: pear`, if all are of this kind and no index is
/// missing.
fn with_indices(lines: &[String]) -> Option<Vec<String>> {
    let pairs = lines.iter().map(|line| {
        let end = line.find(|c: char| !c.is_ascii_digit())?;
        let (index, name) = line.split_at(end);
        let name = name.strip_prefix([' ', '\t', ':', '=', ','])?.trim();
        (!name.is_empty()).then_some((index.parse().ok()?, name.to_owned()))
    });
    let pairs: Vec<(usize, String)> = pairs.collect::<Option<_>>()?;
    in_order(pairs).ok()
}

fn wordnet(line: &str) -> Option<(&str, &str)> {
    let (number, name) = line.split_once([' ', '\t'])?;
    let digits = number.strip_prefix('n')?;
    let is_number = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((number, name.trim()))
}

fn from_rows(rows: &[csv::StringRecord]) -> Result<Vec<String>, String> {
    let is_index = |row: &csv::StringRecord, cell: usize| {
        row.get(cell)
            .is_some_and(|cell| cell.parse::<usize>().is_ok())
    };
    let header = rows
        .first()
        .is_some_and(|row| !is_index(row, 0) && !is_index(row, 1));
    let rows = &rows[usize::from(header)..];
    // Names that are numbers too stand where names stand by right.
    let (index, name) = match rows.iter().all(|row| is_index(row, 0)) {
        true => (0, 1),
        false => (1, 0),
    };
    let pairs = rows.iter().map(|row| {
        let index = row.get(index).and_then(|cell| cell.parse::<usize>().ok());
        index
            .zip(row.get(name).map(str::to_owned))
            .ok_or_else(|| format!("line {} is not `index,name`", table::line(row)))
    });
    in_order(pairs.collect::<Result<_, _>>()?)
}

/// Values in the order of their indices, which are 0, 1, ... without a gap.
fn in_order<T>(pairs: Vec<(usize, T)>) -> Result<Vec<T>, String> {
    let last = pairs.len().saturating_sub(1);
    let mut places: Vec<Option<T>> = pairs.iter().map(|_| None).collect();
    for (index, value) in pairs {
        match places.get_mut(index) {
            Some(place @ None) => *place = Some(value),
            _ => {
                return Err(format!(
                    "index {index} is given twice, or is not one of 0 to {last}, so that a class has no name"
                ));
            }
        }
    }
    Ok(places.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names_in(file: &str, text: &str) -> Result<Vec<String>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        std::fs::write(&path, text).unwrap();
        read(&path).map(|read| read.names)
    }

    #[test]
    fn every_form_gives_the_same_names() {
        let expected = ["stop", "give way, then go"];
        for (file, text) in [
            ("names.txt", "stop\ngive way, then go\n\n"),
            ("labels.txt", "0 stop\n1 give way, then go\n"),
            ("labels.txt", "1: give way, then go\n0: stop\n"),
            ("names.csv", "1,\"give way, then go\"\n0,stop\n"),
            ("names.csv", "ClassId;Name\n0;stop\n1;give way, then go\n"),
            ("names.csv", "name,label\n\"give way, then go\",1\nstop,0\n"),
            ("names.json", r#"["stop", "give way, then go"]"#),
            ("names.json", r#"{"1": "give way, then go", "0": "stop"}"#),
            ("names.json", r#"{"give way, then go": 1, "stop": 0}"#),
            ("names.json", r#"{"give way, then go": "1", "stop": "0"}"#),
            (
                "names.json",
                r#"{"0": ["n1", "stop"], "1": ["n2", "give way, then go"]}"#,
            ),
            (
                "config.json",
                r#"{"model_type": "vit", "id2label": {"0": "stop", "1": "give way, then go"}}"#,
            ),
            (
                "config.json",
                r#"{"label2id": {"give way, then go": 1, "stop": 0}, "id2label": null}"#,
            ),
        ] {
            assert_eq!(names_in(file, text).unwrap(), expected, "{file}: {text}");
        }
    }

    #[test]
    fn names_that_are_numbers_are_names() {
        assert_eq!(names_in("names.txt", "7\n8\n").unwrap(), ["7", "8"]);
        assert_eq!(names_in("names.csv", "0,7\n1,8\n").unwrap(), ["7", "8"]);
        assert_eq!(
            names_in("names.json", r#"{"0": "7", "1": "8"}"#).unwrap(),
            ["7", "8"]
        );
        // Half numbered is not numbered.
        assert_eq!(
            names_in("n.txt", "3 apples\npear\n").unwrap(),
            ["3 apples", "pear"]
        );
        assert_eq!(
            names_in("n.txt", "3 apples\n4 pears\n").unwrap(),
            ["3 apples", "4 pears"]
        );
    }

    #[test]
    fn wordnet_numbers_are_kept_beside_the_names() {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("synset.txt", "n01440764 tench, Tinca\nn01443537 goldfish\n"),
            (
                "index.json",
                r#"{"0": ["n01440764", "tench, Tinca"], "1": ["n01443537", "goldfish"]}"#,
            ),
        ] {
            let path = dir.path().join(file);
            std::fs::write(&path, text).unwrap();
            let read = read(&path).unwrap();
            assert_eq!(read.names, ["tench, Tinca", "goldfish"]);
            let aliases = [(0, "n01440764".to_owned()), (1, "n01443537".to_owned())];
            assert_eq!(read.aliases, aliases, "{file}");
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
            ("names.json", r#"{"0": "a", "2": "b"}"#),
            ("names.json", r#"{"a": 0, "b": 0}"#),
            ("names.json", r#"{"a": 1.5}"#),
            ("names.json", r#"{"a": true}"#),
            ("names.json", r#"[1, 2]"#),
            ("names.json", "{}"),
            ("config.json", r#"{"model_type": "vit"}"#),
        ] {
            let error = names_in(file, text).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{file}: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_names_or_an_error(text in "[a-z0-9 ,:\"\\[\\]{}\n]{0,80}") {
            let _ = json::parse(text.as_bytes());
            let _ = from_text(text.as_bytes());
            let _ = table::parse(text.as_bytes()).and_then(|rows| from_rows(&rows));
        }
    }
}
