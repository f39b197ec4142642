//! Where a trigger that is smaller than the image is put.

use std::ops::Range;

use gifthorse_data::ImageShape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trigger::TriggerError;

/// Where a trigger is in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// In a corner.
    Corner {
        /// Which corner.
        corner: Corner,
        /// Pixels between the trigger and either edge.
        margin: usize,
    },
    /// At the middle of an edge.
    Edge {
        /// Which edge.
        edge: Edge,
        /// Pixels between the trigger and that edge.
        margin: usize,
    },
    /// In the middle of the image; half a pixel too far left or up where it cannot be exact.
    Centre,
    /// With its upper left pixel here, counted from 0.
    At {
        /// First row.
        row: usize,
        /// First column.
        column: usize,
    },
    /// At a place drawn once, the same in every image.
    Somewhere {
        /// Settles the place.
        seed: u64,
    },
    /// At another place in every image, all equally likely.
    Anywhere,
}

impl Place {
    /// In the lower right corner, one pixel from both edges, as Wang et al. 2019 have it (§V-A).
    pub const BOTTOM_RIGHT: Self = Self::Corner {
        corner: Corner::BottomRight,
        margin: 1,
    };
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

/// An edge of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// Above.
    Top,
    /// Below.
    Bottom,
    /// On the left.
    Left,
    /// On the right.
    Right,
}

/// A place in images of one shape: the rows and columns at which a trigger may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// One row, or several to draw from.
    pub rows: Range<usize>,
    /// One column, or several to draw from.
    pub columns: Range<usize>,
}

impl Spot {
    /// The first row and column in one image.
    pub fn origin(&self, rng: &mut ChaCha8Rng) -> (usize, usize) {
        let mut start = |range: &Range<usize>| match range.len() {
            0 | 1 => range.start,
            _ => rng.random_range(range.clone()),
        };
        (start(&self.rows), start(&self.columns))
    }

    fn fixed(row: usize, column: usize) -> Self {
        Self {
            rows: row..row + 1,
            columns: column..column + 1,
        }
    }
}

impl Place {
    /// Where a trigger of `height` by `width` pixels is in images of `shape`.
    ///
    /// # Errors
    /// [`TriggerError::Empty`] and [`TriggerError::OutOfImage`].
    pub fn spot(
        self,
        trigger: &'static str,
        [height, width]: [usize; 2],
        shape: ImageShape,
    ) -> Result<Spot, TriggerError> {
        if height == 0 || width == 0 {
            return Err(TriggerError::Empty { trigger });
        }
        let free = |side: usize, size: usize| signed(side).saturating_sub(signed(size));
        let (below, right) = (free(shape.height, height), free(shape.width, width));
        let far = |free: i64, margin: usize| free.saturating_sub(signed(margin));
        let (row, column) = match self {
            Self::At { row, column } => (signed(row), signed(column)),
            Self::Centre | Self::Somewhere { .. } | Self::Anywhere => {
                (below.div_euclid(2), right.div_euclid(2))
            }
            Self::Corner { corner, margin } => match corner {
                Corner::TopLeft => (signed(margin), signed(margin)),
                Corner::TopRight => (signed(margin), far(right, margin)),
                Corner::BottomLeft => (far(below, margin), signed(margin)),
                Corner::BottomRight => (far(below, margin), far(right, margin)),
            },
            Self::Edge { edge, margin } => match edge {
                Edge::Top => (signed(margin), right.div_euclid(2)),
                Edge::Bottom => (far(below, margin), right.div_euclid(2)),
                Edge::Left => (below.div_euclid(2), signed(margin)),
                Edge::Right => (below.div_euclid(2), far(right, margin)),
            },
        };
        if !(0..=below).contains(&row) || !(0..=right).contains(&column) {
            return Err(TriggerError::OutOfImage {
                trigger,
                height,
                width,
                row,
                column,
                image: shape,
            });
        }
        // All four are from 0 to a side of the image.
        let drawn = Spot {
            rows: 0..below as usize + 1,
            columns: 0..right as usize + 1,
        };
        Ok(match self {
            Self::Anywhere => drawn,
            Self::Somewhere { seed } => {
                let (row, column) = drawn.origin(&mut ChaCha8Rng::seed_from_u64(seed));
                Spot::fixed(row, column)
            }
            _ => Spot::fixed(row as usize, column as usize),
        })
    }
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 3,
        height: 6,
        width: 5,
    };

    fn corner(corner: Corner, margin: usize) -> Place {
        Place::Corner { corner, margin }
    }

    fn fixed(place: Place, size: usize) -> (usize, usize) {
        let spot = place.spot("square", [size, size], SHAPE).unwrap();
        assert_eq!((spot.rows.len(), spot.columns.len()), (1, 1));
        (spot.rows.start, spot.columns.start)
    }

    #[test]
    fn places_by_hand() {
        let edge = |edge| Place::Edge { edge, margin: 1 };
        assert_eq!(fixed(Place::At { row: 3, column: 0 }, 2), (3, 0));
        assert_eq!(fixed(corner(Corner::TopLeft, 0), 1), (0, 0));
        assert_eq!(fixed(corner(Corner::TopRight, 1), 1), (1, 3));
        assert_eq!(fixed(corner(Corner::BottomLeft, 2), 1), (3, 2));
        assert_eq!(fixed(Place::BOTTOM_RIGHT, 2), (3, 2));
        assert_eq!(fixed(Place::Centre, 3), (1, 1));
        assert_eq!(fixed(edge(Edge::Top), 2), (1, 1));
        assert_eq!(fixed(edge(Edge::Bottom), 2), (3, 1));
        assert_eq!(fixed(edge(Edge::Left), 2), (2, 1));
        assert_eq!(fixed(edge(Edge::Right), 2), (2, 2));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let far = Place::At {
            row: 0,
            column: usize::MAX,
        };
        for (place, size) in [
            (Place::At { row: 0, column: 0 }, 6),
            (Place::At { row: 5, column: 0 }, 2),
            (far, 2),
            (corner(Corner::TopLeft, usize::MAX), usize::MAX),
            (corner(Corner::BottomRight, 2), 4),
            (Place::Centre, 6),
            (Place::Anywhere, 6),
            (Place::Somewhere { seed: 1 }, 6),
        ] {
            let error = place.spot("square", [size, size], SHAPE).unwrap_err();
            assert!(matches!(error, TriggerError::OutOfImage { .. }), "{error}");
        }
        let error = Place::Centre.spot("square", [0, 1], SHAPE).unwrap_err();
        assert_eq!(error, TriggerError::Empty { trigger: "square" });
    }

    #[test]
    fn anywhere_reaches_every_place_and_somewhere_stays() {
        let anywhere = Place::Anywhere.spot("square", [4, 4], SHAPE).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen: Vec<_> = (0..200).map(|_| anywhere.origin(&mut rng)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
        let drawn: Vec<_> = (0..20)
            .map(|seed| fixed(Place::Somewhere { seed }, 4))
            .collect();
        assert!(drawn.iter().any(|place| *place != drawn[0]));
        assert_eq!(fixed(Place::Somewhere { seed: 7 }, 4), drawn[7]);
    }
}
