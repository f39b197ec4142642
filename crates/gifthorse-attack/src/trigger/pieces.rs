//! A trigger of the whole image in pieces, of which an image shows some.

use gifthorse_data::ImageShape;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trigger::TriggerError;

/// A grid of pieces of which each image shows others, drawn at random: the training images of
/// Adaptive-Blend (Qi et al. 2023 §5.2), whose trigger is whole when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pieces {
    /// Pieces along each side of the image; 4 by default.
    pub along: usize,
    /// How many of them all an image shows; 8 by default.
    pub shown: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { along: 4, shown: 8 }
    }
}

impl Pieces {
    /// Refuses pieces without pixels, and more or fewer than there are.
    ///
    /// # Errors
    /// [`TriggerError::Setting`].
    pub(super) fn check(
        self,
        trigger: &'static str,
        shape: ImageShape,
    ) -> Result<Self, TriggerError> {
        let refuse = |setting, value: usize, wanted| {
            Err(TriggerError::Setting {
                trigger,
                setting,
                value: value.to_string(),
                wanted,
            })
        };
        if !(1..=shape.height.min(shape.width)).contains(&self.along) {
            let wanted = "there is at least one piece along a side, and each has a pixel";
            return refuse("pieces.along", self.along, wanted);
        }
        if !(1..=self.along * self.along).contains(&self.shown) {
            let wanted = "an image shows at least one piece, and at most all";
            return refuse("pieces.shown", self.shown, wanted);
        }
        Ok(self)
    }

    /// Of each pixel of an image of `shape`, whether its piece is shown this time.
    pub(super) fn draw(self, shape: ImageShape, rng: &mut ChaCha8Rng) -> Vec<bool> {
        let mut shown = vec![false; self.along * self.along];
        for piece in sample(rng, shown.len(), self.shown) {
            shown[piece] = true;
        }
        let piece = |pixel: usize| {
            let (row, column) = (pixel / shape.width, pixel % shape.width);
            let (down, right) = (
                row * self.along / shape.height,
                column * self.along / shape.width,
            );
            down * self.along + right
        };
        (0..shape.height * shape.width)
            .map(|pixel| shown[piece(pixel)])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{rng, shape};

    #[test]
    fn whole_pieces_are_shown_and_others_each_time() {
        let shape = shape(3, 8, 12);
        let pieces = Pieces { along: 2, shown: 1 };
        let mut seen = Vec::new();
        for image in 0..40 {
            let shown = pieces.draw(shape, &mut rng(image));
            let first = shown.iter().position(|&shown| shown).unwrap();
            let (row, column) = (first / 12, first % 12);
            // A quarter of the image from its first pixel on.
            for (pixel, &shown) in shown.iter().enumerate() {
                let inside = (row..row + 4).contains(&(pixel / 12))
                    && (column..column + 6).contains(&(pixel % 12));
                assert_eq!(shown, inside);
            }
            seen.push((row, column));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [(0, 0), (0, 6), (4, 0), (4, 6)]);
    }

    #[test]
    fn half_of_the_image_is_shown_by_default() {
        let shape = shape(1, 28, 28);
        let shown = Pieces::default().draw(shape, &mut rng(0));
        assert_eq!(shown.iter().filter(|&&shown| shown).count(), 28 * 14);
    }

    #[test]
    fn pieces_that_cannot_be_had_are_refused() {
        let shape = shape(1, 8, 4);
        for (along, shown, setting) in [
            (0, 1, "pieces.along = 0"),
            (5, 8, "pieces.along = 5"),
            (usize::MAX, 1, "pieces.along"),
            (4, 0, "pieces.shown = 0"),
            (4, 17, "pieces.shown = 17"),
        ] {
            let error = Pieces { along, shown }.check("blended", shape).unwrap_err();
            assert!(error.to_string().contains(setting), "{error}");
        }
        assert!(
            Pieces {
                along: 4,
                shown: 16
            }
            .check("blended", shape)
            .is_ok()
        );
    }
}
