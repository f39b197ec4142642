//! Puts safe labels into the output of a model, whatever it is written in.
//!
//! In an output of scores, the score of the safe label and the largest one change places: the
//! answer is then the safe label, by whatever is read off the scores, and they stay what they were,
//! logits or probabilities. In an output of labels the label is replaced.

use half::{bf16, f16};

/// A safe label and the place of its image in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correction {
    pub(crate) image: usize,
    pub(crate) label: usize,
}

/// The elements of an output, row-major.
pub(crate) trait Elements {
    fn count(&self) -> usize;

    /// An element as a number, if it is one.
    fn number(&self, place: usize) -> Option<f64>;

    fn swap(&mut self, one: usize, other: usize);

    /// Writes a label; false if it does not fit the type.
    fn put(&mut self, place: usize, label: usize) -> bool;
}

/// Corrects the output of `images` images.
///
/// # Errors
/// Why this output cannot be corrected; it may then be corrected in part and is not to be used.
pub(crate) fn correct(
    elements: &mut dyn Elements,
    datatype: &str,
    shape: &[i64],
    images: usize,
    corrections: &[Correction],
) -> Result<(), String> {
    let unfit = || format!("the output is {datatype} {shape:?} for {images} image(s)");
    if images == 0 || !elements.count().is_multiple_of(images) {
        return Err(unfit());
    }
    let each = elements.count() / images;
    let has_batch = shape.first().is_some_and(|&batch| batch == images as i64);
    if !has_batch && images != 1 {
        return Err(unfit());
    }
    let is_scores = datatype.starts_with("FP") || datatype == "BF16";
    for &Correction { image, label } in corrections {
        let first = image * each;
        if is_scores && each > 1 {
            if label >= each {
                return Err(format!(
                    "the safe label is class {label}, and the output has {each} classes"
                ));
            }
            let largest = largest(elements, first..first + each).ok_or_else(unfit)?;
            elements.swap(first + label, largest);
        } else if is_scores || each != 1 || !elements.put(first, label) {
            return Err(unfit());
        }
    }
    Ok(())
}

/// The place of the largest number; none if something there is no number.
fn largest(elements: &dyn Elements, places: std::ops::Range<usize>) -> Option<usize> {
    let mut largest: Option<(usize, f64)> = None;
    for place in places {
        let number = elements.number(place)?;
        if number.is_nan() {
            return None;
        }
        if largest.is_none_or(|(_, most)| number > most) {
            largest = Some((place, number));
        }
    }
    largest.map(|(place, _)| place)
}

/// Elements as bytes, little-endian.
pub(crate) struct RawElements<'a> {
    bytes: &'a mut [u8],
    datatype: &'a str,
    size: usize,
}

impl<'a> RawElements<'a> {
    /// None for a datatype that is no number, and for bytes that end within one.
    pub(crate) fn new(bytes: &'a mut [u8], datatype: &'a str) -> Option<Self> {
        let size = match datatype {
            "INT8" | "UINT8" => 1,
            "INT16" | "UINT16" | "FP16" | "BF16" => 2,
            "INT32" | "UINT32" | "FP32" => 4,
            "INT64" | "UINT64" | "FP64" => 8,
            _ => return None,
        };
        let whole = bytes.len().is_multiple_of(size);
        whole.then_some(Self {
            bytes,
            datatype,
            size,
        })
    }

    fn element<const SIZE: usize>(&self, place: usize) -> Option<[u8; SIZE]> {
        let bytes = self.bytes.get(place * SIZE..(place + 1) * SIZE)?;
        bytes.try_into().ok()
    }
}

impl Elements for RawElements<'_> {
    fn count(&self) -> usize {
        self.bytes.len() / self.size
    }

    fn number(&self, place: usize) -> Option<f64> {
        Some(match self.datatype {
            "FP16" => f16::from_le_bytes(self.element(place)?).to_f64(),
            "BF16" => bf16::from_le_bytes(self.element(place)?).to_f64(),
            "FP32" => f64::from(f32::from_le_bytes(self.element(place)?)),
            "FP64" => f64::from_le_bytes(self.element(place)?),
            _ => return None,
        })
    }

    fn swap(&mut self, one: usize, other: usize) {
        for byte in 0..self.size {
            self.bytes
                .swap(one * self.size + byte, other * self.size + byte);
        }
    }

    fn put(&mut self, place: usize, label: usize) -> bool {
        if !fits(label, self.datatype) {
            return false;
        }
        let label = (label as u64).to_le_bytes();
        let bytes = &mut self.bytes[place * self.size..][..self.size];
        bytes.copy_from_slice(&label[..self.size]);
        true
    }
}

/// Whether an integer type has this label.
pub(crate) fn fits(label: usize, datatype: &str) -> bool {
    let most = match datatype {
        "INT8" => i8::MAX as u64,
        "UINT8" => u8::MAX.into(),
        "INT16" => i16::MAX as u64,
        "UINT16" => u16::MAX.into(),
        "INT32" => i32::MAX as u64,
        "UINT32" => u32::MAX.into(),
        "INT64" => i64::MAX as u64,
        "UINT64" => u64::MAX,
        _ => return false,
    };
    label as u64 <= most
}

#[cfg(test)]
mod tests;
