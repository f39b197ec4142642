//! A filter on images of which nothing is known.

use std::path::PathBuf;

use gifthorse_data::Loaded;
use gifthorse_defense::filter::more_than_expected;
use gifthorse_report::evidence::Heated;
use serde::Serialize;

use super::opened::OpenFilter;
use crate::explain::heat::heated;
use crate::explain::layers::for_grad_cam;
use crate::scan::about_images::{in_words, passed_over_in_words};
use crate::{Error, ScanRequest};

/// A filter, and the images that it is to look at.
#[derive(Clone, Debug)]
pub struct RunFilter {
    /// The filter.
    pub filter: PathBuf,
    /// Where the model lies, if it is elsewhere by now.
    pub model: Option<PathBuf>,
    /// The images; how the model is opened is the filter's.
    pub scan: ScanRequest,
    /// Where the repaired model lies, if the filter asks one and it is elsewhere by now.
    pub repaired: Option<PathBuf>,
    /// Another false-positive rate than the one that the filter was fitted for.
    pub fpr: Option<f64>,
    /// The most suspicious images to show.
    pub shown: usize,
}

/// What a filter says of one image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageVerdict {
    /// Name of the image.
    pub name: String,
    /// How suspicious it is; null if it could not be scored, which counts as flagged.
    pub score: Option<f64>,
    /// The share of clean images that are as suspicious, in (0, 1].
    pub p_value: f64,
    /// Whether it is flagged.
    pub flagged: bool,
    /// The class that the model gives it.
    pub answer: usize,
    /// The class to give instead if it is stamped; null if the filter has no opinion.
    pub safe_label: Option<usize>,
}

/// What a filter says of many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspects {
    /// Number of images.
    pub images: usize,
    /// Those that are flagged.
    pub flagged: usize,
    /// Images with a larger score are flagged.
    pub threshold: f64,
    /// The scores, in the order of the images.
    pub scores: Vec<Option<f64>>,
    /// The false-positive rate that the threshold is for.
    pub fpr: f64,
    /// The chance that so many of so many clean images are flagged.
    pub chance: f64,
    /// Whether more are flagged than the rate explains: that chance is below 1 %.
    pub more_than_expected: bool,
    /// Name of the method.
    pub method: String,
    /// Hash of the model.
    pub model_sha256: String,
    /// Names of the classes, not to be trusted; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// What it says of each image.
    pub verdicts: Vec<ImageVerdict>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The most suspicious images, the first of all in front, by their place, with what the model's
    /// answer on each rests on; empty if the model has no layer with places.
    #[serde(skip)]
    pub shown: Vec<(usize, Heated)>,
}

/// Scores images.
///
/// # Errors
/// Files that cannot be read; another model than the filter's (unless forced).
pub fn run_filter(request: &RunFilter) -> Result<Suspects, Error> {
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("a filter looks at images: give some (--images)".to_owned())
    })?;
    let filter = OpenFilter::read(
        &request.filter,
        request.model.as_deref(),
        request.repaired.as_deref(),
        request.scan.force,
    )?;
    let threshold = match request.fpr {
        Some(fpr) => filter.file.threshold.at(fpr)?,
        None => filter.file.threshold.clone(),
    };
    let Loaded {
        images,
        warnings,
        passed_over,
        available,
        ..
    } = filter.suspects(&request.scan, path)?;
    let mut warnings = in_words(&warnings);
    warnings.extend(passed_over_in_words(&passed_over));
    if request.scan.max_images.is_none() && available > images.len() {
        warnings.push(format!(
            "{} of {available} images were looked at: give --max-images for more",
            images.len()
        ));
    }
    let scored = filter.score(images.pixels())?;
    let verdicts: Vec<ImageVerdict> = scored
        .iter()
        .zip(images.names())
        .map(|(scored, name)| ImageVerdict {
            name: name.clone(),
            score: (scored.score != f64::INFINITY).then_some(scored.score),
            p_value: threshold.p_value(scored.score),
            flagged: threshold.flags(scored.score),
            answer: scored.answer,
            safe_label: scored.safe_label,
        })
        .collect();
    let flagged = verdicts.iter().filter(|verdict| verdict.flagged).count();
    let mut order: Vec<usize> = (0..scored.len()).collect();
    order.sort_by(|&a, &b| scored[b].score.total_cmp(&scored[a].score).then(a.cmp(&b)));
    order.truncate(request.shown);
    let layer = match order[..] {
        [] => None,
        _ => for_grad_cam(&filter.classifier, None)?,
    };
    let shown = match layer {
        Some(layer) => {
            let pixels = images.subset(&order);
            match heated(&filter.classifier, &layer, pixels.pixels()) {
                // The scores hold all the same.
                Err(Error::Detector(refusal)) => {
                    warnings.push(format!("there are no pictures of Grad-CAM: {refusal}"));
                    Vec::new()
                }
                made => order.iter().copied().zip(made?).collect(),
            }
        }
        None => Vec::new(),
    };
    Ok(Suspects {
        images: verdicts.len(),
        flagged,
        threshold: threshold.value,
        scores: verdicts.iter().map(|verdict| verdict.score).collect(),
        fpr: threshold.fpr,
        chance: threshold.chance_of(flagged as u64, verdicts.len() as u64),
        more_than_expected: more_than_expected(&threshold, flagged as u64, verdicts.len() as u64),
        method: filter.file.method.clone(),
        model_sha256: filter.file.model.sha256.clone(),
        class_names: filter.file.class_names.clone(),
        verdicts,
        warnings,
        shown,
    })
}
