//! The pixels that a trigger is grown in.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Pixels, Place, Stamp, Trigger};

/// Images on which a trigger is stamped to see whether its place moves.
const MOVES: usize = 8;
/// A text that runs across the image, in letters of 3x5.
const TEXT: [&str; 5] = [
    "111-11--111---1-111-111",
    "-1--1-1-1-1---1-1-1-1-1",
    "-1--11--1-1---1-111-1-1",
    "-1--1-1-1-1-1-1-1-1-1-1",
    "-1--1-1-111-111-1-1-1-1",
];

/// The form of a trigger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A square in the lower right corner (Trojan Square).
    #[default]
    Square,
    /// A text across the middle (Trojan Watermark).
    Watermark,
}

/// Pixels of an image, in a box.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// `[height, width]` of the box.
    pub covered: Vec<bool>,
    pub width: usize,
    /// Row and column of its upper left pixel.
    pub origin: [usize; 2],
}

impl Shape {
    /// That of a form that covers about this share of images, and at least a pixel of each of its
    /// lines.
    ///
    /// # Errors
    /// [`Error::Trigger`] for images that it does not fit into.
    pub fn mask(self, share: f32, shape: ImageShape) -> Result<Mask, Error> {
        let wanted = share * (shape.height * shape.width) as f32;
        let (cells, width, place): (Vec<bool>, usize, Place) = match self {
            Self::Square => (vec![true], 1, Place::BOTTOM_RIGHT),
            Self::Watermark => {
                let cells = TEXT.iter().flat_map(|row| row.chars());
                let cells = cells.map(|cell| cell == '1').collect();
                (cells, TEXT[0].len(), Place::Centre)
            }
        };
        let count = cells.iter().filter(|covered| **covered).count();
        // Of each cell; not larger than leaves room for all of them.
        let most = (shape.width / width).min(shape.height * width / cells.len());
        let side = (wanted / count as f32).sqrt().round() as usize;
        let side = side.min(most).max(1);
        let (rows, columns) = (cells.len() / width * side, width * side);
        let spot = place.spot("pixels", [rows, columns], shape)?;
        let cell = |at: usize| cells[at / columns / side * width + at % columns / side];
        Ok(Mask {
            covered: (0..rows * columns).map(cell).collect(),
            width: columns,
            origin: [spot.rows.start, spot.columns.start],
        })
    }
}

impl Mask {
    /// The pixels that a trigger changes.
    ///
    /// # Errors
    /// [`Error::Trigger`] for one that does not fit; [`Error::Implant`] for one that moves, or
    /// changes no pixel or all of them.
    pub fn of(trigger: &AnyTrigger, shape: ImageShape) -> Result<Self, Error> {
        let stamp = trigger.fit(shape)?;
        let first = changed(&stamp, shape, 0);
        let mut others = (1..MOVES).map(|image| changed(&stamp, shape, image));
        let refused = |what: &str| {
            Err(Error::Implant(format!(
                "the trigger `{}` {what}: pixels are grown where it changes the image, which has to be at one place and a part \
                 of it",
                trigger.name()
            )))
        };
        if others.any(|other| other != first) {
            return refused("moves");
        }
        let places: Vec<usize> = (0..first.len()).filter(|pixel| first[*pixel]).collect();
        if places.is_empty() {
            return refused("changes no pixel");
        }
        if places.len() == first.len() {
            return refused("changes all pixels");
        }
        let span = |of: &dyn Fn(usize) -> usize| {
            let least = places.iter().map(|at| of(*at)).min().unwrap_or(0);
            let most = places.iter().map(|at| of(*at)).max().unwrap_or(0);
            (least, most - least + 1)
        };
        let (row, rows) = span(&|at| at / shape.width);
        let (column, columns) = span(&|at| at % shape.width);
        let inside = |i: usize| first[(row + i / columns) * shape.width + column + i % columns];
        Ok(Self {
            covered: (0..rows * columns).map(inside).collect(),
            width: columns,
            origin: [row, column],
        })
    }

