//! One NumPy array, read without believing its header further than the data goes.

use std::io::Read;

use half::f16;
use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar};

/// Longest header that is read; NumPy writes less than 128 bytes for a plain array.
const MAX_HEADER_BYTES: usize = 4096;

/// Most that the numbers in a header may multiply to.
const MAX_CLAIM: u64 = 1 << 42;

/// The values of an array, one by one.
pub(crate) enum Values<'a> {
    Integers(Box<dyn Iterator<Item = std::io::Result<i64>> + 'a>),
    Floats(Box<dyn Iterator<Item = std::io::Result<f32>> + 'a>),
    Texts(Box<dyn Iterator<Item = std::io::Result<String>> + 'a>),
}

/// Reads the header of a NumPy array; `reader` is left at the first value.
///
/// # Errors
/// A header that is no array's, is longer or nested deeper than a plain array needs, whose numbers
/// multiply to more than any array that is read, or that says Fortran order: in words that go after
/// the name of the array.
pub fn open<R: Read>(mut reader: R) -> Result<NpyFile<R>, String> {
    let header = header_bytes(&mut reader)?;
    check_header(&header)?;
    let header = NpyHeader::from_reader(header.as_slice()).map_err(|error| error.to_string())?;
    // With one axis that is longer than 1, both orders are the same.
    let axes = header.shape().iter().filter(|&&length| length > 1).count();
    if header.order() == Order::Fortran && axes > 1 {
        return Err(
            "is in Fortran order; save it with numpy.ascontiguousarray to have it read".to_owned(),
        );
    }
    Ok(NpyFile::with_header(header, reader))
}

/// Longest text of an array of texts, in characters.
const MAX_TEXT: u64 = 1024;

/// The values of an array of integers, floats or texts.
pub(crate) fn values<'a, R: Read + 'a>(array: NpyFile<R>) -> Result<Values<'a>, String> {
    let DType::Plain(dtype) = array.dtype() else {
        return Err("is a structured array".to_owned());
    };
    macro_rules! read {
        ($kind:ident, $from:ty, $convert:expr) => {{
            let values = array.data::<$from>().map_err(|error| error.to_string())?;
            Values::$kind(Box::new(values.map(|value| value.and_then($convert))))
        }};
    }
    Ok(match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Bool, 1) => read!(Integers, bool, |v| Ok(i64::from(v))),
        (TypeChar::Uint, 1) => read!(Integers, u8, |v| Ok(i64::from(v))),
        (TypeChar::Uint, 2) => read!(Integers, u16, |v| Ok(i64::from(v))),
        (TypeChar::Uint, 4) => read!(Integers, u32, |v| Ok(i64::from(v))),
        (TypeChar::Uint, 8) => read!(Integers, u64, |v| i64::try_from(v)
            .map_err(std::io::Error::other)),
        (TypeChar::Int, 1) => read!(Integers, i8, |v| Ok(i64::from(v))),
        (TypeChar::Int, 2) => read!(Integers, i16, |v| Ok(i64::from(v))),
        (TypeChar::Int, 4) => read!(Integers, i32, |v| Ok(i64::from(v))),
        (TypeChar::Int, 8) => read!(Integers, i64, Ok),
        (TypeChar::Float, 2) => read!(Floats, f16, |v| Ok(f32::from(v))),
        (TypeChar::Float, 4) => read!(Floats, f32, Ok),
        (TypeChar::Float, 8) => read!(Floats, f64, |v| Ok(v as f32)),
        (TypeChar::UnicodeStr | TypeChar::ByteStr, 1..=MAX_TEXT) => read!(Texts, String, Ok),
        (TypeChar::Object, _) => {
            return Err(
                "holds Python objects (pickle), which are never read; save plain numbers, such as \
                 array.astype('int64')"
                    .to_owned(),
            );
        }
        _ => {
            return Err(format!(
                "holds values of type {dtype}; integers, floats of 16 to 64 bits and, for labels, texts are read"
            ));
        }
    })
}

/// The bytes up to the first value.
fn header_bytes(reader: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut read = |bytes: &mut Vec<u8>, size: usize| {
        let start = bytes.len();
        reader
            .take(size as u64)
            .read_to_end(bytes)
            .map_err(|error| error.to_string())?;
        match bytes.len() - start == size {
            true => Ok(()),
            false => Err("ends within its header".to_owned()),
        }
    };
    read(&mut bytes, 8)?;
    let length_bytes = if bytes[6] == 1 { 2 } else { 4 };
    read(&mut bytes, length_bytes)?;
    let length = bytes[8..].iter().rev();
    let length = length.fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    if length > MAX_HEADER_BYTES {
        return Err(format!(
            "claims a header of {length} bytes; at most {MAX_HEADER_BYTES} are read"
        ));
    }
    read(&mut bytes, length)?;
    Ok(bytes)
}

