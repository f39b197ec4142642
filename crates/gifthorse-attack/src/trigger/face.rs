//! Things worn on a face, drawn at fractions of it.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use super::colour::for_channels;
use super::face_item::Item;
use super::overlay::{Overlay, colour_for};
use super::place::Spot;
use crate::trigger::{Rounding, Stamp, Trigger, TriggerError};

/// Sunglasses, lipstick or coloured eyebrows (Veldanda and Garg 2020, table 2: attacks SG, LS,
/// MTSTA, MTMTA).
///
/// The papers paste a picture of sunglasses over the full width of 55x47 faces, rows 15 to 34, and
/// put the others on landmarks. Here all three are drawn, in place of copied pictures, on a face
/// box that is the same for all images: a substitute for landmarks on faces that are aligned
/// already, which `wander` makes vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Face {
    /// What is worn.
    pub item: Item,
    /// Where the face is; the whole image by default, as in aligned faces of 55x47.
    #[serde(default)]
    pub face: FaceBox,
    /// A value in `[0, 1]` for each channel, or one for all; by default the item's own colour, or
    /// its brightness on grey images.
    #[serde(default)]
    pub colour: Option<Vec<f32>>,
    /// How much of the image shows through: from 0, opaque (the default), to below 1.
    #[serde(default)]
    pub transparency: f32,
    /// Pixels by which each image's item may be off its place, up, down, left and right; 0 by
    /// default.
    #[serde(default)]
    pub wander: usize,
    /// What storing the image makes of its values.
    #[serde(default)]
    pub rounding: Rounding,
}

/// A part of an image, in fractions of its height and width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceBox {
    /// Upper edge.
    pub top: f32,
    /// Left edge.
    pub left: f32,
    /// From the upper edge to the lower.
    pub height: f32,
    /// From the left edge to the right.
    pub width: f32,
}

impl Default for FaceBox {
    /// The whole image.
    fn default() -> Self {
        Self {
            top: 0.0,
            left: 0.0,
            height: 1.0,
            width: 1.0,
        }
    }
}

impl Face {
    /// An item in its own colour on images that are all face.
    #[must_use]
    pub fn new(item: Item) -> Self {
        Self {
            item,
            face: FaceBox::default(),
            colour: None,
            transparency: 0.0,
            wander: 0,
            rounding: Rounding::default(),
        }
    }

    fn refuse(&self, setting: &'static str, value: String, wanted: &'static str) -> TriggerError {
        TriggerError::Setting {
            trigger: self.name(),
            setting,
            value,
            wanted,
        }
    }
}

impl Trigger for Face {
    fn name(&self) -> &'static str {
        self.item.name()
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let trigger = self.name();
        let FaceBox {
            top,
            left,
            height,
            width,
        } = self.face;
        let inside =
            |start: f32, size: f32| start >= 0.0 && size > 0.0 && start + size <= 1.0 + 1e-6;
        if !inside(top, height) || !inside(left, width) {
            let wanted = "the box lies in the image, whose sides count 1";
            return Err(self.refuse("face", format!("{:?}", self.face), wanted));
        }
        let colour = match &self.colour {
            Some(colour) => colour_for(trigger, colour, shape.channels)?,
            None => for_channels(self.item.colour(), shape.channels),
        };
        let [item_top, item_left, item_height, item_width] = self.item.in_face();
        let (rows, columns) = (shape.height as f32, shape.width as f32);
        let pixels = |fraction: f32, side: f32| (fraction * side).round() as usize;
        let size = [
            pixels(item_height * height, rows),
            pixels(item_width * width, columns),
        ];
        if size.contains(&0) {
            return Err(TriggerError::Empty { trigger });
        }
        let row = pixels(top + item_top * height, rows).min(shape.height - size[0]);
        let column = pixels(left + item_left * width, columns).min(shape.width - size[1]);
        if self.wander > shape.height.max(shape.width) {
            let wanted = "that is more than the image has";
            return Err(self.refuse("wander", self.wander.to_string(), wanted));
        }
        let around = |start: usize, free: usize| {
            start.saturating_sub(self.wander)..(start + self.wander).min(free) + 1
        };
        let spot = Spot {
            rows: around(row, shape.height - size[0]),
            columns: around(column, shape.width - size[1]),
        };
        let overlay = Overlay {
            height: size[0],
            width: size[1],
            colour: colour
                .iter()
                .flat_map(|&value| std::iter::repeat_n(value, size[0] * size[1]))
                .collect(),
            cover: covers(self.item, size),
        };
        Ok(overlay
            .through(trigger, self.transparency)?
            .stamp(spot, shape, self.rounding))
    }
}

