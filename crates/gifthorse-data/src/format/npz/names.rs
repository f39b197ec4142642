//! Which arrays of an archive are the images and their labels, by their names.

use std::path::Path;

use crate::{Error, Split};

const IMAGES: [&str; 6] = ["images", "image", "imgs", "img", "x", "data"];
const LABELS: [&str; 5] = ["labels", "label", "y", "targets", "target"];
/// Names that `numpy.savez` gives to arrays without one.
const FIRST: &str = "arr_0";
const SECOND: &str = "arr_1";

/// The arrays to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub images: String,
    pub labels: Option<Labels>,
}

/// An array of labels.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Labels {
    /// Those of the images, by its name.
    Own(String),
    /// Those of the images if there are as many: only one of the two names says of which part it
    /// is.
    Perhaps(String),
}

/// The part of the set that an array is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    All,
    Train,
    Test,
    Validation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Images,
    Labels,
}

/// Chooses the arrays of the split. A name is a word for images (`images`, `x`, ...) or for labels
/// (`labels`, `y`, ...) and may have one for the part in front or behind, as in `x_train` or
/// `test_images`. Validation images stand in where there are none for testing.
pub(super) fn choose(path: &Path, names: &[String], split: Split) -> Result<Pair, Error> {
    let known: Vec<(Kind, Part, &String)> = names
        .iter()
        .filter_map(|name| read(name).map(|(kind, part)| (kind, part, name)))
        .collect();
    let images = |part: Part| {
        known
            .iter()
            .filter(move |it| (it.0, it.1) == (Kind::Images, part))
    };
    let wanted = match split {
        Split::Train => Part::Train,
        Split::Test if images(Part::Test).next().is_none() => Part::Validation,
        Split::Test => Part::Test,
    };
    let fitting: Vec<_> = images(Part::All).chain(images(wanted)).collect();
    let malformed = |reason| Error::Malformed {
        path: path.to_owned(),
        reason,
    };
    match fitting.as_slice() {
        [(_, part, images)] => {
            let labels = |of: Part| -> Vec<&String> {
                let of_part = known.iter().filter(|it| (it.0, it.1) == (Kind::Labels, of));
                of_part.map(|it| it.2).collect()
            };
            let asked = match (part, split) {
                (Part::All, Split::Train) => Part::Train,
                (Part::All, Split::Test) => Part::Test,
                _ => Part::All,
            };
            let labels = match (labels(*part).as_slice(), labels(asked).as_slice()) {
                ([first, second, ..], _) => {
                    return Err(malformed(format!(
                        "both {first} and {second} may be the labels; keep one of them"
                    )));
                }
                ([only], _) => Some(Labels::Own((*only).clone())),
                ([], [only]) => Some(Labels::Perhaps((*only).clone())),
                ([], _) => None,
            };
            Ok(Pair {
                images: (*images).clone(),
                labels,
            })
        }
        [(_, _, first), (_, _, second), ..] => Err(malformed(format!(
            "both {first} and {second} may be the images; keep one of them"
        ))),
        [] if known.iter().any(|it| it.0 == Kind::Images) => Err(Error::MissingSplit {
            path: path.to_owned(),
            split,
            found: format!("the arrays {}", names.join(", ")),
        }),
        [] => Err(malformed(format!(
            "has no array of images (one of {}, such as x_train or test_images for a part); it holds {}",
            IMAGES.join(", "),
            names.join(", ")
        ))),
    }
}

fn read(name: &str) -> Option<(Kind, Part)> {
    match name {
        FIRST => return Some((Kind::Images, Part::All)),
        SECOND => return Some((Kind::Labels, Part::All)),
        _ => {}
    }
    let (mut kind, mut part) = (None, None);
    let name = name.to_lowercase();
    for word in name.split(['_', '-', '.', ' ']) {
        let named = match word {
            word if IMAGES.contains(&word) => kind.replace(Kind::Images).is_none(),
            word if LABELS.contains(&word) => kind.replace(Kind::Labels).is_none(),
            "train" | "training" => part.replace(Part::Train).is_none(),
            "test" | "testing" => part.replace(Part::Test).is_none(),
            "val" | "valid" | "validation" => part.replace(Part::Validation).is_none(),
            _ => false,
        };
        if !named {
            return None;
        }
    }
    Some((kind?, part.unwrap_or(Part::All)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], split: Split) -> Result<(String, Option<String>), String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let labels = |labels| match labels {
            Labels::Own(name) => name,
            Labels::Perhaps(name) => format!("{name}?"),
        };
        choose(Path::new("set.npz"), &names, split)
            .map(|pair| (pair.images, pair.labels.map(labels)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn arrays_go_by_many_names() {
        let medmnist = [
            "train_images",
            "val_images",
            "test_images",
            "train_labels",
            "val_labels",
            "test_labels",
        ];
        for (names, images, labels) in [
            (&medmnist[..], "test_images", Some("test_labels")),
            (
                &["x_train", "y_train", "x_test", "y_test"],
                "x_test",
                Some("y_test"),
            ),
            (&["X_test", "Y_test"], "X_test", Some("Y_test")),
            (&["x_train", "x_val", "y_val"], "x_val", Some("y_val")),
            (&["images", "labels"], "images", Some("labels")),
            (&["data", "target"], "data", Some("target")),
            (&["arr_0", "arr_1"], "arr_0", Some("arr_1")),
            (&["images", "y_test"], "images", Some("y_test?")),
            (&["x_test", "labels"], "x_test", Some("labels?")),
            (&["x_test", "x_train", "y_train"], "x_test", None),
            (&["x_test", "labels", "y"], "x_test", None),
        ] {
            let found = (images.to_owned(), labels.map(str::to_owned));
            assert_eq!(chosen(names, Split::Test), Ok(found), "{names:?}");
        }
        let train = chosen(&medmnist, Split::Train).unwrap();
        assert_eq!(train.0, "train_images");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (names, word) in [
            (&["images", "x"][..], "both images and x"),
            (&["images", "labels", "y"], "both labels and y"),
            (&["x_train", "y_train"], "no test images"),
            (&["pictures"], "pictures"),
            (&["x_x", "images_of_cats"], "no array of images"),
        ] {
            let error = chosen(names, Split::Test).unwrap_err();
            assert!(error.contains(word), "{names:?}: {error}");
        }
    }
}
