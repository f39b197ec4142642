//! Pictures and triggers with checked shapes and values, so that no renderer meets a broken one.

use thiserror::Error;

/// An image of `[channels, height, width]` values in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    shape: [usize; 3],
    values: Vec<f32>,
}

/// Why values make no picture or no trigger.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum PictureError {
    /// The number of values is not that of the shape, or the shape is empty.
    #[error("a picture of shape {shape:?} [channels, height, width] cannot hold {values} values")]
    Size {
        /// The shape asked for.
        shape: [usize; 3],
        /// The number of values given.
        values: usize,
    },
    /// A value is outside [0, 1] or not a number.
    #[error("value {index} of the picture is {value}, outside [0, 1]")]
    Range {
        /// Index of the value, counted through channels, rows and columns.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The mask and the pattern of a trigger do not fit each other.
    #[error(
        "a mask of shape {mask:?} does not fit a pattern of shape {pattern:?}: it must be [1, height, width]"
    )]
    Mismatch {
        /// Shape of the mask.
        mask: [usize; 3],
        /// Shape of the pattern.
        pattern: [usize; 3],
    },
}

impl Picture {
    /// A picture from `values` in the order `[channels, height, width]`.
    ///
    /// # Errors
    /// When the shape is empty or has another number of values, or a value is outside [0, 1] or not
    /// a number.
    pub fn new(shape: [usize; 3], values: Vec<f32>) -> Result<Self, PictureError> {
        let size = shape
            .iter()
            .try_fold(1usize, |size, &side| size.checked_mul(side));
        if size != Some(values.len()) || values.is_empty() {
            let values = values.len();
            return Err(PictureError::Size { shape, values });
        }
        match values.iter().position(|value| !(0.0..=1.0).contains(value)) {
            Some(index) => Err(PictureError::Range {
                index,
                value: values[index],
            }),
            None => Ok(Self { shape, values }),
        }
    }

    /// `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The values in the order `[channels, height, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// A trigger: an image x becomes `(1 - mask) * x + mask * pattern` (Wang et al. 2019 §III, eq. 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    mask: Picture,
    pattern: Picture,
}

impl Trigger {
    /// A trigger from a mask `[1, height, width]` and a pattern `[channels, height, width]`.
    ///
    /// # Errors
    /// When the mask has more than one channel or another height or width than the pattern.
    pub fn new(mask: Picture, pattern: Picture) -> Result<Self, PictureError> {
        let [_, height, width] = pattern.shape;
        if mask.shape != [1, height, width] {
            let (mask, pattern) = (mask.shape, pattern.shape);
            return Err(PictureError::Mismatch { mask, pattern });
        }
        Ok(Self { mask, pattern })
    }

    /// The mask, `[1, height, width]`: how far each pixel is replaced.
    pub fn mask(&self) -> &Picture {
        &self.mask
    }

    /// The pattern, `[channels, height, width]`: what pixels are replaced with.
    pub fn pattern(&self) -> &Picture {
        &self.pattern
    }

    /// The trigger stamped on plain mid-grey, on which dark and bright triggers both show;
    /// `[channels, height, width]`.
    pub fn on_grey(&self) -> Picture {
        let mask = self.mask.values();
        let values = self
            .pattern
            .values
            .chunks(mask.len())
            .flat_map(|channel| channel.iter().zip(mask))
            .map(|(pattern, mask)| 0.5 * (1.0 - mask) + pattern * mask)
            .collect();
        Picture {
            shape: self.pattern.shape,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_values_are_checked() {
        assert!(Picture::new([1, 2, 2], vec![0.0; 4]).is_ok());
        for (shape, values) in [([1, 2, 2], 3), ([0, 2, 2], 0), ([usize::MAX, 2, 2], 0)] {
            assert_eq!(
                Picture::new(shape, vec![0.0; values]),
                Err(PictureError::Size { shape, values })
            );
        }
        for value in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            let error = Picture::new([1, 1, 2], vec![0.5, value]).unwrap_err();
            assert!(matches!(error, PictureError::Range { index: 1, .. }));
        }
    }

    #[test]
    fn mask_must_fit_pattern() {
        let picture =
            |shape: [usize; 3]| Picture::new(shape, vec![0.0; shape.iter().product()]).unwrap();
        assert!(Trigger::new(picture([1, 2, 3]), picture([3, 2, 3])).is_ok());
        assert!(Trigger::new(picture([1, 3, 2]), picture([3, 2, 3])).is_err());
        assert!(Trigger::new(picture([3, 2, 3]), picture([3, 2, 3])).is_err());
    }

    #[test]
    fn grey_shows_where_the_mask_is_open() {
        let mask = Picture::new([1, 1, 3], vec![0.0, 1.0, 0.5]).unwrap();
        let pattern = Picture::new([2, 1, 3], vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0]).unwrap();
        let shown = Trigger::new(mask, pattern).unwrap().on_grey();
        assert_eq!(shown.shape(), [2, 1, 3]);
        assert_eq!(shown.values(), [0.5, 1.0, 0.75, 0.5, 0.0, 0.25]);
    }
}
