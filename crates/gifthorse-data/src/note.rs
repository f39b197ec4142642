//! What the user should know of how an image set was read.

/// Something about an image set as a whole that may not be meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Nothing says which classes the labels are, so they were sorted.
    Sorted {
        /// By what, after "sorted".
        by: &'static str,
        /// Class index and what the image set calls it, by index.
        labels: Vec<(usize, String)>,
        /// Whether they are the words of a table and not class folders.
        cells: bool,
        /// Classes of the model.
        classes: Option<usize>,
    },
    /// The class folders, or the labels, are numbered from 1 on.
    FromOne,
    /// Classes of the model without an image.
    NoImages {
        /// Those classes, with their names where there are any.
        missing: Vec<String>,
        /// Classes of the model.
        classes: usize,
    },
    /// There are more or fewer names than classes.
    NameCount {
        /// Names given.
        names: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// An array of labels whose name does not say of which images it is, and that does not go with
    /// them.
    LabelsOfOthers {
        /// The array of images.
        images: String,
        /// What stands against it, with the name of the array.
        reason: String,
    },
}

/// Labels and classes that are named one by one.
const NAMED: usize = 6;

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sorted {
                by,
                labels,
                cells,
                classes,
            } => {
                let what = if *cells { "labels" } else { "class folders" };
                let shown = labels.iter().map(|(class, call)| format!("{call} is {class}"));
                write!(
                    f,
                    "the names of the {what} were sorted {by} to number the classes ({})",
                    first(shown, labels.len())
                )?;
                if classes.is_some_and(|classes| labels.len() < classes) {
                    write!(
                        f,
                        ", and there are fewer than classes, so that those after a missing one are numbered wrong"
                    )?;
                }
                f.write_str(": if the model's classes stand otherwise, give --class-names or --label-order")
            }
            Self::FromOne => f.write_str(
                "the labels are numbered from 1 to the number of classes: 1 was taken for class 0, and so on; --label-order \
                 says otherwise",
            ),
            Self::NoImages { missing, classes } => write!(
                f,
                "{} of the model's {classes} classes have no image ({})",
                missing.len(),
                first(missing.iter().cloned(), missing.len())
            ),
            Self::NameCount { names, classes } => write!(
                f,
                "{names} class names were given, but the model has {classes} classes"
            ),
            Self::LabelsOfOthers { images, reason } => {
                write!(f, "{images} is read without labels: {reason}")
            }
        }
    }
}

fn first(words: impl Iterator<Item = String>, count: usize) -> String {
    let shown: Vec<String> = words.take(NAMED).collect();
    let more = if count > NAMED { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
