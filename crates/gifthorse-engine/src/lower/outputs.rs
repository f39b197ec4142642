//! What a file's outputs look like, and which of them is scanned.

use std::collections::HashSet;
use std::fmt;

use super::survey::Surveyed;
use crate::error::Error;

/// An output of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its dimensions for one image or for the batch of the file, a free one as `?`; `None` where
    /// nothing is known of them.
    pub shape: Option<Vec<String>>,
    /// What it looks like.
    pub look: Look,
    /// The value that its scores are made from, where it has some, and that orders the classes as
    /// they do. Two outputs may have the same.
    pub scores: Option<String>,
}

impl Output {
    /// Whether it may be scores of classes although it could not be computed: nothing in its shape
    /// says otherwise.
    pub fn is_unknown(&self) -> bool {
        let long = |shape: &Vec<String>| shape.iter().skip(1).filter(|dim| *dim != "1").count();
        matches!(self.look, Look::Unread(_)) && self.shape.as_ref().map_or(0, long) <= 1
    }
}

/// What an output looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A score for each class: by its shape, and because a softmax, a decision or a linear layer
    /// makes it.
    Scores {
        /// Number of classes.
        classes: usize,
    },
    /// One score that says which of two classes it is, by its sign or, after a sigmoid, by whether
    /// it is above one half.
    OneScore,
    /// A row of numbers that is made like features, or from which other outputs are computed.
    Features {
        /// How many.
        count: usize,
    },
    /// One number for each image.
    Number,
    /// Corners of boxes.
    Boxes,
    /// Numbers over several axes, such as a map of the image.
    Map,
    /// The same for all images.
    Constant,
    /// It was not looked at, or cannot be computed, for this reason.
    Unread(String),
}

impl Look {
    /// Number of classes, if a row of the output could be scores.
    pub fn classes(&self) -> Option<usize> {
        match *self {
            Self::Scores { classes } => Some(classes),
            Self::OneScore => Some(2),
            Self::Features { count } => Some(count),
            _ => None,
        }
    }

    /// Whether nothing speaks against its being scores.
    pub fn is_scores(&self) -> bool {
        matches!(self, Self::Scores { .. } | Self::OneScore)
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scores { classes } => write!(f, "scores of {classes} classes"),
            Self::OneScore => write!(f, "one score for two classes"),
            Self::Features { count } => write!(f, "{count} features"),
            Self::Number => write!(f, "a number"),
            Self::Boxes => write!(f, "boxes"),
            Self::Map => write!(f, "a map"),
            Self::Constant => write!(f, "the same for all images"),
            Self::Unread(reason) => write!(f, "not looked at: {reason}"),
        }
    }
}

/// The output to scan: the wanted one, the only one, or the only one that is scores.
///
/// # Errors
/// [`Error::Input`] for a name that no output has; [`Error::SeveralOutputs`] where more than one is
/// scores; why the only one cannot be computed.
pub fn choose(mut found: Vec<Surveyed>, wanted: Option<&str>) -> Result<Surveyed, Error> {
    let listed = |found: &[Surveyed]| -> Vec<Output> {
        found
            .iter()
            .map(|surveyed| surveyed.output.clone())
            .collect()
    };
    let place = match wanted {
        Some(wanted) => {
            let place = found
                .iter()
                .position(|surveyed| surveyed.output.name == wanted);
            place.ok_or_else(|| {
                let outputs = listed(&found);
                Error::Input(format!(
                    "the model has no output `{wanted}` (--output); it has {}",
                    in_words(&outputs)
                ))
            })?
        }
        None if found.len() == 1 => 0,
        None => {
            let places = |fits: fn(&Look) -> bool| -> Vec<usize> {
                let mut seen = HashSet::new();
                let all = found.iter().enumerate();
                all.filter(|(_, surveyed)| fits(&surveyed.output.look))
                    .filter(|(_, surveyed)| seen.insert(&surveyed.output.scores))
                    .map(|(place, _)| place)
                    .collect()
            };
            let scores = places(Look::is_scores);
            let rows = places(|look| look.classes().is_some());
            match (&scores[..], &rows[..]) {
                (&[only], _) | (&[], &[only]) => only,
                (&[], &[]) => {
                    let outputs = listed(&found);
                    // Why the file cannot be computed says more than what came of that.
                    return Err(
                        match found.into_iter().find_map(|surveyed| surveyed.problem) {
                            Some(problem) => problem,
                            None => Error::NotAClassifier(format!(
                                "none of its outputs is one score per class: {}",
                                in_words(&outputs)
                            )),
                        },
                    );
                }
                _ => return Err(Error::SeveralOutputs(listed(&found))),
            }
        }
    };
    let chosen = found.swap_remove(place);
    match chosen.problem {
        Some(problem) => Err(problem),
        None => Ok(chosen),
    }
}

/// Outputs in words, for an error.
pub fn in_words(outputs: &[Output]) -> String {
    let words = outputs.iter().map(|output| {
        let shape = output
            .shape
            .as_ref()
            .map_or("?".to_owned(), |shape| shape.join(", "));
        format!("`{}` [{shape}] ({})", output.name, output.look)
    });
    words.collect::<Vec<_>>().join(", ")
}
