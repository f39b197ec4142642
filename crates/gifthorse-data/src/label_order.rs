//! In which order the classes of a model stand, where the user says so.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;

use crate::{Error, MAX_CLASSES, class_name_file, table};

/// The order in which a model's classes stand, of labels as the image set calls them: by the names
/// of its class folders, by the words or numbers of a table, or by plain numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LabelOrder {
    /// What the names say: numbers are class indices, names of classes have their index, and other
    /// names are sorted as text.
    #[default]
    Auto,
    /// Sorted as text (0, 1, 10, 11, 2, ...), as torchvision's `ImageFolder` and Keras do.
    Text,
    /// Sorted by value: numbers in the names count as numbers (0, 1, 2, ..., 10, 11).
    Value,
    /// As listed: entry i is what the image set calls class i of the model; empty for a class that
    /// it does not have.
    Listed(Vec<String>),
}

impl LabelOrder {
    /// Reads an order as a user gives it: `text`, `value`, a file of one label for each class in
    /// the model's order (in any form that class names are read in), or the labels themselves with
    /// commas between them.
    ///
    /// # Errors
    /// A file that cannot be read or is no list of labels; a label that comes twice.
    pub fn read(given: &str) -> Result<Self, Error> {
        let word = matches!(given, "text" | "value");
        let path = Path::new(given);
        if word || given.contains(',') && !path.exists() {
            return given.parse();
        }
        Self::listed(class_name_file::read(path)?.names)
    }

    fn listed(labels: Vec<String>) -> Result<Self, Error> {
        let mut seen = HashSet::new();
        let mut named = labels.iter().filter(|label| !label.is_empty());
        match named.find(|label| !seen.insert(*label)) {
            Some(twice) => Err(Error::Order(format!("{twice:?} comes twice in it"))),
            None => Ok(Self::Listed(labels)),
        }
    }

    /// The order in which labels that are called `labels` stand, in as few words as say it: `text`
    /// or `value` where they are sorted so.
    #[must_use]
    pub fn of(labels: Vec<String>) -> Self {
        let complete = labels.iter().all(|label| !label.is_empty());
        // Where both say the same, the plain one is meant: numbers as numbers.
        if complete && labels.is_sorted_by(|a, b| by_value(a, b) == Ordering::Less) {
            Self::Value
        } else if complete && labels.is_sorted_by(|a, b| a < b) {
            Self::Text
        } else {
            Self::Listed(labels)
        }
    }
}

/// `text`, `value`, or the labels with commas between them.
impl FromStr for LabelOrder {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        match given {
            "text" => return Ok(Self::Text),
            "value" => return Ok(Self::Value),
            _ => {}
        }
        let rows = table::parse_commas(given.as_bytes()).map_err(Error::Order)?;
        let labels: Vec<String> = rows.iter().flatten().map(str::to_owned).collect();
        match labels.len() {
            0 => Err(Error::Order("it is empty".to_owned())),
            n if n > MAX_CLASSES => Err(Error::Order(format!(
                "it has more than {MAX_CLASSES} labels"
            ))),
            _ => Self::listed(labels),
        }
    }
}

/// The order as it is read.
impl std::fmt::Display for LabelOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |label: &String| match label.contains([',', '"', '\n']) {
            true => format!("\"{}\"", label.replace('"', "\"\"")),
            false => label.clone(),
        };
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Text => f.write_str("text"),
            Self::Value => f.write_str("value"),
            Self::Listed(labels) => {
                f.write_str(&labels.iter().map(quoted).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// Names with the numbers in them taken as numbers: `class_2` before `class_10`.
pub(crate) fn by_value(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (run(&mut left), run(&mut right));
        let order = match (number(x), number(y)) {
            _ if x.is_empty() && y.is_empty() => return a.cmp(b),
            (Some(x), Some(y)) => x.len().cmp(&y.len()).then(x.cmp(y)),
            _ => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The digits without zeros in front, if `text` is made of digits.
fn number(text: &str) -> Option<&str> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    digits.then(|| text.trim_start_matches('0'))
}

/// Cuts the longest start off that is all digits or all other characters.
fn run<'a>(text: &mut &'a str) -> &'a str {
    let digit = |c: char| c.is_ascii_digit();
    let first = text.starts_with(digit);
    let end = text.find(|c| digit(c) != first).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(labels: &[&str]) -> LabelOrder {
        LabelOrder::Listed(labels.iter().map(|&label| label.to_owned()).collect())
    }

    #[test]
    fn an_order_is_read_from_a_word_a_list_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("order.json");
        std::fs::write(&file, r#"{"b": 0, "a": 1}"#).unwrap();
        for (given, order) in [
            ("text", LabelOrder::Text),
            ("value", LabelOrder::Value),
            ("b,\"a, c\",,2", listed(&["b", "a, c", "", "2"])),
            (file.to_str().unwrap(), listed(&["b", "a"])),
        ] {
            assert_eq!(LabelOrder::read(given).unwrap(), order, "{given}");
        }
        assert!(
            LabelOrder::read("a,b,a")
                .unwrap_err()
                .to_string()
                .contains("\"a\"")
        );
        assert!(matches!(
            LabelOrder::read("nowhere.txt"),
            Err(Error::Read { .. })
        ));
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        for (less, more) in [
            ("2", "10"),
            ("c2", "c10"),
            ("c02", "c3"),
            ("a", "b"),
            ("", "a"),
            ("1", "a"),
        ] {
            assert_eq!(by_value(less, more), Ordering::Less, "{less} {more}");
            assert_eq!(by_value(more, less), Ordering::Greater, "{less} {more}");
        }
    }

    #[test]
    fn an_order_is_said_in_few_words() {
        let of = |labels: &[&str]| LabelOrder::of(labels.iter().map(|&l| l.to_owned()).collect());
        assert_eq!(of(&["0", "1", "2", "10"]), LabelOrder::Value);
        assert_eq!(of(&["0", "1", "10", "2"]), LabelOrder::Text);
        assert_eq!(of(&["b", "a"]), listed(&["b", "a"]));
        assert_eq!(of(&["a", "", "b"]), listed(&["a", "", "b"]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(labels in proptest::collection::hash_set("[a-z0-9,\"]{1,6}", 2..6)) {
            let order = LabelOrder::Listed(labels.into_iter().collect());
            prop_assert_eq!(order.to_string().parse::<LabelOrder>().unwrap(), order);
        }

        #[test]
        fn by_value_is_an_order(a in "[a01]{0,4}", b in "[a01]{0,4}", c in "[a01]{0,4}") {
            prop_assert_eq!(by_value(&a, &b), by_value(&b, &a).reverse());
            if by_value(&a, &b).is_le() && by_value(&b, &c).is_le() {
                prop_assert!(by_value(&a, &c).is_le());
            }
        }
    }
}
