//! How many parts a message has, before it is decoded.
//!
//! An empty part takes two bytes on the way and hundreds in memory, so that a small message could
//! ask for all the memory there is. The numbers and bytes of tensors take there at most eight times
//! what they took on the way.

use protobuf::CodedInputStream;
use protobuf::rt::WireType;

/// Most parts of a message: tensors, parameters, strings, dimensions, fields that nobody knows.
const MOST: usize = 10_000;

/// The kinds of message that hold others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Request,
    Response,
    Tensor,
    RequestedOutput,
    Contents,
    /// Holds no list.
    Leaf,
}

impl Kind {
    /// What the field of this number is, if it is a message.
    fn child(self, field: u32) -> Option<Self> {
        match (self, field) {
            (Self::Request | Self::Response, 5) => Some(Self::Tensor),
            (Self::Request, 6) => Some(Self::RequestedOutput),
            (Self::Tensor, 5) => Some(Self::Contents),
            (Self::Request | Self::Response | Self::Tensor, 4) | (Self::RequestedOutput, 2) => {
                Some(Self::Leaf)
            }
            _ => None,
        }
    }
}

/// Refuses a message of too many parts, or one that cannot be divided into parts.
pub(super) fn check(message: &[u8], kind: Kind) -> Result<(), String> {
    let parts = count(message, kind).map_err(|error| format!("the message is broken: {error}"))?;
    if parts > MOST {
        return Err(format!("the message has more than {MOST} parts"));
    }
    Ok(())
}

fn count(message: &[u8], kind: Kind) -> protobuf::Result<usize> {
    let mut parts = 0;
    let mut input = CodedInputStream::from_bytes(message);
    while let Some(tag) = input.read_raw_tag_or_eof()? {
        let field = tag >> 3;
        let wire = WireType::new(tag & 7);
        let is_numbers = kind == Kind::Contents && (1..=7).contains(&field);
        parts += usize::from(!is_numbers);
        if wire == Some(WireType::LengthDelimited) {
            let length = input.read_raw_varint32()?;
            let start = input.pos() as usize;
            input.skip_raw_bytes(length)?;
            let content = &message[start..input.pos() as usize];
            if let Some(child) = kind.child(field) {
                parts += count(content, child)?;
            } else if (kind, field) == (Kind::Tensor, 3) {
                parts += content.len();
            }
        } else {
            let wire = wire.ok_or_else(|| std::io::Error::other("an unknown kind of field"))?;
            input.skip_field(wire)?;
        }
        if parts > MOST {
            break;
        }
    }
    Ok(parts)
}
