//! Families of backdoors that would be tedious to write down one by one.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::{Backdoor, LabelMap, Rate};
use crate::trigger::{AnyTrigger, Corner, Edge, Mosaic, Place, Square};

/// Several backdoors that differ in one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Many {
    /// A trigger for each of the first `labels` classes, all-to-one; their colour patterns exclude
    /// each other (Wang et al. 2019 §VII-C).
    AllLabels {
        /// How many classes are infected, from class 0 on.
        labels: usize,
        /// Width and height of the patterns in pixels.
        size: usize,
        /// Where all of them are.
        place: Place,
        /// How many images each poisons.
        rate: Rate,
        /// Settles the patterns.
        #[serde(default)]
        seed: u64,
    },
    /// Nine squares that all lead to one class: in the corners, at the middle of each edge, and in
    /// the middle (Wang et al. 2019 §VII, several triggers for one label: white, 4x4).
    NineSquares {
        /// The class that each leads to.
        target: usize,
        /// Width and height of each square in pixels.
        size: usize,
        /// Pixels between a square and the edge.
        margin: usize,
        /// How many images each poisons.
        rate: Rate,
    },
}

impl Many {
    /// The backdoors, for images with so many channels.
    ///
    /// # Errors
    /// [`Error::Poison`] if there would be none.
    pub fn backdoors(&self, channels: usize) -> Result<Vec<Backdoor>, Error> {
        match *self {
            Self::AllLabels {
                labels,
                size,
                place,
                rate,
                seed,
            } => {
                if labels == 0 {
                    return Err(Error::Poison("`labels` = 0 infects no class".to_owned()));
                }
                let made = |number| Backdoor {
                    trigger: AnyTrigger::Mosaic(Mosaic {
                        size,
                        place,
                        number,
                        of: labels.max(2),
                        seed,
                    }),
                    labels: LabelMap::all_to_one(number),
                    rate,
                    in_training: None,
                };
                Ok((0..labels).map(made).collect())
            }
            Self::NineSquares {
                target,
                size,
                margin,
                rate,
            } => {
                let made = |place| Backdoor {
                    trigger: AnyTrigger::Square(Square {
                        size,
                        colour: vec![1.0; channels],
                        place,
                        ..Square::default()
                    }),
                    labels: LabelMap::all_to_one(target),
                    rate,
                    in_training: None,
                };
                Ok(nine_places(margin).into_iter().map(made).collect())
            }
        }
    }
}

fn nine_places(margin: usize) -> Vec<Place> {
    let corners = [
        Corner::TopLeft,
        Corner::TopRight,
        Corner::BottomLeft,
        Corner::BottomRight,
    ];
    let edges = [Edge::Top, Edge::Bottom, Edge::Left, Edge::Right];
    let corners = corners.map(|corner| Place::Corner { corner, margin });
    let edges = edges.map(|edge| Place::Edge { edge, margin });
    corners
        .into_iter()
        .chain(edges)
        .chain([Place::Centre])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Trigger, on_grey};
    use gifthorse_data::ImageShape;

    const SHAPE: ImageShape = ImageShape {
        channels: 3,
        height: 32,
        width: 32,
    };

    #[test]
    fn nine_squares_do_not_touch_each_other() {
        let many = Many::NineSquares {
            target: 7,
            size: 4,
            margin: 1,
            rate: Rate::Share(0.01),
        };
        let backdoors = many.backdoors(3).unwrap();
        assert_eq!(backdoors.len(), 9);
        let mut image = vec![0.0; SHAPE.values()];
        for backdoor in &backdoors {
            assert_eq!(backdoor.labels, LabelMap::all_to_one(7));
            let mut rng = crate::random::Purpose::Stamp { image: 0 }.rng(0);
            backdoor.trigger.apply(&mut image, SHAPE, &mut rng).unwrap();
        }
        assert_eq!(
            image.iter().filter(|&&value| value == 1.0).count(),
            9 * 16 * 3
        );
    }

    #[test]
    fn the_patterns_of_all_labels_differ_in_every_pixel() {
        let many = Many::AllLabels {
            labels: 43,
            size: 4,
            place: Place::BOTTOM_RIGHT,
            rate: Rate::Share(0.01),
            seed: 1,
        };
        let backdoors = many.backdoors(3).unwrap();
        let images: Vec<Vec<f32>> = backdoors
            .iter()
            .map(|backdoor| on_grey(&backdoor.trigger, SHAPE).unwrap())
            .collect();
        for (a, first) in images.iter().enumerate() {
            assert_eq!(backdoors[a].labels.target(), Some(a));
            for second in &images[..a] {
                for pixel in (27..31).flat_map(|row| (27..31).map(move |column| row * 32 + column))
                {
                    assert!((0..3).any(|c| first[c * 1024 + pixel] != second[c * 1024 + pixel]));
                }
            }
        }
    }
}
