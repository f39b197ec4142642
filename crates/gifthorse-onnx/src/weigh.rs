//! How much memory a file would take, before it is decoded.
//!
//! An empty message is two bytes in a file and hundreds in memory, so that a
//! small file could ask for all the memory there is. This walks through the
//! bytes without keeping anything and adds up what the decoder would allocate;
//! the weights themselves, which stay in the bytes of the file, count nothing.
//!
//! The same walk refuses what decoders read differently: of a message that can be there only once,
//! some take the last, and some join all of them, so that what is scanned would not be what runs.

mod layout;

use crate::Error;
use layout::{Layout, MODEL};

/// Most memory that the decoded messages of a model may take, in bytes. The
/// structure of the largest image classifiers takes a few megabytes.
const LIMIT: usize = 2 << 30;
/// A field that is known: a string, or an element of a list.
const FIELD: usize = 64;
/// A field that is not known: an entry in a hash map and its value.
const UNKNOWN: usize = 256;
/// Lists of messages grow by doubling.
const GROWTH: usize = 2;
/// How deep the decoder goes into messages.
const MAX_DEPTH: usize = 100;

/// Refuses a file whose messages would take more memory than any model needs.
///
/// So is a file that ends inside one of its messages: the decoder takes what there is for the
/// whole, and this walk would not have seen it. What else is malformed is left for the decoder to
/// find.
pub(crate) fn check(file: &[u8]) -> Result<(), Error> {
    let scale = Scale::weigh(file);
    if scale.memory > LIMIT {
        return Err(Error::TooMany {
            what: "bytes of memory that the model's structure would take".to_owned(),
            count: scale.memory,
            limit: LIMIT,
        });
    }
    if scale.cut {
        return Err(Error::Cut);
    }
    if scale.twice {
        return Err(Error::Twice);
    }
    if scale.unknown > 0 {
        tracing::debug!(
            fields = scale.unknown,
            "the model has fields of an unknown ONNX version"
        );
    }
    Ok(())
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    /// Bytes of memory that its messages would take, without the weights.
    pub(crate) memory: usize,
    /// Messages in it.
    pub(crate) messages: usize,
    /// Fields that this crate does not know.
    pub(crate) unknown: usize,
    /// Whether a message that can be there only once is there again.
    pub(crate) twice: bool,
    /// Whether something in it is said to be longer than what it is in.
    pub(crate) cut: bool,
}

impl Scale {
    pub(crate) fn weigh(file: &[u8]) -> Self {
        let mut scale = Self::default();
        scale.cut = matches!(scale.message(file, &MODEL, 0), Err(Stop::Cut));
        scale
    }

    fn message(&mut self, mut bytes: &[u8], layout: &Layout, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Enough);
        }
        self.messages += 1;
        let mut single = 0u32;
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)? as u32;
            let number = tag >> 3;
            let mut content = None;
            match tag & 7 {
                0 => _ = varint(&mut bytes)?,
                1 => _ = bytes.split_off(..8).ok_or(Stop::Cut)?,
                2 => {
                    let length = varint(&mut bytes)? as u32;
                    let rest = bytes.split_off(..length as usize);
                    content = Some(rest.ok_or(Stop::Cut)?);
                }
                5 => _ = bytes.split_off(..4).ok_or(Stop::Cut)?,
                _ => {}
            }
            if !layout.is_known(number) {
                self.unknown += 1;
            }
            self.memory = self.memory.saturating_add(match content {
                Some(content) => layout.length_delimited(number, content.len()),
                None if layout.is_known(number) => FIELD,
                None => UNKNOWN,
            });
            if self.memory > LIMIT {
                return Err(Stop::Enough);
            }
            if layout.is_single(number) {
                self.twice |= single & 1 << number != 0;
                single |= 1 << number;
            }
            if let (Some(content), Some(child)) = (content, layout.child(number)) {
                self.message(content, child, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Why the walk ends before the file does.
enum Stop {
    /// Nothing more need be read.
    Enough,
    /// Nothing more can be read.
    Cut,
}

impl Layout {
    fn length_delimited(&self, number: u32, length: usize) -> usize {
        match self.child(number) {
            Some(child) => FIELD + GROWTH * child.size,
            None if self.is_shared(number) => FIELD,
            None if self.is_packed(number) => FIELD + length.saturating_mul(8),
            None if self.is_known(number) => FIELD + length,
            None => UNKNOWN + length,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Stop> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.split_off_first().ok_or(Stop::Cut)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Stop::Cut)
}
