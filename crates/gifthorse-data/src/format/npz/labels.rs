//! Labels in an array: indices, whatever they are stored as, a row for each image with a 1 in the
//! column of its class, or texts.

use std::io::Read;

use npyz::NpyFile;

use crate::MAX_CLASSES;
use crate::format::npy::{self, Values};
use crate::limits::check_claim;
use crate::numbering::Calls;

/// Reads the labels of `images` images: `[n]` or `[n, 1]` of whole numbers or texts, or `[n, classes]`
/// of zeros and a one.
pub(super) fn read<R: Read>(
    array: NpyFile<R>,
    images: usize,
) -> Result<(Vec<usize>, Calls), String> {
    let columns = match *array.shape() {
        [n] | [n, 1] if n == images as u64 => 1,
        [n, columns] if n == images as u64 && columns > 1 => columns,
        ref shape => {
            return Err(format!(
                "its shape is {shape:?}; {images} images need [{images}], a class index each, or [{images}, classes] with \
                 a 1 for its class"
            ));
        }
    };
    check_claim(images as u64, columns.saturating_mul(8))?;
    let columns = usize::try_from(columns).map_err(|error| error.to_string())?;
    let values = npy::values(array)?;
    if let Values::Texts(texts) = values {
        return match columns {
            1 => Ok(Calls::of_cells(all(texts, images)?)),
            _ => Err("holds several texts for an image; a label is one".to_owned()),
        };
    }
    let numbers: Box<dyn Iterator<Item = std::io::Result<f64>>> = match values {
        Values::Integers(values) => Box::new(values.map(|value| value.map(|value| value as f64))),
        Values::Floats(values) => Box::new(values.map(|value| value.map(f64::from))),
        Values::Texts(_) => Box::new(std::iter::empty()),
    };
    let labels = match columns {
        1 => all(numbers, images)?.into_iter().map(index).collect(),
        columns => one_hot(numbers, images, columns),
    };
    Ok((labels?, Calls::Numbers))
}

fn all<T>(
    values: impl Iterator<Item = std::io::Result<T>>,
    count: usize,
) -> Result<Vec<T>, String> {
    let values: std::io::Result<Vec<T>> = values.take(count).collect();
    values.map_err(|error| error.to_string())
}

fn index(value: f64) -> Result<usize, String> {
    let whole = value.fract() == 0.0 && (0.0..MAX_CLASSES as f64).contains(&value);
    match whole {
        true => Ok(value as usize),
        false => Err(format!("{value} is not a class index")),
    }
}

fn one_hot(
    mut values: impl Iterator<Item = std::io::Result<f64>>,
    images: usize,
    columns: usize,
) -> Result<Vec<usize>, String> {
    let mut labels = Vec::new();
    for image in 0..images {
        let mut marked = None;
        for column in 0..columns {
            let value = values.next().ok_or("ends early")?;
            match value.map_err(|error| error.to_string())? {
                0.0 => {}
                1.0 if marked.is_some() => {
                    return Err(format!(
                        "marks more than one class for image {image}; an image has one class"
                    ));
                }
                1.0 if column < MAX_CLASSES => marked = Some(column),
                other => {
                    return Err(format!(
                        "has {other} in row {image}; with {columns} columns each row holds zeros and a 1"
                    ));
                }
            }
        }
        labels.push(marked.ok_or_else(|| format!("marks no class for image {image}"))?);
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(
        descr: &str,
        shape: &str,
        data: &[u8],
        images: usize,
    ) -> Result<(Vec<usize>, Calls), String> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        npy::open(bytes.as_slice()).and_then(|array| read(array, images))
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn every_form_gives_the_same_labels() {
        let float = floats(&[2.0, 0.0]);
        let marks = floats(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        for (descr, shape, data) in [
            ("|u1", "(2,)", &[2, 0][..]),
            ("|i1", "(2, 1)", &[2, 0]),
            ("<f4", "(2,)", &float),
            ("<f4", "(2, 1)", &float),
            ("|u1", "(2, 3)", &[0, 0, 1, 1, 0, 0]),
            ("|b1", "(2, 3)", &[0, 0, 1, 1, 0, 0]),
            ("<f4", "(2, 3)", &marks),
        ] {
            let found = labels(descr, shape, data, 2);
            assert_eq!(found, Ok((vec![2, 0], Calls::Numbers)), "{descr} {shape}");
        }
    }

    #[test]
    fn texts_are_words() {
        let text: Vec<u8> = "gocat"
            .chars()
            .flat_map(|c| (c as u32).to_le_bytes())
            .collect();
        let padded = [&text[..8], &[0; 4], &text[8..]].concat();
        let words = Calls::Cells(vec!["cat".to_owned(), "go".to_owned()]);
        assert_eq!(
            labels("<U3", "(2,)", &padded, 2),
            Ok((vec![1, 0], words.clone()))
        );
        assert_eq!(
            labels("|S3", "(2,)", b"go\0cat", 2),
            Ok((vec![1, 0], words))
        );
    }

    #[test]
    fn what_is_no_label_is_refused() {
        for (descr, shape, data, word) in [
            ("<f4", "(1,)", floats(&[1.5]), "1.5"),
            ("<f4", "(1,)", floats(&[f32::NAN]), "NaN"),
            ("|i1", "(1,)", vec![255], "-1"),
            ("|u1", "(1, 3)", vec![1, 0, 1], "more than one"),
            ("|u1", "(1, 3)", vec![0, 0, 0], "no class"),
            ("|u1", "(1, 3)", vec![0, 2, 0], "2"),
            ("<f4", "(1, 2)", floats(&[0.25, 0.75]), "0.25"),
            ("|u1", "(2,)", vec![0, 1], "[2]"),
            ("|u1", "(1, 3)", vec![0, 1], "whole buffer"),
            ("|O", "(1,)", vec![0; 8], "pickle"),
            ("<U2000", "(1,)", vec![], "U2000"),
        ] {
            let error = labels(descr, shape, &data, 1).unwrap_err();
            assert!(error.contains(word), "{descr} {shape}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_array_gives_labels_or_an_error(
            descr in "[<|][ufibUSO][0-9]{1,2}", n in 0usize..5, columns in 0usize..5, data: Vec<u8>,
        ) {
            if let Ok((labels, _)) = labels(&descr, &format!("({n}, {columns})"), &data, n) {
                prop_assert!(labels.len() <= n);
            }
        }
    }
}
