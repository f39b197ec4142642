//! What two models answer on the same images.

use std::path::Path;

use gifthorse_defense::count::Count;
use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use super::CompareRequest;
use crate::repair::record::{BeforeAfter, Share};
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use crate::{Error, PreprocessChoice, ScanRequest};

/// What two models answer on the same images, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// The images.
    pub images: String,
    /// Hash over their pixels and labels, as reports have it.
    pub images_sha256: String,
    /// Images that the two models take for different classes.
    pub differ: Share,
    /// The largest absolute difference of two logits of the same image and class; null where one is
    /// no finite number.
    pub largest: Option<f32>,
    /// Accuracy of both; null without labels.
    pub accuracy: Option<BeforeAfter>,
}

impl Answers {
    /// Runs both models on the images, prepared as the model before takes them.
    ///
    /// # Errors
    /// Images that cannot be read; a model that cannot be run; models for other images or classes.
    pub(super) fn of(
        request: &CompareRequest,
        images: &Path,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let scan = ScanRequest {
            // A model that does not fit the images is told of, and compared all the same.
            force: true,
            max_time: None,
            ..request.scan.clone()
        };
        let opened = output::open(&scan)?;
        warnings.extend(output::told(&opened.described));
        let set = ImageSet::load(&scan, images, &opened.classifier)?;
        warnings.extend(set.about.warnings.iter().cloned());
        warnings.extend(set.about.passed_over_in_words());
        let fit = Fit::check(&scan, opened.classifier, Some(&set), opened.said.as_ref())?;
        warnings.extend(fit.messages);
        let before = fit.classifier;
        let after = beside(&before, &scan, &request.after)?;
        let pixels = set.images.pixels();
        let logits = (before.evaluate(pixels)?, after.evaluate(pixels)?);
        let answers = (fit.predictions, after.predict(pixels)?);
        let pairs = answers.0.iter().zip(&answers.1);
        let right = |answers: &[usize], labels: &[usize]| {
            Count::of(answers.iter().zip(labels).map(|(one, other)| one == other))
        };
        let accuracy = set
            .images
            .labels()
            .map(|labels| BeforeAfter::of(right(&answers.0, labels), right(&answers.1, labels)));
        Ok(Self {
            images: images.to_string_lossy().into_owned(),
            images_sha256: set.about.sha256.clone(),
            differ: Share::of(Count::of(pairs.map(|(one, other)| one != other)))?,
            largest: largest_difference(&logits.0, &logits.1),
            accuracy: accuracy.transpose()?,
        })
    }
}

/// The model at a path, under the preprocessing of another one.
fn beside(like: &Classifier, scan: &ScanRequest, path: &Path) -> Result<Classifier, Error> {
    let [_, height, width] = like.shape();
    let before = &scan.model;
    let scan = ScanRequest {
        model: path.to_owned(),
        preprocess: PreprocessChoice::Given(like.preprocess().clone()),
        input_size: Some([height, width]),
        ..scan.clone()
    };
    let after = output::open(&scan)?.classifier;
    let kind = |model: &Classifier| {
        let [channels, height, width] = model.shape();
        format!(
            "images of {channels} x {height} x {width} and {} classes",
            model.classes()
        )
    };
    if kind(like) != kind(&after) {
        return Err(Error::Request(format!(
            "the answers cannot be compared: {} is for {}, {} for {}; compare them without --images, or name the outputs \
             that are meant (--output)",
            before.display(),
            kind(like),
            path.display(),
            kind(&after)
        )));
    }
    Ok(after)
}

/// `None` where a logit is no number, or infinite.
fn largest_difference(one: &[f32], other: &[f32]) -> Option<f32> {
    let mut pairs = one.iter().zip(other);
    pairs.try_fold(0.0, |largest: f32, (one, other)| {
        let difference = (one - other).abs();
        difference.is_finite().then(|| largest.max(difference))
    })
}
