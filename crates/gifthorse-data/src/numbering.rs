//! From what an image set calls its labels to the classes of a model.

mod labels;
mod sorted;
mod words;

use std::collections::HashMap;

use crate::class_name_file::ClassNames;
use crate::label_order::LabelOrder;
use crate::note::Note;
use labels::Labels;
use sorted::Sorted;
pub(crate) use words::{Words, is_odd_number};

/// What an image set calls its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Calls {
    /// A label is a number, which is the index of its class.
    Numbers,
    /// A label is a place in this list of the names of class folders, which are in the order of
    /// their names.
    Folders(Vec<String>),
    /// A label is a place in this list of the words of a table.
    Cells(Vec<String>),
}

impl Calls {
    /// The words that there are among `cells`, in the order of their text, and the place of each
    /// cell among them.
    pub fn of_cells(cells: Vec<String>) -> (Vec<usize>, Self) {
        let mut words = cells.clone();
        words.sort_unstable();
        words.dedup();
        let place: HashMap<&str, usize> = words.iter().map(String::as_str).zip(0..).collect();
        let places = cells.iter().map(|cell| place[cell.as_str()]).collect();
        (places, Self::Cells(words))
    }
}

/// What is known of the classes.
pub(crate) struct Known<'a> {
    /// Their names, if the user gives them.
    pub names: Option<&'a ClassNames>,
    /// How many the model has, if there is a model.
    pub classes: Option<usize>,
    /// Their order, if the user says.
    pub order: &'a LabelOrder,
}

/// The classes that labels stand for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Class index for each place in the list of calls; `None` for one that no image has and that
    /// is no class.
    pub class_of: Vec<Option<usize>>,
    /// What the user should know of how this came about.
    pub note: Option<Note>,
}

/// Whether labels are counted from one on: as high as there are classes, and none is 0.
pub(crate) fn is_from_one(classes: usize, labels: impl Iterator<Item = usize>) -> bool {
    let mut largest = 0;
    for label in labels {
        if label == 0 {
            return false;
        }
        largest = largest.max(label);
    }
    largest == classes
}

/// Numbers the labels that are called `calls`, of which those in `used` have images.
///
/// # Errors
/// A name that is no class although others are; labels that the order does not have.
pub(crate) fn number(
    calls: &[String],
    cells: bool,
    used: &[bool],
    known: &Known<'_>,
) -> Result<Numbered, String> {
    let labels = Labels { calls, cells, used };
    match known.order {
        LabelOrder::Auto => labels.as_named(known),
        LabelOrder::Listed(order) => labels.as_listed(order),
        LabelOrder::Text => Ok(labels.sorted(Sorted::Text, known.classes)),
        LabelOrder::Value => Ok(labels.sorted(Sorted::Value, known.classes)),
    }
}

/// The class of each label 0, 1, ... that is a number, where the user says how they are ordered;
/// those in `used` have images.
pub(crate) fn renumber(used: &[bool], known: &Known<'_>) -> Result<Vec<Option<usize>>, String> {
    let calls: Vec<String> = (0..used.len()).map(|label| label.to_string()).collect();
    let classes = known.classes.unwrap_or(used.len()).max(used.len());
    let known = Known {
        classes: Some(classes),
        ..*known
    };
    number(&calls, true, used, &known).map(|numbered| numbered.class_of)
}

#[cfg(test)]
mod tests;