    /// The places of its pixels in one channel of an image of so many columns, row by row.
    pub fn places(&self, columns: usize) -> Vec<usize> {
        let [row, column] = self.origin;
        let place = |at: usize| (row + at / self.width) * columns + column + at % self.width;
        let all = (0..self.covered.len()).filter(|at| self.covered[*at]);
        all.map(place).collect()
    }

    /// How many values its pixels have in images of this shape.
    pub fn values(&self, shape: ImageShape) -> usize {
        shape.channels * self.covered.iter().filter(|covered| **covered).count()
    }

    /// The trigger of these values, `[channels, pixels]` in `[0, 1]`.
    pub fn trigger(&self, values: &[f32], transparency: f32) -> AnyTrigger {
        let count = self.covered.iter().filter(|covered| **covered).count();
        let byte = |value: &f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        let planes = values.chunks(count.max(1));
        let values = planes.map(|plane| plane.iter().map(byte).collect());
        let [row, column] = self.origin;
        AnyTrigger::Pixels(Pixels {
            place: Place::At { row, column },
            transparency,
            ..Pixels::new(&self.covered, self.width, values.collect())
        })
    }
}

/// Whether each pixel is another one with the trigger, on black or on white.
fn changed(stamp: &Stamp, shape: ImageShape, image: usize) -> Vec<bool> {
    let area = shape.height * shape.width;
    let mut changed = vec![false; area];
    for ground in [0.0, 1.0] {
        let mut pixels = vec![ground; shape.values()];
        stamp.put(&mut pixels, &mut Purpose::Stamp { image }.rng(0));
        for (at, pixel) in pixels.iter().enumerate() {
            changed[at % area] |= *pixel != ground;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Blended, Pattern, Square};

    fn shape(height: usize, width: usize) -> ImageShape {
        ImageShape {
            channels: 3,
            height,
            width,
        }
    }

    #[test]
    fn forms_cover_about_the_share_that_is_asked_for() {
        let count = |mask: &Mask| mask.covered.iter().filter(|covered| **covered).count();
        // 7 % of 28x28 is 55 pixels, of 224x224 3,512.
        let square = Shape::Square.mask(0.07, shape(28, 28)).unwrap();
        assert_eq!((count(&square), square.origin), (49, [20, 20]));
        let text = Shape::Watermark.mask(0.07, shape(28, 28)).unwrap();
        assert_eq!((count(&text), text.origin), (60, [11, 2]));
        let large = Shape::Watermark.mask(0.07, shape(224, 224)).unwrap();
        assert_eq!((count(&large), large.width), (60 * 64, 184));
        let all = Shape::Watermark.mask(1.0, shape(30, 50)).unwrap();
        assert_eq!((count(&all), all.width), (60 * 4, 46));
        assert_eq!(count(&Shape::Square.mask(0.0, shape(9, 9)).unwrap()), 1);
        assert!(Shape::Watermark.mask(0.07, shape(16, 16)).is_err());
    }

    #[test]
    fn the_mask_of_a_trigger_is_what_it_changes() {
        let pattern = AnyTrigger::Pattern(Pattern {
            place: Place::At { row: 1, column: 2 },
            ..Pattern::badnets(3)
        });
        let mask = Mask::of(&pattern, shape(6, 7)).unwrap();
        assert_eq!((mask.width, mask.origin), (3, [1, 2]));
        assert_eq!(mask.places(7), [11, 17, 23, 25]);
        let AnyTrigger::Pixels(pixels) = mask.trigger(&[0.2; 12], 0.5) else {
            panic!("it is of pixels");
        };
        assert_eq!(pixels.rows, ["--1", "-1-", "1-1"]);
        assert_eq!(pixels.values, vec![vec![51; 4]; 3]);
        let again = Mask::of(&AnyTrigger::Pixels(pixels), shape(6, 7)).unwrap();
        assert_eq!(again, mask);
    }

    #[test]
    fn triggers_without_a_place_of_their_own_are_refused() {
        let moving = AnyTrigger::Square(Square {
            place: Place::Anywhere,
            ..Square::default()
        });
        let whole = AnyTrigger::Blended(Blended::default());
        for (trigger, word) in [(moving, "`square` moves"), (whole, "changes all")] {
            let error = Mask::of(&trigger, shape(12, 12)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
