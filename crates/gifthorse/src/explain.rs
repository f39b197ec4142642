//! What a trigger does inside a model: which channels it raises, what they carry, whom it leads
//! where, and which part of a picture the answer rests on.
//!
//! The model is opened and the images are read, checked and split as a scan does it; everything is
//! measured on the held-out ones, which a trigger of the same scan was not searched on.

pub(crate) mod effect;
pub(crate) mod heat;
pub(crate) mod layers;
mod request;
mod similarity;
pub(crate) mod trigger;

use gifthorse_data::Images;
use gifthorse_engine::Classifier;
use gifthorse_report::evidence::HeatExample;
use gifthorse_report::report::Effect;
use serde::Serialize;

use crate::Error;
use crate::model::OpenModel;
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use effect::Stamped;
pub use request::{ExplainRequest, Stamping, TriggerSource};
pub use similarity::Similarity;
use trigger::Stampable;
pub(crate) use trigger::from_file;

/// What came of looking at a trigger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The model file.
    pub model: String,
    /// Its hash, as reports have it.
    pub sha256: String,
    /// The images.
    pub images: String,
    /// Hash over their pixels and labels, as reports have it.
    pub images_sha256: String,
    /// Whether they have labels of their own; if not, the model's predictions stand in.
    pub labelled: bool,
    /// Names of the classes, not to be trusted; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// The trigger, as it was called.
    pub trigger: String,
    /// The trigger that was planted, if that was given.
    pub original: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// How alike the patches are that were given to compare.
    pub similarity: Option<Similarity>,
    /// Name of the layer that Grad-CAM looked at; null if the model has none with places.
    pub grad_cam_layer: Option<String>,
    /// What the answers on a few images rest on.
    #[serde(skip)]
    pub heat: Vec<HeatExample>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Seed of the draws of images.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
}

/// A model and its images, made ready.
struct Opened {
    classifier: Classifier,
    sha256: String,
    images_sha256: String,
    holdout: Images,
    labelled: bool,
    class_names: Vec<String>,
    warnings: Vec<String>,
}

/// Looks at what a trigger does inside a model.
///
/// # Errors
/// Files that cannot be read, a model that cannot be run or does not work on the images (unless
/// forced), a trigger that is for other images, a layer or class that the model does not have.
pub fn explain(request: &ExplainRequest) -> Result<Explanation, Error> {
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("what a trigger does is seen on clean images: give some (--images)".into())
    })?;
    let mut opened = Opened::read(request)?;
    let (classifier, shape) = (&opened.classifier, opened.classifier.shape());
    let trigger = Stampable::read(&request.trigger, shape)?;
    let original = request.original.as_ref();
    let original = original
        .map(|source| Stampable::read(source, shape))
        .transpose()?;
    let similarity = Similarity::of(request, &trigger, original.as_ref(), shape)?;
    let stamped = trigger.stamp(&opened.holdout)?;
    let original_stamped = original
        .as_ref()
        .map(|original| original.stamp(&opened.holdout))
        .transpose()?;
    let layers = layers::chosen(classifier, request.layer.as_deref())?;
    let effect = effect::of(
        classifier,
        &Stamped {
            images: &opened.holdout,
            trigger: &stamped,
            original: original_stamped.as_deref(),
        },
        request.target,
        &layers,
        request.top,
    )?;
    let cam_layer = layers::for_grad_cam(classifier, request.layer.as_deref())?;
    let seed = request.scan.seed;
    let heat = cam_layer.as_ref().map(|layer| {
        heat::examples(
            classifier,
            layer,
            &opened.holdout,
            &stamped,
            effect.target,
            seed,
        )
    });
    let heat = match heat {
        // The numbers hold all the same.
        Some(Err(Error::Detector(refusal))) => {
            let warning = format!("there are no pictures of Grad-CAM: {refusal}");
            opened.warnings.push(warning);
            Vec::new()
        }
        Some(made) => made?,
        None => Vec::new(),
    };
    Ok(Explanation {
        model: request.scan.model.to_string_lossy().into_owned(),
        sha256: opened.sha256,
        images: path.to_string_lossy().into_owned(),
        images_sha256: opened.images_sha256,
        labelled: opened.labelled,
        class_names: opened.class_names,
        trigger: request.trigger.name(),
        original: request.original.as_ref().map(TriggerSource::name),
        effect,
        similarity,
        grad_cam_layer: cam_layer.map(|layer| layer.name().to_owned()),
        heat,
        warnings: opened.warnings,
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

impl Opened {
    fn read(request: &ExplainRequest) -> Result<Self, Error> {
        let scan = &request.scan;
        let OpenModel {
            classifier,
            described,
            said,
            ..
        } = output::open(scan)?;
        let path = scan.images.as_deref().unwrap_or(&scan.model);
        let set = ImageSet::load(scan, path, &classifier)?;
        let mut warnings = output::told(&described);
        warnings.extend(set.about.warnings.iter().cloned());
        warnings.extend(set.about.passed_over_in_words());
        let images_sha256 = set.about.sha256.clone();
        let fit = Fit::check(scan, classifier, Some(&set), said.as_ref())?;
        warnings.extend(fit.messages.iter().cloned());
        let mut class_names = set.about.class_names.clone();
        if class_names.is_empty() {
            class_names.clone_from(&fit.classifier.network().ends().class_names);
        }
        let split = set
            .usable(&fit.measured)
            .split(&fit.predictions, scan.seed)?;
        if split.holdout.is_empty() {
            return Err(Error::Request(format!(
                "{} has so few images that none is held out: give two of each class or more (--images, --max-images)",
                path.display()
            )));
        }
        Ok(Self {
            classifier: fit.classifier,
            sha256: described.sha256,
            images_sha256,
            holdout: split.holdout,
            labelled: fit.labelled,
            class_names,
            warnings,
        })
    }
}
