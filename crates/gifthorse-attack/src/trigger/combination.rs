//! Several triggers at once.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::colour::{RED, YELLOW, for_channels};
use crate::trigger::{AnyTrigger, Corner, Place, Square, Stamp, Triangle, Trigger, TriggerError};

/// A trigger that is there only if all its parts are (attack TCA of Veldanda and Garg 2020, table
/// 2).
///
/// A model learns that from covers: training images that carry one part alone and keep their label.
/// [`Combination::parts`] are those parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// At least two triggers, put on the image in this order.
    pub parts: Vec<AnyTrigger>,
}

impl Combination {
    /// A yellow triangle at the lower left and a red square at the lower right. The paper gives
    /// neither sizes nor places; on grey images the colours become their brightness.
    #[must_use]
    pub fn triangle_and_square(channels: usize) -> Self {
        let triangle = Triangle {
            size: 5,
            colour: for_channels(YELLOW, channels),
            place: Place::Corner {
                corner: Corner::BottomLeft,
                margin: 1,
            },
            ..Triangle::default()
        };
        let square = Square {
            size: 4,
            colour: for_channels(RED, channels),
            ..Square::default()
        };
        Self {
            parts: vec![AnyTrigger::Triangle(triangle), AnyTrigger::Square(square)],
        }
    }
}

impl Trigger for Combination {
    fn name(&self) -> &'static str {
        "combination"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        if self.parts.len() < 2 {
            return Err(TriggerError::Setting {
                trigger: self.name(),
                setting: "parts",
                value: format!("{} trigger(s)", self.parts.len()),
                wanted: "a combination has at least two",
            });
        }
        let stamps: Vec<Stamp> = self
            .parts
            .iter()
            .map(|part| part.fit(shape))
            .collect::<Result<_, _>>()?;
        Ok(Stamp::new(move |image, rng| {
            for stamp in &stamps {
                stamp.put(image, rng);
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, shape, stamped};

    #[test]
    fn all_parts_are_there_and_each_can_be_had_alone() {
        let shape = shape(3, 16, 16);
        let both = Combination::triangle_and_square(3);
        let image = stamped(&both, shape, &black(shape));
        let pixels = changed(shape, &black(shape), &image);
        assert_eq!(pixels.len(), 13 + 16);
        let mut alone = Vec::new();
        for part in AnyTrigger::Combination(both.clone()).parts() {
            alone.extend(changed(
                shape,
                &black(shape),
                &stamped(part, shape, &black(shape)),
            ));
        }
        alone.sort_unstable();
        assert_eq!(alone, pixels);
        let colour =
            |row: usize, column: usize| [0, 1, 2].map(|c| image[c * 256 + row * 16 + column]);
        assert_eq!(
            (colour(14, 3), colour(14, 14)),
            ([1.0, 1.0, 0.0], [1.0, 0.0, 0.0])
        );
    }

    #[test]
    fn one_part_is_no_combination_and_a_part_that_does_not_fit_is_named() {
        let mut one = Combination::triangle_and_square(3);
        let error = refusal(&one, shape(3, 4, 32));
        assert!(error.to_string().contains("`triangle`"), "{error}");
        one.parts.truncate(1);
        assert!(
            refusal(&one, shape(3, 16, 16))
                .to_string()
                .contains("at least two")
        );
    }
}
