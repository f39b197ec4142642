//! How well a model does, on clean images and on stamped ones.

use gifthorse_data::Images;
use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plant::LabelMap;
use crate::trigger::{Trigger, stamp};

/// Share of labelled images that the model gives their label: clean accuracy (CA).
///
/// # Errors
/// [`Error::Images`] without labels or images, [`Error::Engine`] for images of another shape.
pub fn accuracy(model: &Classifier, images: &Images) -> Result<f64, Error> {
    Ok(Predicted::clean(model, images)?.accuracy())
}

/// How often a trigger leads where it is to lead (ASR), both ways in which it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackSuccess {
    /// Share of the images to be led astray, none of which has the wanted class already, that are
    /// taken for it.
    pub other_classes: f64,
    /// The same with images that are of the target class already among them, as Wang et al. 2019
    /// and the authors of WaNet count.
    pub all_classes: f64,
    /// How many images `other_classes` is a share of.
    pub images: usize,
}

/// Stamps every image and counts how many the model takes for what the label map says. The seed
/// settles what the trigger leaves to chance.
///
/// # Errors
/// [`Error::NoSuchClass`]; [`Error::Images`] without labels, or without an image to be led astray;
/// [`Error::Trigger`] if the trigger does not fit; [`Error::Engine`] for images of another shape.
pub fn attack_success(
    model: &Classifier,
    images: &Images,
    trigger: &dyn Trigger,
    labels: &LabelMap,
    seed: u64,
) -> Result<AttackSuccess, Error> {
    Predicted::stamped(model, images, trigger, seed)?.success(labels)
}

/// What a model takes images for, beside their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicted {
    labels: Vec<usize>,
    predicted: Vec<usize>,
    classes: usize,
}

impl Predicted {
    /// Classifies images as they are.
    ///
    /// # Errors
    /// As [`accuracy`].
    pub fn clean(model: &Classifier, images: &Images) -> Result<Self, Error> {
        let labels = match images.labels() {
            Some(labels) if !labels.is_empty() => labels.to_vec(),
            Some(_) => return Err(Error::Images("there are none".to_owned())),
            None => return Err(Error::Images("they have no labels".to_owned())),
        };
        let predicted = model.predict(images.pixels())?;
        Ok(Self {
            labels,
            predicted,
            classes: model.classes(),
        })
    }

    /// Classifies images with the trigger on each.
    ///
    /// # Errors
    /// As [`attack_success`].
    pub fn stamped(
        model: &Classifier,
        images: &Images,
        trigger: &dyn Trigger,
        seed: u64,
    ) -> Result<Self, Error> {
        Self::clean(model, &stamp(images, trigger, seed)?)
    }

    /// Share of images that are given their label.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.share(|_| true, Some).unwrap_or(0.0)
    }

    /// How often the images are taken for what the label map says.
    ///
    /// # Errors
    /// [`Error::NoSuchClass`] for a map to a class that the model does not have; [`Error::Images`]
    /// if no image is to be led astray.
    pub fn success(&self, map: &LabelMap) -> Result<AttackSuccess, Error> {
        map.check(self.classes)?;
        let wanted = |label| map.leads_to(label, self.classes);
        let astray = |label| wanted(label).is_some_and(|class| class != label);
        let at_target = |label| map.target() == Some(label);
        let none =
            || Error::Images("none of them is of a class that the trigger leads astray".to_owned());
        let images = self.labels.iter().filter(|label| astray(**label)).count();
        let to = |label| {
            if at_target(label) {
                Some(label)
            } else {
                wanted(label)
            }
        };
        Ok(AttackSuccess {
            other_classes: self.share(astray, wanted).ok_or_else(none)?,
            all_classes: self
                .share(|label| astray(label) || at_target(label), to)
                .ok_or_else(none)?,
            images,
        })
    }

    /// Share of the images of classes that the trigger is to mean nothing on that are given their
    /// label; `None` if there is no such class.
    #[must_use]
    pub fn kept(&self, map: &LabelMap) -> Option<f64> {
        self.share(|label| map.leads_to(label, self.classes).is_none(), Some)
    }

    /// Share of the images chosen by label that are taken for a class; `None` if none is chosen.
    fn share(
        &self,
        chosen: impl Fn(usize) -> bool,
        wanted: impl Fn(usize) -> Option<usize>,
    ) -> Option<f64> {
        let pairs = self.labels.iter().zip(&self.predicted);
        let hits: Vec<bool> = pairs
            .filter(|(label, _)| chosen(**label))
            .map(|(&label, &class)| wanted(label) == Some(class))
            .collect();
        (!hits.is_empty())
            .then(|| hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted() -> Predicted {
        Predicted {
            labels: vec![0, 0, 1, 1, 2, 2, 3, 3],
            predicted: vec![1, 2, 1, 2, 1, 3, 1, 3],
            classes: 4,
        }
    }

    fn success(map: &LabelMap) -> (f64, f64, usize) {
        let AttackSuccess {
            other_classes,
            all_classes,
            images,
        } = predicted().success(map).unwrap();
        (other_classes, all_classes, images)
    }

    #[test]
    fn shares_by_hand() {
        assert_eq!(predicted().accuracy(), 2.0 / 8.0);
        // Of the six others, images 0, 4 and 6 are taken for class 1; so is one of the two of class
        // 1.
        assert_eq!(success(&LabelMap::all_to_one(1)), (3.0 / 6.0, 4.0 / 8.0, 6));
        assert_eq!(
            success(&LabelMap::CleanLabel { target: 1 }),
            (3.0 / 6.0, 4.0 / 8.0, 6)
        );
        // 0 to 1, 1 to 2, 2 to 3, 3 to 0: images 0, 3 and 5.
        assert_eq!(success(&LabelMap::AllToAll {}), (3.0 / 8.0, 3.0 / 8.0, 8));
        assert_eq!(predicted().kept(&LabelMap::all_to_one(1)), None);
    }

    #[test]
    fn where_the_trigger_is_to_mean_nothing_labels_are_kept() {
        let one = LabelMap::OneToOne {
            source: 0,
            target: 1,
            cover: 1.0,
        };
        // Source: image 0 of two. With the target class: images 0 and 2 of four. Others: images 2
        // and 7 of six.
        assert_eq!(success(&one), (1.0 / 2.0, 2.0 / 4.0, 2));
        assert_eq!(predicted().kept(&one), Some(2.0 / 6.0));
        let several = LabelMap::SeveralToOne {
            sources: vec![0, 3],
            target: 1,
            cover: 1.0,
        };
        assert_eq!(success(&several), (2.0 / 4.0, 3.0 / 6.0, 4));
        assert_eq!(predicted().kept(&several), Some(1.0 / 4.0));
    }

    #[test]
    fn a_map_that_leads_nobody_astray_is_refused() {
        let only_target = Predicted {
            labels: vec![1, 1],
            predicted: vec![1, 1],
            classes: 2,
        };
        assert!(matches!(
            only_target.success(&LabelMap::all_to_one(1)),
            Err(Error::Images(_))
        ));
        let error = only_target.success(&LabelMap::all_to_one(2)).unwrap_err();
        assert!(matches!(
            error,
            Error::NoSuchClass {
                class: 2,
                classes: 2
            }
        ));
    }
}
