//! Preprocessing as Hugging Face's image processors keep it, `preprocessor_config.json`.

use anyhow::ensure;
use gifthorse_engine::{Channels, PixelRange, Preprocess};
use serde::Deserialize;

/// What of such a file says how pixels become the model's input. How the image is cut and resized
/// is left to the images.
#[derive(Debug, Deserialize)]
struct ImageProcessor {
    #[serde(default = "yes")]
    do_rescale: bool,
    /// Times a pixel from 0 to 255; one over 255 if absent.
    rescale_factor: Option<f32>,
    do_normalize: Option<bool>,
    #[serde(default)]
    image_mean: Numbers,
    #[serde(default)]
    image_std: Numbers,
    #[serde(default)]
    do_flip_channel_order: bool,
}

/// One number, or one for each channel.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(f32),
    Many(Vec<f32>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Numbers {
    /// The numbers, each divided by this.
    fn over(self, divisor: f32) -> Vec<f32> {
        let numbers = match self {
            Self::One(number) => vec![number],
            Self::Many(numbers) => numbers,
        };
        numbers.into_iter().map(|number| number / divisor).collect()
    }
}

fn yes() -> bool {
    true
}

/// The preprocessing of such a file.
///
/// # Errors
/// Text that is no JSON or has other types, and a factor that is not positive.
pub fn parse(text: &str) -> anyhow::Result<Preprocess> {
    let found: ImageProcessor = serde_json::from_str(text)?;
    let (range, factor) = match (found.do_rescale, found.rescale_factor) {
        (false, _) => (PixelRange::Byte, 1.0),
        (true, None) => (PixelRange::Unit, 1.0),
        (true, Some(factor)) => (PixelRange::Unit, factor * 255.0),
    };
    ensure!(
        factor > 0.0 && factor.is_finite(),
        "its rescale_factor is not a positive number"
    );
    // As written, one over 255 is a little more or less.
    let factor = if (factor - 1.0).abs() < 1e-4 {
        1.0
    } else {
        factor
    };
    let (mean, std) = if found.do_normalize.unwrap_or(true) {
        (found.image_mean.over(factor), found.image_std.over(factor))
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(Preprocess {
        range,
        mean,
        std: if std.is_empty() && factor != 1.0 {
            vec![1.0 / factor]
        } else {
            std
        },
        channels: if found.do_flip_channel_order {
            Channels::Bgr
        } else {
            Channels::Rgb
        },
        layout: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processors_say_is_what_flags_ask_for() {
        let vit = r#"{"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": "ViTImageProcessor", "image_std": [0.25, 0.5, 0.5], "resample": 2,
            "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}"#;
        let found = parse(vit).unwrap();
        assert_eq!(found.range, PixelRange::Unit);
        assert_eq!(
            (found.mean, found.std),
            (vec![0.5; 3], vec![0.25, 0.5, 0.5])
        );

        let flipped = parse(r#"{"do_flip_channel_order": true, "do_normalize": false}"#).unwrap();
        assert_eq!(flipped.channels, Channels::Bgr);
        assert!(flipped.mean.is_empty() && flipped.std.is_empty());

        // Pixels of 0 to 255 with no rescaling, and of -1 to 1 by a factor and a mean of one.
        let plain =
            parse(r#"{"do_rescale": false, "image_mean": 127.5, "image_std": 128}"#).unwrap();
        assert_eq!((plain.range, plain.mean), (PixelRange::Byte, vec![127.5]));
        let twice =
            parse(r#"{"rescale_factor": 0.00784313725490196, "image_mean": [1.0]}"#).unwrap();
        let (scale, offset) = twice.affine(1);
        assert!((scale[0] - 2.0).abs() < 1e-5 && (offset[0] + 1.0).abs() < 1e-5);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for wrong in [
            "",
            "[]",
            r#"{"image_mean": "grey"}"#,
            r#"{"rescale_factor": -1}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
