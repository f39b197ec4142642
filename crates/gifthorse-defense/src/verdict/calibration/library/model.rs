//! One clean model of the library.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::verdict::confirmation::Gate;
use crate::verdict::error::LibraryError;
use crate::verdict::evidence::{ClassEvidence, Evidence, Method, Soundness, Statistic, Witness};
use crate::verdict::set_aside::SetAside;

/// What the detectors found in one clean model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LibraryModel {
    /// A name that no other model of the library has.
    pub name: String,
    /// How it was made: net, optimiser, augmentation, width, epochs. Models of one recipe are left
    /// out together in a validation.
    pub recipe: String,
    /// The data set that it was trained on; subsets of one data set have its name.
    pub data: String,
    /// Height times width of its input.
    pub pixels: usize,
    /// Number of classes.
    pub classes: usize,
    /// What each detector found. A model need not have gone through all.
    pub detectors: BTreeMap<Method, ClassValues>,
}

/// What one detector found in one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassValues {
    /// The value of each class, in class order, on the detector's logarithmic scale
    /// ([`Statistic::value`]). None for a class that was never reached. A single one where the
    /// detector searches the model as a whole.
    pub values: Vec<Option<f64>>,
    /// Whether it does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub of_model: bool,
    /// For a detector that searches from classes and not to them: where the images of each class
    /// were led, in class order. For one that searches the model as a whole, the classes that it
    /// accuses. Empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads_to: Vec<usize>,
    /// Classes reached, or led from, or accused, whose trigger passed the gate on held-out images.
    /// The calibration does not look at them; a validation does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<usize>,
}

impl LibraryModel {
    /// Takes over what the sound witnesses of a scan found, with four decimals, which is far more
    /// than two searches agree in.
    ///
    /// # Errors
    /// A model whose classes were not all searched to the end, or evidence that is no such model
    /// ([`Entry::check`]).
    pub fn from_evidence(
        name: impl Into<String>,
        recipe: impl Into<String>,
        data: impl Into<String>,
        evidence: &Evidence,
    ) -> Result<Self, LibraryError> {
        let name = name.into();
        let sound = evidence
            .witnesses
            .iter()
            .filter(|witness| witness.soundness == Soundness::Sound);
        let detectors = sound.map(|witness| {
            let values = ClassValues::of(witness, evidence.classes);
            let values = values.ok_or_else(|| LibraryError::NotAllSearched(name.clone()))?;
            Ok((witness.method.clone(), values))
        });
        let model = Self {
            detectors: detectors.collect::<Result<_, LibraryError>>()?,
            recipe: recipe.into(),
            data: data.into(),
            pixels: evidence.pixels,
            classes: evidence.classes,
            name,
        };
        model.check()?;
        Ok(model)
    }

    /// The evidence of a scan that found these values with these methods, with triggers that were
    /// not tried on held-out images: what a verdict on the model rests on, but for the gate.
    /// Methods that the model did not go through are left out.
    #[must_use]
    pub fn evidence(&self, methods: &[(&Method, Statistic)]) -> Evidence {
        let witnesses = methods.iter().filter_map(|&(method, statistic)| {
            let found = self.detectors.get(method)?;
            Some(found.witness(method.clone(), statistic))
        });
        Evidence {
            witnesses: witnesses.collect(),
            doubts: Vec::new(),
            pixels: self.pixels,
            classes: self.classes,
        }
    }
}

impl ClassValues {
    /// What a witness found in a model of so many classes; `None` if some class was not searched to
    /// the end.
    fn of(witness: &Witness, classes: usize) -> Option<Self> {
        if witness.statistic.of_model {
            return Self::of_whole_model(witness);
        }
        let mut values = vec![None; classes];
        let mut searched = vec![false; classes];
        let mut leads_to: Vec<usize> = (0..classes).collect();
        let mut confirmed = Vec::new();
        for found in &witness.classes {
            let class = found.class_of_search();
            *searched.get_mut(class)? = true;
            leads_to[class] = found.class;
            if !found.reached {
                continue;
            }
            values[class] = Some(rounded(found.value));
            let rate = witness.statistic.conviction.rate();
            let gate = found.confirmation.as_ref().map(|tried| tried.gate(rate));
            if matches!(gate, Some(Ok(Gate::Passed { .. }))) {
                confirmed.push(class);
            }
        }
        confirmed.sort_unstable();
        let complete = witness.set_aside.classes == 0 && !searched.contains(&false);
        let from_classes = witness.classes.iter().any(|found| found.source.is_some());
        complete.then_some(Self {
            values,
            of_model: false,
            leads_to: if from_classes { leads_to } else { Vec::new() },
            confirmed,
        })
    }

