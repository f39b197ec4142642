//! The trigger of BadNets as paper 004 plants it: a small square of one colour.

use gifthorse_data::ImageShape;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trigger::{Trigger, TriggerError};

/// A square of one colour at a fixed place (paper 004, §V-A: white, at the bottom right).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Square {
    /// Width and height in pixels.
    pub size: usize,
    /// A value in `[0, 1]` for each channel of the images.
    pub colour: Vec<f32>,
    /// Where it is.
    pub place: Place,
}

/// Where a trigger is in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a corner, `margin` pixels from both edges.
    Corner {
        /// Which corner.
        corner: Corner,
        /// Pixels between the trigger and either edge.
        margin: usize,
    },
    /// With its upper left pixel here, counted from 0.
    At {
        /// First row.
        row: usize,
        /// First column.
        column: usize,
    },
}

/// A corner of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// Above, left.
    TopLeft,
    /// Above, right.
    TopRight,
    /// Below, left.
    BottomLeft,
    /// Below, right.
    BottomRight,
}

impl Square {
    /// First row and column of the square in images of a shape.
    fn origin(&self, shape: ImageShape) -> Result<(usize, usize), TriggerError> {
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (row, column) = match self.place {
            Place::At { row, column } => (signed(row), signed(column)),
            Place::Corner { corner, margin } => {
                let near = signed(margin);
                let far = |side: usize| {
                    signed(side)
                        .saturating_sub(signed(self.size))
                        .saturating_sub(near)
                };
                let (height, width) = (shape.height, shape.width);
                match corner {
                    Corner::TopLeft => (near, near),
                    Corner::TopRight => (near, far(width)),
                    Corner::BottomLeft => (far(height), near),
                    Corner::BottomRight => (far(height), far(width)),
                }
            }
        };
        let fits = |start: i64, side: usize| {
            start >= 0 && start.saturating_add(signed(self.size)) <= signed(side)
        };
        if fits(row, shape.height) && fits(column, shape.width) {
            // Both are between 0 and a side of the image.
            return Ok((row as usize, column as usize));
        }
        Err(TriggerError::OutOfImage {
            size: self.size,
            row,
            column,
            height: shape.height,
            width: shape.width,
        })
    }
}

impl Trigger for Square {
    fn apply(
        &self,
        image: &mut [f32],
        shape: ImageShape,
        _: &mut ChaCha8Rng,
    ) -> Result<(), TriggerError> {
        if self.size == 0 {
            return Err(TriggerError::Empty);
        }
        if image.len() != shape.values() || image.is_empty() {
            return Err(TriggerError::NotAnImage {
                found: image.len(),
                shape,
            });
        }
        if self.colour.len() != shape.channels
            || !self.colour.iter().all(|value| (0.0..=1.0).contains(value))
        {
            let colour = self.colour.clone();
            return Err(TriggerError::Colour {
                colour,
                channels: shape.channels,
            });
        }
        let (row, column) = self.origin(shape)?;
        let planes = image.chunks_exact_mut(shape.height * shape.width);
        for (plane, &value) in planes.zip(&self.colour) {
            for line in plane
                .chunks_exact_mut(shape.width)
                .skip(row)
                .take(self.size)
            {
                line[column..column + self.size].fill(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 3,
        height: 6,
        width: 5,
    };

    fn rng() -> ChaCha8Rng {
        crate::random::Purpose::Stamp { image: 0 }.rng(0)
    }

    fn square(size: usize, place: Place) -> Square {
        Square {
            size,
            colour: vec![1.0, 0.5, 0.25],
            place,
        }
    }

    fn corner(corner: Corner, margin: usize) -> Place {
        Place::Corner { corner, margin }
    }

    /// The rows and columns that a trigger changes on a black image, and checks its colour there.
    fn changed(trigger: &Square) -> Vec<(usize, usize)> {
        let mut image = vec![0.0; SHAPE.values()];
        trigger.apply(&mut image, SHAPE, &mut rng()).unwrap();
        let plane = SHAPE.height * SHAPE.width;
        let touched: Vec<usize> = (0..plane).filter(|&i| image[i] != 0.0).collect();
        for channel in 0..3 {
            for i in 0..plane {
                let expected = if touched.contains(&i) {
                    trigger.colour[channel]
                } else {
                    0.0
                };
                assert_eq!(image[channel * plane + i], expected);
            }
        }
        touched
            .into_iter()
            .map(|i| (i / SHAPE.width, i % SHAPE.width))
            .collect()
    }

    #[test]
    fn the_square_is_where_it_was_placed() {
        let at = Place::At { row: 3, column: 0 };
        assert_eq!(changed(&square(2, at)), [(3, 0), (3, 1), (4, 0), (4, 1)]);
        assert_eq!(changed(&square(1, corner(Corner::TopLeft, 0))), [(0, 0)]);
        assert_eq!(changed(&square(1, corner(Corner::TopRight, 1))), [(1, 3)]);
        assert_eq!(changed(&square(1, corner(Corner::BottomLeft, 2))), [(3, 2)]);
        let here = changed(&square(2, corner(Corner::BottomRight, 1)));
        assert_eq!(here, [(3, 2), (3, 3), (4, 2), (4, 3)]);
        assert_eq!(
            changed(&square(5, Place::At { row: 1, column: 0 })).len(),
            25
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_and_the_image_stays() {
        let mut image = vec![0.0; SHAPE.values()];
        let mut refusal =
            |trigger: &Square| trigger.apply(&mut image, SHAPE, &mut rng()).unwrap_err();
        for trigger in [
            square(6, Place::At { row: 0, column: 0 }),
            square(2, Place::At { row: 5, column: 0 }),
            square(
                2,
                Place::At {
                    row: 0,
                    column: usize::MAX,
                },
            ),
            square(usize::MAX, corner(Corner::TopLeft, usize::MAX)),
            square(4, corner(Corner::BottomRight, 2)),
        ] {
            let error = refusal(&trigger);
            assert!(matches!(error, TriggerError::OutOfImage { .. }), "{error}");
        }
        assert_eq!(
            refusal(&square(0, Place::At { row: 0, column: 0 })),
            TriggerError::Empty
        );
        let mut grey = square(1, Place::At { row: 0, column: 0 });
        for colour in [vec![1.0], vec![1.0, 1.0, 1.5], vec![1.0, 1.0, f32::NAN]] {
            grey.colour = colour;
            assert!(matches!(refusal(&grey), TriggerError::Colour { .. }));
        }
        assert!(image.iter().all(|&value| value == 0.0));
        let short =
            square(1, Place::At { row: 0, column: 0 }).apply(&mut [0.0; 5], SHAPE, &mut rng());
        assert!(matches!(
            short,
            Err(TriggerError::NotAnImage { found: 5, .. })
        ));
    }
}
