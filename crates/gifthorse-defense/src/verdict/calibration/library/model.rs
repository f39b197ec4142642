//! One clean model of the library.

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::verdict::confirmation::{Confirmation, Gate};
use crate::verdict::error::LibraryError;
use crate::verdict::evidence::{ClassEvidence, Evidence, GradientHealth, log_size};
use crate::verdict::set_aside::SetAside;

/// Log sizes up to here pass for 0, the whole image: a mask's norm is a sum of numbers of single precision.
const ROUNDING: f64 = 1e-3;

/// What the searches found in one clean model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LibraryModel {
    /// A name that no other model of the library has.
    pub name: String,
    /// How it was made: net, optimiser, augmentation, width, epochs. Models of one recipe are left out together in a
    /// validation.
    pub recipe: String,
    /// The data set that it was trained on; subsets of one data set have its name.
    pub data: String,
    /// Height times width of its input.
    pub pixels: usize,
    /// The log size of each class, in class order: `ln(norm / pixels)`, natural, `norm` being the L1 norm of the smallest
    /// mask that reached the success threshold. None for a class that was never reached.
    pub log_sizes: Vec<Option<f64>>,
    /// Reached classes whose trigger passed the gate on held-out images. The calibration does not look at them; a validation
    /// does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<usize>,
}

impl LibraryModel {
    /// Takes over what a scan found, with four decimals, which is far more than two searches agree in.
    ///
    /// # Errors
    /// A model whose classes were not all searched to the end, or evidence that is no such model ([`Entry::check`]).
    pub fn from_evidence(
        name: impl Into<String>,
        recipe: impl Into<String>,
        data: impl Into<String>,
        evidence: &Evidence,
    ) -> Result<Self, LibraryError> {
        let name = name.into();
        let count = evidence.classes.len();
        let mut log_sizes = vec![None; count];
        let mut searched = vec![false; count];
        let mut confirmed = Vec::new();
        for found in &evidence.classes {
            let (Some(size), Some(seen)) = (
                log_sizes.get_mut(found.class),
                searched.get_mut(found.class),
            ) else {
                return Err(LibraryError::NotAllSearched(name));
            };
            *seen = true;
            if !found.reached {
                continue;
            }
            *size = Some((log_size(found.norm, evidence.pixels) * 1e4).round() / 1e4);
            let gate = found.confirmation.as_ref().map(Confirmation::gate);
            if matches!(gate, Some(Ok(Gate::Passed { .. }))) {
                confirmed.push(found.class);
            }
        }
        if evidence.set_aside.classes > 0 || searched.contains(&false) {
            return Err(LibraryError::NotAllSearched(name));
        }
        confirmed.sort_unstable();
        let model = Self {
            name,
            recipe: recipe.into(),
            data: data.into(),
            pixels: evidence.pixels,
            log_sizes,
            confirmed,
        };
        model.check()?;
        Ok(model)
    }

    /// The evidence of a scan that found these sizes, with gradients that are sound and triggers that were not tried on
    /// held-out images: what a verdict on the model rests on, but for the gate.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let classes = self.log_sizes.iter().enumerate();
        let found = |(class, size): (usize, &Option<f64>)| ClassEvidence {
            class,
            norm: size.map_or(self.pixels as f64, |size| size.exp() * self.pixels as f64),
            reached: size.is_some(),
            confirmation: None,
        };
        Evidence {
            classes: classes.map(found).collect(),
            set_aside: SetAside::default(),
            pixels: self.pixels,
            gradients: GradientHealth::Sound,
        }
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.log_sizes.len()
    }

    /// Log sizes of the classes reached, smallest first.
    #[must_use]
    pub fn ascending(&self) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.log_sizes.iter().flatten().copied().collect();
        sizes.sort_unstable_by(f64::total_cmp);
        sizes
    }

    /// Number of classes that were never reached.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.log_sizes.iter().filter(|size| size.is_none()).count()
    }

    /// Whether at least half of the classes were reached. Any other model is no yardstick, and is never called clean.
    #[must_use]
    pub fn mostly_reached(&self) -> bool {
        2 * self.unreached() <= self.classes()
    }
}

impl Entry for LibraryModel {
    fn found(&self) -> &LibraryModel {
        self
    }

    /// Refuses fewer than two classes, no pixels, a log size that is not a number or above 0 (a trigger larger than the
    /// image), and a confirmed class that does not exist.
    fn check(&self) -> Result<(), LibraryError> {
        let model = || self.name.clone();
        if self.classes() < 2 {
            return Err(LibraryError::TooFewClasses(model(), self.classes()));
        }
        if self.pixels == 0 {
            return Err(LibraryError::NoPixels(model()));
        }
        let reached = self.log_sizes.iter().enumerate();
        for (class, size) in reached.filter_map(|(class, size)| Some((class, (*size)?))) {
            if !size.is_finite() || size > ROUNDING {
                return Err(LibraryError::LogSize {
                    model: model(),
                    class,
                    size,
                });
            }
        }
        match self
            .confirmed
            .iter()
            .find(|&&class| class >= self.classes())
        {
            Some(&class) => Err(LibraryError::NoSuchClass {
                model: model(),
                class,
            }),
            None => Ok(()),
        }
    }
}
