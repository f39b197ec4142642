//! What kinds of models a library holds.

use thiserror::Error;

use super::LibraryModel;

/// The range of images and of numbers of classes that clean models were measured with. Empty if
/// there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::verdict::calibration) struct Span {
    pixels: Option<(usize, usize)>,
    classes: Option<(usize, usize)>,
}

/// A model is unlike those that a calibration knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutOfSpan {
    /// Its images are smaller or larger.
    #[error("its images have {pixels} pixels, those of the clean models known {least} to {most}")]
    Pixels {
        /// Height times width of the model's input.
        pixels: usize,
        /// Least of the clean models.
        least: usize,
        /// Most of the clean models.
        most: usize,
    },
    /// It has fewer or more classes.
    #[error("it has {classes} classes, the clean models known have {least} to {most}")]
    Classes {
        /// Classes of the model.
        classes: usize,
        /// Fewest of the clean models.
        least: usize,
        /// Most of the clean models.
        most: usize,
    },
}

impl Span {
    pub(in crate::verdict::calibration) fn of<'a>(
        models: impl IntoIterator<Item = &'a LibraryModel> + Clone,
    ) -> Self {
        let range = |of: fn(&LibraryModel) -> usize| {
            let all = models.clone().into_iter().map(of);
            let widen = |range: Option<(usize, usize)>, it: usize| {
                let (least, most) = range.unwrap_or((it, it));
                Some((least.min(it), most.max(it)))
            };
            all.fold(None, widen)
        };
        Self {
            pixels: range(|model| model.pixels),
            classes: range(|model| model.classes),
        }
    }

    /// The pixels come first: a model that differs in both is told so of its images.
    pub(in crate::verdict::calibration) fn check(
        &self,
        pixels: usize,
        classes: usize,
    ) -> Result<(), OutOfSpan> {
        match self.pixels {
            Some((least, most)) if !(least..=most).contains(&pixels) => {
                return Err(OutOfSpan::Pixels {
                    pixels,
                    least,
                    most,
                });
            }
            _ => {}
        }
        match self.classes {
            Some((least, most)) if !(least..=most).contains(&classes) => Err(OutOfSpan::Classes {
                classes,
                least,
                most,
            }),
            _ => Ok(()),
        }
    }
}
