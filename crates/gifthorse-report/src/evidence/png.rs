//! Pictures as PNG files.

use std::io::Cursor;

use image::{
    DynamicImage, GrayImage, ImageError, ImageFormat, RgbImage,
    error::{ParameterError, ParameterErrorKind},
};

use super::Picture;

impl Picture {
    /// The picture as the bytes of an 8-bit PNG: RGB for three channels, otherwise the mean of the
    /// channels in grey.
    ///
    /// # Errors
    /// When the picture has more rows or columns than PNG can hold.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let too_large = || {
            let kind = ParameterErrorKind::DimensionMismatch;
            ImageError::Parameter(ParameterError::from_kind(kind))
        };
        let [channels, height, width] = self.shape();
        let rows = u32::try_from(height).map_err(|_| too_large())?;
        let columns = u32::try_from(width).map_err(|_| too_large())?;
        let picture = if channels == 3 {
            RgbImage::from_raw(columns, rows, self.interleaved()).map(DynamicImage::from)
        } else {
            GrayImage::from_raw(columns, rows, self.mean()).map(DynamicImage::from)
        };
        let mut file = Cursor::new(Vec::new());
        picture
            .ok_or_else(too_large)?
            .write_to(&mut file, ImageFormat::Png)?;
        Ok(file.into_inner())
    }

    /// The bytes of all channels, pixel by pixel.
    fn interleaved(&self) -> Vec<u8> {
        let [_, height, width] = self.shape();
        let channels: Vec<&[f32]> = self.values().chunks(height * width).collect();
        (0..height * width)
            .flat_map(|pixel| channels.iter().map(move |channel| byte(channel[pixel])))
            .collect()
    }

    /// The bytes of the mean of all channels.
    fn mean(&self) -> Vec<u8> {
        let [count, height, width] = self.shape();
        let channels: Vec<&[f32]> = self.values().chunks(height * width).collect();
        (0..height * width)
            .map(|pixel| {
                let sum: f32 = channels.iter().map(|channel| channel[pixel]).sum();
                byte(sum / count as f32)
            })
            .collect()
    }
}

/// The nearest 8-bit value.
fn byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(picture: &Picture) -> DynamicImage {
        image::load_from_memory(&picture.to_png().unwrap()).unwrap()
    }

    #[test]
    fn eight_bit_values_survive() {
        let values: Vec<f32> = (0..=255u8).map(|byte| f32::from(byte) / 255.0).collect();
        let grey = decode(&Picture::new([1, 8, 32], values).unwrap());
        assert_eq!((grey.width(), grey.height()), (32, 8));
        assert_eq!(grey.to_luma8().into_raw(), (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn channels_are_planes_in_red_green_blue_order() {
        let picture = Picture::new([3, 1, 2], vec![1.0, 0.0, 0.0, 1.0, 0.2, 0.4]).unwrap();
        assert_eq!(
            decode(&picture).to_rgb8().into_raw(),
            [255, 0, 51, 0, 255, 102]
        );
    }

    #[test]
    fn other_channel_counts_become_their_mean() {
        let picture = Picture::new([2, 1, 1], vec![1.0, 0.2]).unwrap();
        assert_eq!(decode(&picture).to_luma8().into_raw(), [153]);
    }
}