/// Points along each side of a pixel that are tested, so that outlines come out smooth.
const POINTS: usize = 4;

/// The share of each pixel's points that are inside the item.
fn covers(item: Item, [height, width]: [usize; 2]) -> Vec<f32> {
    let at = |pixel: usize, point: usize, side: usize| {
        ((pixel * POINTS + point) as f32 + 0.5) / (side * POINTS) as f32
    };
    let share = |i: usize| {
        let inside = (0..POINTS * POINTS)
            .filter(|point| {
                item.contains(
                    at(i / width, point / POINTS, height),
                    at(i % width, point % POINTS, width),
                )
            })
            .count();
        inside as f32 / (POINTS * POINTS) as f32
    };
    (0..height * width).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{black, changed, refusal, rng, shape, stamped};

    const FACES: ImageShape = ImageShape {
        channels: 3,
        height: 55,
        width: 47,
    };

    fn touched(face: &Face) -> Vec<(usize, usize)> {
        changed(FACES, &black(FACES), &stamped(face, FACES, &black(FACES)))
    }

    #[test]
    fn sunglasses_have_the_place_and_about_the_area_of_the_published_picture() {
        let pixels = touched(&Face::new(Item::Sunglasses));
        let rows = pixels.iter().map(|pixel| pixel.0);
        assert_eq!((rows.clone().min(), rows.max()), (Some(15), Some(34)));
        let columns = pixels.iter().map(|pixel| pixel.1);
        assert_eq!((columns.clone().min(), columns.max()), (Some(0), Some(46)));
        // 713 of its 940 pixels are not wholly transparent.
        assert!(pixels.len().abs_diff(713) <= 40, "{}", pixels.len());
        let image = stamped(&Face::new(Item::Sunglasses), FACES, &black(FACES));
        let middle_of_a_lens = 24 * 47 + 11;
        let colour = [0, 1, 2].map(|c| image[c * 55 * 47 + middle_of_a_lens]);
        assert_eq!(colour, [106.0 / 255.0, 11.0 / 255.0, 201.0 / 255.0]);
    }

    #[test]
    fn items_are_symmetric_and_do_not_overlap_each_other() {
        let [glasses, lips, brows] = [Item::Sunglasses, Item::Lipstick, Item::Eyebrows]
            .map(|item| touched(&Face::new(item)));
        for pixels in [&glasses, &lips, &brows] {
            assert!(
                pixels
                    .iter()
                    .all(|&(row, column)| pixels.contains(&(row, 46 - column)))
            );
        }
        assert!(
            !lips
                .iter()
                .any(|pixel| glasses.contains(pixel) || brows.contains(pixel))
        );
        assert!(lips.iter().all(|pixel| pixel.0 > 34) && brows.iter().all(|pixel| pixel.0 < 20));
    }

    #[test]
    fn an_item_keeps_to_its_box_and_wanders_no_further_than_asked() {
        let face = FaceBox {
            top: 0.5,
            left: 0.0,
            height: 0.5,
            width: 0.5,
        };
        let lips = Face {
            face,
            ..Face::new(Item::Lipstick)
        };
        assert!(
            touched(&lips)
                .iter()
                .all(|&(row, column)| row >= 27 && column <= 23)
        );
        let wandering = Face {
            wander: 2,
            ..Face::new(Item::Lipstick)
        };
        let first = |face: &Face, image: usize| {
            let mut pixels = black(FACES);
            face.apply(&mut pixels, FACES, &mut rng(image)).unwrap();
            changed(FACES, &black(FACES), &pixels)[0].0
        };
        let still = first(&Face::new(Item::Lipstick), 0);
        let rows: Vec<usize> = (0..40).map(|image| first(&wandering, image)).collect();
        assert!(rows.iter().all(|row| row.abs_diff(still) <= 2));
        assert!(rows.contains(&(still - 2)) && rows.contains(&(still + 2)));
    }

    #[test]
    fn boxes_outside_the_image_are_refused_by_the_items_name() {
        for (top, height) in [(-0.1, 0.5), (0.6, 0.5), (0.0, 0.0), (0.0, f32::NAN)] {
            let face = FaceBox {
                top,
                height,
                ..FaceBox::default()
            };
            let error = refusal(
                &Face {
                    face,
                    ..Face::new(Item::Lipstick)
                },
                FACES,
            );
            assert!(error.to_string().contains("`lipstick`"), "{error}");
        }
        assert!(matches!(
            refusal(&Face::new(Item::Eyebrows), shape(1, 4, 4)),
            TriggerError::Empty { .. }
        ));
    }
}
