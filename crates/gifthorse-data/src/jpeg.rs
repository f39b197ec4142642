//! Whether a JPEG file goes on to its end: decoders fill what is missing with grey, and say nothing.

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether the file starts as a JPEG does.
pub(crate) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Whether the marker that ends the image is there. Thumbnails inside of segments, which have one of
/// their own, are passed over.
pub(crate) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            END_OF_IMAGE => return true,
            // Markers without a length.
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some(&[high, low]) = bytes.get(at..at + 2) else {
                    return false;
                };
                at += usize::from(u16::from_be_bytes([high, low])).max(2);
                if marker == START_OF_SCAN {
                    at = end_of_scan(bytes, at);
                }
            }
        }
    }
    false
}

/// The next marker from `at` on, and where what belongs to it begins.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?;
    let start = rest.iter().position(|&byte| byte == 0xff)?;
    let fill = rest[start..].iter().position(|&byte| byte != 0xff)?;
    Some((rest[start + fill], at + start + fill + 1))
}

/// Where the marker after the entropy-coded data from `at` on begins: those that only restart the
/// decoder, and the bytes that stand for 255, are part of the data.
fn end_of_scan(bytes: &[u8], mut at: usize) -> usize {
    while let Some(pair) = bytes.get(at..at + 2) {
        if pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{RgbImage, codecs::jpeg::JpegEncoder};
    use proptest::prelude::*;

    fn jpeg() -> Vec<u8> {
        let picture = RgbImage::from_fn(24, 24, |x, y| {
            image::Rgb([(x * y) as u8, x as u8, 255 - y as u8])
        });
        let mut bytes = Vec::new();
        JpegEncoder::new(&mut bytes).encode_image(&picture).unwrap();
        bytes
    }

    #[test]
    fn only_a_whole_file_is_complete() {
        let whole = jpeg();
        assert!(is_jpeg(&whole) && is_complete(&whole));
        for end in 0..whole.len() {
            assert!(!is_complete(&whole[..end]), "{end} of {}", whole.len());
        }
        let padded = [whole.as_slice(), &[0; 30]].concat();
        assert!(is_complete(&padded));
        // A thumbnail ends inside a segment.
        let mut thumbnail = vec![0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
        thumbnail.extend(&whole[2..whole.len() / 2]);
        assert!(!is_complete(&thumbnail));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(prop_oneof![Just(0xff), Just(0xda), any::<u8>()], 0..60)) {
            let _ = is_complete(&bytes);
        }
    }
}
