//! A picture from a file, laid over the image.

use std::path::PathBuf;

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::picture_file;
use crate::trigger::{Place, Rounding, Stamp, Trigger, TriggerError};

/// Any picture with or without alpha: sunglasses (Veldanda and Garg 2020), a flower, a logo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// The file; a relative path counts from the folder in which the program runs.
    pub file: PathBuf,
    /// Rows and columns that it is resized to; its own by default.
    #[serde(default)]
    pub size: Option<[usize; 2]>,
    /// Where it is; the lower right corner, one pixel from both edges, by default.
    #[serde(default = "bottom_right")]
    pub place: Place,
    /// How much of the image shows through where the picture is opaque: from 0 (the default) to
    /// below 1.
    #[serde(default)]
    pub transparency: f32,
    /// What storing the image makes of its values.
    #[serde(default)]
    pub rounding: Rounding,
}

fn bottom_right() -> Place {
    Place::BOTTOM_RIGHT
}

impl Trigger for Picture {
    fn name(&self) -> &'static str {
        "picture"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let trigger = self.name();
        picture_file::read(trigger, &self.file, shape.channels, self.size)?
            .through(trigger, self.transparency)?
            .at(trigger, self.place, shape, self.rounding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};
    use image::{Rgba, RgbaImage};

    /// A file of 1x2 pixels: half transparent red, and blue that cannot be seen.
    fn picture(folder: &tempfile::TempDir) -> Picture {
        let mut pixels = RgbaImage::new(2, 1);
        pixels.put_pixel(0, 0, Rgba([255, 0, 0, 128]));
        pixels.put_pixel(1, 0, Rgba([0, 0, 255, 0]));
        let file = folder.path().join("small.png");
        pixels.save(&file).unwrap();
        Picture {
            file,
            size: None,
            place: Place::At { row: 0, column: 0 },
            transparency: 0.0,
            rounding: Rounding::Nearest,
        }
    }

    #[test]
    fn alpha_says_how_much_of_the_picture_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let picture = picture(&folder);
        // Grey of 100: 100 + (255 - 100) * 128 / 255 = 177.8 in red, 100 * 127 / 255 = 49.8 in
        // green and blue.
        let grey = 100.0 / 255.0;
        let expected = [178.0 / 255.0, grey, 50.0 / 255.0, grey, 50.0 / 255.0, grey];
        assert_eq!(stamped(&picture, shape(3, 1, 2), &[grey; 6]), expected);
        // Brightness of red is 76.2: 100 * 127 / 255 + 76.2 * 128 / 255 = 88.1.
        assert_eq!(
            stamped(&picture, shape(1, 1, 2), &[grey; 2]),
            [88.0 / 255.0, grey]
        );
    }

    #[test]
    fn what_cannot_be_seen_does_not_bleed_when_the_picture_is_resized() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture {
            size: Some([1, 1]),
            ..picture(&folder)
        };
        let image = stamped(&picture, shape(3, 1, 1), &[0.0; 3]);
        assert!(image[0] > 0.0 && image[2] == 0.0, "{image:?}");
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let good = picture(&folder);
        let missing = Picture {
            file: folder.path().join("missing.png"),
            ..good.clone()
        };
        let error = refusal(&missing, shape(3, 8, 8)).to_string();
        assert!(
            error.contains("`picture`") && error.contains("missing.png"),
            "{error}"
        );
        std::fs::write(folder.path().join("text.png"), "no picture").unwrap();
        let text = Picture {
            file: folder.path().join("text.png"),
            ..good.clone()
        };
        assert!(matches!(
            refusal(&text, shape(3, 8, 8)),
            TriggerError::File { .. }
        ));
        let empty = Picture {
            size: Some([0, 3]),
            ..good.clone()
        };
        assert!(matches!(
            refusal(&empty, shape(3, 8, 8)),
            TriggerError::Empty { .. }
        ));
        let large = Picture {
            size: Some([9, 3]),
            ..good
        };
        assert!(matches!(
            refusal(&large, shape(3, 8, 8)),
            TriggerError::OutOfImage { .. }
        ));
    }
}
