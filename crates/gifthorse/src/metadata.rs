//! What a file's metadata says of its input, as the converters of Windows ML write it.

use gifthorse_engine::{Channels, PixelRange, Preprocess};

/// The preprocessing that the metadata names; `None` where it says nothing, or something that no
/// flag asks for.
pub fn preprocessing<'a>(metadata: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Preprocess> {
    let (mut range, mut channels) = (None, None);
    for (key, value) in metadata {
        match (key, value) {
            ("Image.NominalPixelRange", "NominalRange_0_255") => range = Some(PixelRange::Byte),
            ("Image.NominalPixelRange", "Normalized_0_1") => range = Some(PixelRange::Unit),
            ("Image.NominalPixelRange", "Normalized_1_1") => range = Some(PixelRange::Signed),
            ("Image.BitmapPixelFormat", "Bgr8" | "Bgra8" | "BGR8" | "BGRA8") => {
                channels = Some(Channels::Bgr);
            }
            ("Image.BitmapPixelFormat", "Rgb8" | "Rgba8" | "RGB8" | "RGBA8") => {
                channels = Some(Channels::Rgb);
            }
            ("Image.BitmapPixelFormat", "Gray8" | "GRAY8") => channels = Some(Channels::Grey),
            _ => {}
        }
    }
    (range.is_some() || channels.is_some()).then(|| Preprocess {
        range: range.unwrap_or_default(),
        channels: channels.unwrap_or_default(),
        ..Preprocess::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_and_order_are_read_and_all_else_is_passed_over() {
        let said = [
            ("author", "me"),
            ("Image.BitmapPixelFormat", "Bgr8"),
            ("Image.NominalPixelRange", "NominalRange_0_255"),
        ];
        let found = preprocessing(said.into_iter()).unwrap();
        assert_eq!(
            (found.range, found.channels),
            (PixelRange::Byte, Channels::Bgr)
        );
        let unknown = [("Image.NominalPixelRange", "NominalRange_16_235")];
        assert_eq!(preprocessing(unknown.into_iter()), None);
    }
}
