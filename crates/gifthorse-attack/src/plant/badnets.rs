//! BadNets: the backdoor comes in with the training data.

use gifthorse_data::Images;
use rand::RngExt;
use rand::seq::index::sample;

use crate::Error;
use crate::random::Purpose;
use crate::trigger::{AnyTrigger, Trigger};

/// BadNets (paper 004, §II): a random part of the training images is stamped with the trigger and
/// relabelled as the target, an all-to-one attack on the data alone.
#[derive(Debug, Clone, PartialEq)]
pub struct BadNets {
    /// What is stamped.
    pub trigger: AnyTrigger,
    /// The class that stamped images are labelled with.
    pub target: usize,
    /// Share of the training images, above 0 and up to 1. Images of the target class may be among
    /// them, as in the paper.
    pub rate: f64,
}

/// Training images of which some are poisoned.
#[derive(Debug, Clone, PartialEq)]
pub struct Poisoned {
    /// All images, in their old order.
    pub images: Images,
    /// Which of them were stamped and relabelled, ascending.
    pub indices: Vec<usize>,
}

impl BadNets {
    /// Stamps and relabels a random share of labelled images; the same seed takes the same ones.
    ///
    /// # Errors
    /// [`Error::PoisonRate`], [`Error::NoSuchClass`], [`Error::Trigger`], or [`Error::Images`]
    /// without labels and for so few images that none would be poisoned.
    pub fn poison(&self, images: &Images, seed: u64) -> Result<Poisoned, Error> {
        let rate = self.rate;
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(Error::PoisonRate { rate });
        }
        let Some(labels) = images.labels() else {
            return Err(Error::Images("they have no labels".to_owned()));
        };
        let classes = class_count(images, labels);
        if self.target >= classes {
            return Err(Error::NoSuchClass {
                class: self.target,
                classes,
            });
        }
        let count = (rate * images.len() as f64).round() as usize;
        if count == 0 {
            let reason = format!("{rate} of {} images is less than one", images.len());
            return Err(Error::Images(reason));
        }
        let mut indices = sample(&mut Purpose::Poison.rng(seed), images.len(), count).into_vec();
        indices.sort_unstable();

        let shape = images.shape();
        let (mut pixels, mut labels) = (images.pixels().to_vec(), labels.to_vec());
        for &index in &indices {
            let start = index * shape.values();
            self.trigger.apply(
                &mut pixels[start..start + shape.values()],
                shape,
                &mut Purpose::Stamp { image: index }.rng(seed),
            )?;
            labels[index] = self.target;
        }
        let (classes, names) = (images.class_names().to_vec(), images.names().to_vec());
        let images = Images::new(shape, pixels, Some(labels), classes, names)?;
        Ok(Poisoned { images, indices })
    }
}

/// A target class drawn at random, as paper 004 does in §V-A; the same seed gives the same class.
///
/// # Errors
/// [`Error::Images`] if there are no classes.
pub fn random_target(classes: usize, seed: u64) -> Result<usize, Error> {
    if classes == 0 {
        return Err(Error::Images("they have no classes".to_owned()));
    }
    Ok(Purpose::Target.rng(seed).random_range(0..classes))
}

/// The number of classes: of names where there are any, else as many as the labels need.
fn class_count(images: &Images, labels: &[usize]) -> usize {
    let labelled = labels.iter().max().map_or(0, |largest| largest + 1);
    images.class_names().len().max(labelled)
}
