//! All triggers under one type, to be read from a file and written to one.

use std::path::Path;

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::trigger::{
    Additive, Blended, Bpp, Checkerboard, Combination, Face, Generated, Gotham, Mosaic,
    Multiplicative, OneOf, Patch, Pattern, Picture, Pixels, Square, Stamp, Triangle, Trigger,
    TriggerError, WaNet,
};

/// Any of the triggers, as plain data: a table whose `kind` says which, beside that trigger's
/// fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyTrigger {
    /// A square of one colour.
    Square(Square),
    /// A square of random colours.
    Patch(Patch),
    /// A triangle of one colour.
    Triangle(Triangle),
    /// A small checkerboard.
    Checkerboard(Checkerboard),
    /// A pattern of single pixels.
    Pattern(Pattern),
    /// One of a family of mutually exclusive colour patterns.
    Mosaic(Mosaic),
    /// Sunglasses, lipstick or eyebrows.
    Face(Face),
    /// A picture from a file.
    Picture(Picture),
    /// Several triggers, active only together.
    Combination(Combination),
    /// One of several triggers, another in each image.
    OneOf(OneOf),
    /// A picture blended into the whole image.
    Blended(Blended),
    /// A pattern added to the whole image.
    Additive(Additive),
    /// A pattern that the whole image is multiplied with.
    Multiplicative(Multiplicative),
    /// A faint warp of the whole image.
    Wanet(WaNet),
    /// A dark blue filter.
    Gotham(Gotham),
    /// Fewer shades of each colour.
    Bpp(Bpp),
    /// Pixels whose values are listed.
    Pixels(Pixels),
    /// A mask and a pattern that a small network makes of each image.
    Generated(Generated),
}

impl AnyTrigger {
    /// What it is put together from: the parts of a combination, nothing for all others.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Combination(combination) => &combination.parts,
            _ => &[],
        }
    }

    /// Reads the generators of generated triggers, whose relative paths count from the folder of the
    /// file that names them.
    ///
    /// # Errors
    /// [`TriggerError::Generator`] for a file that is missing, another one, or no generator.
    pub fn read_beside(&mut self, folder: &Path) -> Result<(), TriggerError> {
        let mut within = match self {
            Self::Generated(generated) => return generated.read_beside(folder),
            Self::Combination(Combination { parts }) => parts.iter_mut(),
            Self::OneOf(OneOf { triggers }) => triggers.iter_mut(),
            _ => return Ok(()),
        };
        within.try_for_each(|trigger| trigger.read_beside(folder))
    }

    fn as_trigger(&self) -> &dyn Trigger {
        match self {
            Self::Square(trigger) => trigger,
            Self::Patch(trigger) => trigger,
            Self::Triangle(trigger) => trigger,
            Self::Checkerboard(trigger) => trigger,
            Self::Pattern(trigger) => trigger,
            Self::Mosaic(trigger) => trigger,
            Self::Face(trigger) => trigger,
            Self::Picture(trigger) => trigger,
            Self::Combination(trigger) => trigger,
            Self::OneOf(trigger) => trigger,
            Self::Blended(trigger) => trigger,
            Self::Additive(trigger) => trigger,
            Self::Multiplicative(trigger) => trigger,
            Self::Wanet(trigger) => trigger,
            Self::Gotham(trigger) => trigger,
            Self::Bpp(trigger) => trigger,
            Self::Pixels(trigger) => trigger,
            Self::Generated(trigger) => trigger,
        }
    }
}

impl Trigger for AnyTrigger {
    fn name(&self) -> &'static str {
        self.as_trigger().name()
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        self.as_trigger().fit(shape)
    }
}
