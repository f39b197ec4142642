//! What can be wrong with a trigger.

use std::path::PathBuf;

use gifthorse_data::ImageShape;

/// Why a trigger cannot be put on an image. Each names the trigger by its `kind`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// It reaches over the edge.
    #[error(
        "the trigger `{trigger}` of {height}x{width} pixels at row {row}, column {column} does not fit into an image of \
         {}x{} pixels; make it smaller or place it elsewhere", image.height, image.width
    )]
    OutOfImage {
        /// The trigger's kind.
        trigger: &'static str,
        /// Rows of the trigger.
        height: usize,
        /// Columns of the trigger.
        width: usize,
        /// Its first row; negative where it starts above the image.
        row: i64,
        /// Its first column; negative where it starts left of the image.
        column: i64,
        /// Shape of the images.
        image: ImageShape,
    },
    /// It has no pixels.
    #[error("a trigger `{trigger}` of no pixels changes nothing; give it a size of at least 1")]
    Empty {
        /// The trigger's kind.
        trigger: &'static str,
    },
    /// Its colour is not one of these images.
    #[error(
        "the colour {colour:?} of the trigger `{trigger}` is neither one value from 0 to 1 nor {channels} of them, one for \
         each channel of the images"
    )]
    Colour {
        /// The trigger's kind.
        trigger: &'static str,
        /// The colour.
        colour: Vec<f32>,
        /// Channels of the images.
        channels: usize,
    },
    /// It is made for images with other channels.
    #[error("the trigger `{trigger}` needs colour images, and these have {channels} channel(s)")]
    NeedsColour {
        /// The trigger's kind.
        trigger: &'static str,
        /// Channels of the images.
        channels: usize,
    },
    /// A setting that makes no sense.
    #[error("the trigger `{trigger}` cannot have {setting} = {value}: {wanted}")]
    Setting {
        /// The trigger's kind.
        trigger: &'static str,
        /// Name of the setting.
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
    /// Its picture cannot be had.
    #[error("the trigger `{trigger}` cannot read the picture {}: {reason}", path.display())]
    File {
        /// The trigger's kind.
        trigger: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system or the decoder says.
        reason: String,
    },
    /// The network that makes it cannot be had, or is none for these images.
    #[error("the generator {} of the trigger `generated` cannot be used: {reason}", path.display())]
    Generator {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The pixels handed over are not one image.
    #[error("{found} values are not an image of shape {shape}")]
    NotAnImage {
        /// Number of values.
        found: usize,
        /// The shape that they should have.
        shape: ImageShape,
    },
}
