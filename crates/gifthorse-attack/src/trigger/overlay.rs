//! A small picture laid over an image: what most triggers come down to.

use gifthorse_data::ImageShape;

use super::place::Spot;
use crate::trigger::{Place, Rounding, Stamp, TriggerError};

/// A picture with how much of it covers each pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `[channels, height, width]` in `[0, 1]`, with the channels of the images.
    pub colour: Vec<f32>,
    /// `[height, width]`: 0 leaves the image as it is, 1 replaces it.
    pub cover: Vec<f32>,
}

impl Overlay {
    /// A picture of one colour; `inside` says of each row and column whether it belongs to the
    /// shape.
    pub fn filled(
        [height, width]: [usize; 2],
        colour: &[f32],
        inside: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let area = height * width;
        let inside = |i: usize| f32::from(u8::from(inside(i / width, i % width)));
        Self {
            height,
            width,
            colour: colour
                .iter()
                .flat_map(|&value| std::iter::repeat_n(value, area))
                .collect(),
            cover: (0..area).map(inside).collect(),
        }
    }

    /// The same with each pixel's cover multiplied by `1 - transparency`.
    ///
    /// # Errors
    /// [`TriggerError::Setting`] unless the transparency is from 0 to below 1.
    pub fn through(
        mut self,
        trigger: &'static str,
        transparency: f32,
    ) -> Result<Self, TriggerError> {
        if !(0.0..1.0).contains(&transparency) {
            return Err(TriggerError::Setting {
                trigger,
                setting: "transparency",
                value: transparency.to_string(),
                wanted: "it goes from 0 (opaque) to below 1 (invisible)",
            });
        }
        for cover in &mut self.cover {
            *cover *= 1.0 - transparency;
        }
        Ok(self)
    }

    /// Its colours as they look on a white ground, `[channels, height, width]`.
    pub fn over_white(&self) -> Vec<f32> {
        let on_white = |(i, &colour): (usize, &f32)| {
            let cover = self.cover[i % self.cover.len()];
            (cover * colour + 1.0 - cover).clamp(0.0, 1.0)
        };
        self.colour.iter().enumerate().map(on_white).collect()
    }

    /// The stamp that lays it over images of `shape`; only pixels that it covers are changed and
    /// rounded.
    ///
    /// # Errors
    /// What [`Place::spot`] refuses.
    pub fn at(
        self,
        trigger: &'static str,
        place: Place,
        shape: ImageShape,
        rounding: Rounding,
    ) -> Result<Stamp, TriggerError> {
        let spot = place.spot(trigger, [self.height, self.width], shape)?;
        Ok(self.stamp(spot, shape, rounding))
    }

    /// The same at a place that is known to fit.
    pub fn stamp(self, spot: Spot, shape: ImageShape, rounding: Rounding) -> Stamp {
        Stamp::new(move |image, rng| {
            let (row, column) = spot.origin(rng);
            let planes = image.chunks_exact_mut(shape.height * shape.width);
            let area = self.height * self.width;
            for (plane, colours) in planes.zip(self.colour.chunks_exact(area)) {
                for (i, (&colour, &cover)) in colours.iter().zip(&self.cover).enumerate() {
                    if cover > 0.0 {
                        let (y, x) = (row + i / self.width, column + i % self.width);
                        let pixel = &mut plane[y * shape.width + x];
                        *pixel = rounding.store((1.0 - cover) * *pixel + cover * colour);
                    }
                }
            }
        })
    }
}

/// A colour as one value in `[0, 1]` for each channel; a single value, a shade of grey, stands for
/// all of them.
///
/// # Errors
/// [`TriggerError::Colour`].
pub fn colour_for(
    trigger: &'static str,
    colour: &[f32],
    channels: usize,
) -> Result<Vec<f32>, TriggerError> {
    let in_range = colour.iter().all(|value| (0.0..=1.0).contains(value));
    match colour {
        [grey] if in_range => Ok(vec![*grey; channels]),
        _ if colour.len() == channels && in_range => Ok(colour.to_vec()),
        _ => Err(TriggerError::Colour {
            trigger,
            colour: colour.to_vec(),
            channels,
        }),
    }
}
