//! SCALE-UP (Guo et al. 2023): does the answer stay where the image is made brighter?
//!
//! # What it does
//! Multiplies the pixels by 3, 5, 7, 9 and 11, cuts them off at 1, and counts how often the answer
//! stays: a clean image is soon no longer what it was, a trigger of strong contrast stays what it
//! is.
//!
//! # Threat model
//! One trigger that leads images of all classes to a target and survives being made brighter, such
//! as a white patch. Needs no inside view of the model.
//!
//! # Statistic
//! The share of the five whose answer is that of the image (the scaled prediction consistency), less
//! its mean over clean images that are given the same class, in their standard deviations (the
//! data-limited setting of the paper). Shares of five have many equals, so that the mean probability
//! of the answer tells images of the same share apart; it weighs less than one of the five.
//!
//! # Needs
//! Clean images, some of each class.
//!
//! # Cost
//! Six passes.
//!
//! # Known failures
//! Images that are dark, such as digits, which stay what they are however bright: all images are
//! then as consistent as stamped ones. A target that bright images are taken for anyway, whose
//! clean images are as consistent as stamped ones; so it was with white squares on photographs.
//! Triggers that are not bright, and those for single classes. With the published settings a user
//! saw 21 % of clean images flagged (BackdoorBox, issue 84).
//!
//! # References
//! J. Guo, Y. Li, X. Chen, H. Guo, L. Sun, C. Liu, "SCALE-UP: An Efficient Black-box Input-level
//! Backdoor Detection via Analyzing Scaled Prediction Consistency", ICLR 2023.

use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::logits::probability;
use super::scored::best_other;
use super::{About, Family, Filter, Given, Held, Row, Score, Scored};
use crate::error::Error;
use crate::exact;

/// What pixels are multiplied by.
const FACTORS: [f32; 5] = [3.0, 5.0, 7.0, 9.0, 11.0];
/// Weight of the mean probability beside the share.
const TIE: f64 = 0.9 / FACTORS.len() as f64;
/// The least standard deviation of a class that is believed: half of one of the five.
const LEAST: f64 = 0.5 / FACTORS.len() as f64;
/// A class of fewer images than this is judged as all are.
const FEW: usize = 10;

/// What it is.
const ABOUT: About = About {
    name: "scale_up",
    title: "SCALE-UP (Guo et al. 2023)",
    family: Family::Stability,
    needs_trigger: false,
    needs_repaired: false,
    passes: 1.0 + FACTORS.len() as f64,
    misses: &[
        "triggers for images of single classes",
        "triggers that do not survive brightness, and all where clean images do",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(ScaleUp),
};

#[derive(Debug)]
struct ScaleUp;

/// What is kept, and all that is fitted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Of each class, how consistent clean images are that are given it.
    classes: Vec<Usual>,
}

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    #[serde(with = "exact::double")]
    mean: f64,
    #[serde(with = "exact::double")]
    deviation: f64,
}

struct Fitted {
    classifier: Classifier,
    kept: Kept,
}

impl Filter for ScaleUp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error> {
        let classifier = given.held.classifier;
        let seen = consistencies(classifier, given.images.pixels())?;
        let of_all = Usual::of(&seen.iter().map(|(it, _)| *it).collect::<Vec<_>>());
        let Some(of_all) = of_all else {
            let reason = "it compares images with clean ones, and there are none";
            return Err(Error::CannotFilter(reason.to_owned()));
        };
        let of_class = |class: usize| {
            let own = seen.iter().filter(|(_, answer)| *answer == class);
            let own: Vec<f64> = own.map(|(it, _)| *it).collect();
            let usual = Usual::of(&own).filter(|_| own.len() >= FEW);
            usual.unwrap_or(of_all)
        };
        Ok(Box::new(Fitted {
            classifier: classifier.clone(),
            kept: Kept {
                classes: (0..classifier.classes()).map(of_class).collect(),
            },
        }))
    }

    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error> {
        let kept: Kept = ABOUT.read(kept)?;
        let is_sound = |it: &Usual| it.mean.is_finite() && it.deviation > 0.0;
        if kept.classes.len() != held.classifier.classes() || !kept.classes.iter().all(is_sound) {
            return Err(ABOUT.refused("it is for a model of other classes".to_owned()));
        }
        Ok(Box::new(Fitted {
            classifier: held.classifier.clone(),
            kept,
        }))
    }
}

impl Usual {
    /// `None` of no numbers.
    fn of(numbers: &[f64]) -> Option<Self> {
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares = numbers.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        (!numbers.is_empty()).then(|| Self {
            mean,
            deviation: (squares / count).sqrt().max(LEAST),
        })
    }
}

/// How consistent each image's answer is, and the answer.
fn consistencies(classifier: &Classifier, pixels: &[f32]) -> Result<Vec<(f64, usize)>, Error> {
    let classes = classifier.classes();
    let own = classifier.evaluate(pixels)?;
    let answers = own
        .chunks_exact(classes)
        .map(|row| best_other(row, None).unwrap_or_default());
    let mut consistencies: Vec<(f64, usize)> = answers.map(|answer| (0.0, answer)).collect();
    for factor in FACTORS {
        let scaled: Vec<f32> = pixels
            .iter()
            .map(|pixel| (pixel * factor).min(1.0))
            .collect();
        let logits = classifier.evaluate(&scaled)?;
        for ((sum, answer), row) in consistencies.iter_mut().zip(logits.chunks_exact(classes)) {
            let stays = f64::from(u8::from(best_other(row, None) == Some(*answer)));
            *sum += (stays + TIE * probability(row, *answer)) / FACTORS.len() as f64;
        }
    }
    Ok(consistencies)
}

impl Score for Fitted {
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        let consistencies = consistencies(&self.classifier, pixels)?;
        let scored = consistencies.into_iter().map(|(consistency, answer)| {
            let usual = self.kept.classes[answer];
            Scored::new((consistency - usual.mean) / usual.deviation, answer)
        });
        Ok(scored.collect())
    }

    fn keep(&self) -> Result<Value, Error> {
        ABOUT.write(&self.kept)
    }
}
