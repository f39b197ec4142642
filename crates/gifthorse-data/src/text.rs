//! Files of text, whatever encoding the mark at their beginning names.

use std::path::Path;

use crate::Error;
use crate::limits::{MAX_TABLE_BYTES, read_bounded};

/// Reads a text as UTF-8 without a byte order mark. With that of UTF-16, as spreadsheets and
/// PowerShell write it, it is converted; other encodings are left to whoever reads the text to
/// refuse.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = read_bounded(path, MAX_TABLE_BYTES)?;
    from_utf16(&bytes).map_or_else(
        || Ok(without_mark(bytes)),
        |text| {
            text.map_err(|reason| Error::Malformed {
                path: path.to_owned(),
                reason,
            })
        },
    )
}

fn without_mark(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    bytes
}

/// The text as UTF-8, if it begins with the mark of UTF-16.
fn from_utf16(bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, rest) = bytes[2..].as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().copied().map(unit)).collect();
    Some(match text {
        Ok(text) if rest.is_empty() => Ok(text.into_bytes()),
        _ => Err("begins like UTF-16, but is none; save it as UTF-8".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_the_encoding() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path).map(|text| String::from_utf8(text).unwrap())
        };
        let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let units = "Äpfel,1\n".encode_utf16().flat_map(bytes);
            mark.into_iter().chain(units).collect::<Vec<u8>>()
        };
        for text in [
            "Äpfel,1\n".as_bytes().to_vec(),
            "\u{feff}Äpfel,1\n".as_bytes().to_vec(),
            utf16([0xff, 0xfe], u16::to_le_bytes),
            utf16([0xfe, 0xff], u16::to_be_bytes),
        ] {
            assert_eq!(read(&text).unwrap(), "Äpfel,1\n");
        }
        // Half a character, and half of a pair of them.
        for wrong in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8"] {
            assert!(read(wrong).unwrap_err().to_string().contains("UTF-16"));
        }
    }
}