    /// The same where there is one value for the model.
    fn of_whole_model(witness: &Witness) -> Option<Self> {
        let [found] = witness.classes.as_slice() else {
            return None;
        };
        let rate = witness.statistic.conviction.rate();
        let gate = found.confirmation.as_ref().map(|tried| tried.gate(rate));
        let accused = found.accused();
        let confirmed = matches!(gate, Some(Ok(Gate::Passed { .. })));
        Some(Self {
            values: vec![found.reached.then_some(rounded(found.value))],
            of_model: true,
            confirmed: if confirmed {
                accused.clone()
            } else {
                Vec::new()
            },
            leads_to: accused,
        })
    }

    fn witness(&self, method: Method, statistic: Statistic) -> Witness {
        let found = |(class, &value): (usize, &Option<f64>)| {
            let accused = self.accused(class);
            let (first, others) = accused.split_first().unwrap_or((&class, &[]));
            ClassEvidence {
                class: *first,
                also: others.to_vec(),
                source: (!self.of_model && !self.leads_to.is_empty()).then_some(class),
                value: value.unwrap_or(0.0),
                reached: value.is_some(),
                confirmation: None,
            }
        };
        Witness {
            method,
            statistic,
            classes: self.values.iter().enumerate().map(found).collect(),
            set_aside: SetAside::default(),
            soundness: Soundness::Sound,
        }
    }

    /// How many values there are, unreached ones included: one for each class, or one.
    #[must_use]
    pub fn compared(&self) -> usize {
        self.values.len()
    }

    /// Values of the classes reached, smallest first.
    #[must_use]
    pub fn ascending(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.values.iter().flatten().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    /// Number of classes that were never reached.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.values.iter().filter(|value| value.is_none()).count()
    }

    /// Whether at least half of the classes were reached. No other model says what clean ones are
    /// like, nor is it ever called clean.
    #[must_use]
    pub fn mostly_reached(&self) -> bool {
        2 * self.unreached() <= self.compared()
    }

    /// The classes that a value is held against.
    #[must_use]
    pub fn accused(&self, place: usize) -> Vec<usize> {
        if self.of_model {
            return self.leads_to.clone();
        }
        vec![self.leads_to.get(place).copied().unwrap_or(place)]
    }

    fn check(&self, model: &LibraryModel, method: &Method) -> Result<(), LibraryError> {
        let name = || model.name.clone();
        let values = |values: usize, classes: usize| LibraryError::Values {
            model: name(),
            method: method.clone(),
            values,
            classes,
        };
        let wanted = if self.of_model { 1 } else { model.classes };
        if self.values.len() != wanted {
            return Err(values(self.values.len(), wanted));
        }
        let reached = self.values.iter().enumerate();
        for (class, value) in reached.filter_map(|(class, value)| Some((class, (*value)?))) {
            if !value.is_finite() {
                return Err(LibraryError::Value {
                    model: name(),
                    method: method.clone(),
                    class,
                    value,
                });
            }
        }
        if !self.of_model && !self.leads_to.is_empty() && self.leads_to.len() != model.classes {
            return Err(values(self.leads_to.len(), model.classes));
        }
        let missing = |class: &&usize| **class >= model.classes;
        let mut named = self.confirmed.iter().chain(&self.leads_to);
        match named.find(missing) {
            Some(&class) => Err(LibraryError::NoSuchClass {
                model: name(),
                class,
            }),
            None => Ok(()),
        }
    }
}

/// With four decimals.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

impl Entry for LibraryModel {
    fn found(&self) -> &LibraryModel {
        self
    }

    /// Refuses fewer than two classes, no pixels, as many values as there are no classes, a value
    /// that is not a finite number, and a confirmed class that does not exist.
    fn check(&self) -> Result<(), LibraryError> {
        if self.classes < 2 {
            return Err(LibraryError::TooFewClasses(self.name.clone(), self.classes));
        }
        if self.pixels == 0 {
            return Err(LibraryError::NoPixels(self.name.clone()));
        }
        let mut detectors = self.detectors.iter();
        detectors.try_for_each(|(method, values)| values.check(self, method))
    }
}