/// The parser of headers recurses into brackets and multiplies dimensions unchecked, so neither may
/// go far. Taking all digits of the header for dimensions, and 0 for 1, only makes this stricter.
fn check_header(header: &[u8]) -> Result<(), String> {
    let deepest = header.iter().filter(|byte| b"([{".contains(byte)).count();
    let claim = header
        .split(|byte| !byte.is_ascii_digit())
        .filter_map(|digits| std::str::from_utf8(digits).ok())
        .filter(|digits| !digits.is_empty())
        .try_fold(1u64, |product, digits| {
            product.checked_mul(digits.parse::<u64>().ok()?.max(1))
        });
    if deepest > 8 || claim.is_none_or(|claim| claim > MAX_CLAIM) {
        let shown = String::from_utf8_lossy(header.get(10..).unwrap_or_default());
        let shown: String = shown.chars().take(200).collect();
        return Err(format!(
            "has a header that is no plain array's, or claims too much: {}",
            shown.trim()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn npy(dictionary: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn plain(dtype: &str, shape: &str) -> String {
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n")
    }

    #[test]
    fn integers_and_floats_of_every_size_are_read() {
        let read = |dtype, data: &[u8]| {
            let bytes = npy(&plain(dtype, "(1,)"), data);
            match values(open(bytes.as_slice()).unwrap()).unwrap() {
                Values::Integers(mut values) => values.next().unwrap().unwrap() as f32,
                Values::Floats(mut values) => values.next().unwrap().unwrap(),
                Values::Texts(_) => panic!("no text was written"),
            }
        };
        assert_eq!(read("|u1", &[200]), 200.0);
        assert_eq!(read("|b1", &[1]), 1.0);
        assert_eq!(read("|i1", &[0xff]), -1.0);
        assert_eq!(read("<i2", &(-300i16).to_le_bytes()), -300.0);
        assert_eq!(read(">u4", &70_000u32.to_be_bytes()), 70_000.0);
        assert_eq!(read("<i8", &9i64.to_le_bytes()), 9.0);
        assert_eq!(read("<f2", &f16::from_f32(0.25).to_le_bytes()), 0.25);
        assert_eq!(read("<f4", &0.25f32.to_le_bytes()), 0.25);
        assert_eq!(read("<f8", &0.5f64.to_le_bytes()), 0.5);
    }

    #[test]
    fn hostile_headers_are_refused() {
        let refused = |dictionary: &str| open(npy(dictionary, &[]).as_slice()).is_err();
        assert!(refused(&plain(
            "|u1",
            "(4294967296, 4294967296, 4294967296)"
        )));
        assert!(refused(&plain("|u1", "(99999999999999999999999,)")));
        assert!(refused(&"(".repeat(4000)));
        assert!(refused(
            "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}"
        ));
        let long = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes()].concat();
        assert!(open(long.as_slice()).err().unwrap().contains("4294967295"));
        let objects = npy(&plain("|O", "(1,)"), &[0; 8]);
        assert!(
            open(objects.as_slice())
                .and_then(|a| values(a).map(|_| ()))
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn any_header_gives_an_array_or_an_error(dictionary in "[{}\\[\\]()':, a-z0-9<|]{0,120}", data: [u8; 8]) {
            if let Ok(array) = open(npy(&dictionary, &data).as_slice()) {
                let _ = values(array);
            }
        }

        #[test]
        fn any_shape_gives_an_array_or_an_error(
            dtype in "[<>|][a-zA-Z][0-9]{1,3}",
            shape in proptest::collection::vec(any::<u64>(), 0..5),
        ) {
            let shape: String = shape.iter().map(|n| format!("{n},")).collect();
            if let Ok(array) = open(npy(&plain(&dtype, &format!("({shape})")), &[1; 9]).as_slice()) {
                let _ = values(array).map(|values| match values {
                    Values::Integers(values) => values.take(20).filter(Result::is_ok).count(),
                    Values::Floats(values) => values.take(20).filter(Result::is_ok).count(),
                    Values::Texts(values) => values.take(20).filter(Result::is_ok).count(),
                });
            }
        }

        #[test]
        fn any_bytes_give_an_array_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = open(bytes.as_slice());
        }
    }
}
