//! Answers that no small change of an image can turn: randomised smoothing.

use gifthorse_defense::certify::Smoothing;
use gifthorse_defense::count::Count;
use serde::Serialize;

use crate::explain::TriggerSource;
use crate::observer::ScanObserver;
use crate::repair::record::{ModelFile, Share};
use crate::{Error, ScanRequest};

mod detection;
mod stamped;
mod subject;

use detection::Noise;
pub use detection::{CleanModels, Detection, OfReference, UpToLength, WithTrigger};
pub use stamped::AgainstTrigger;
use stamped::Stamped;
use subject::Subject;

/// Images that are asked about where nobody says how many: each takes a thousand passes.
const IMAGES: usize = 100;
/// Radii of the table, in units of the noise.
const STEPS: [f64; 5] = [0.0, 0.5, 1.0, 1.5, 2.0];

/// A model to be smoothed, and images to ask it about.
#[derive(Clone, Debug)]
pub struct CertifyRequest {
    /// Model, images, labels, preprocessing and seed, as a scan takes them.
    pub scan: ScanRequest,
    /// The noise.
    pub smoothing: Smoothing,
    /// A trigger whose length the certificates are held against, and which is stamped on the
    /// images, to see what the smoothed classifier makes of it.
    pub trigger: Option<TriggerSource>,
    /// The class that it leads to.
    pub target: Option<usize>,
    /// Clean models that the model is held against.
    pub clean: CleanModels,
}

/// What the smoothed classifier is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// The model.
    pub model: ModelFile,
    /// The images.
    pub images: String,
    /// Whether they have labels of their own; if not, the model's predictions stand in.
    pub labelled: bool,
    /// Standard deviation of the noise on pixel values in [0, 1].
    pub sigma: f64,
    /// Noisy copies that a class is chosen by,
    pub choosing: usize,
    /// and further ones that it is counted on.
    pub counting: usize,
    /// The probability of a wrong certificate, of each image.
    pub alpha: f64,
    /// Images that the model itself is right on.
    pub accuracy: Share,
    /// Images that the smoothed classifier says something of.
    pub answered: Share,
    /// For each radius, images that it is right on and that are certified so far.
    pub radii: Vec<AtRadius>,
    /// The images, in the order of the set.
    pub certificates: Vec<OfImage>,
    /// The trigger, if there is one.
    pub trigger: Option<AgainstTrigger>,
    /// The model beside clean ones, if there are any.
    pub detection: Option<Detection>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
}

/// A line of the table of radii.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtRadius {
    /// L2 length over pixel values in [0, 1].
    pub radius: f64,
    /// Images that are given their label whatever change of a smaller length is made to them.
    pub right: Share,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfImage {
    /// Its name in the set.
    pub name: String,
    /// Its label.
    pub label: usize,
    /// The smoothed classifier's answer; null where it says nothing.
    pub class: Option<usize>,
    /// No change of a smaller length turns it.
    pub radius: Option<f64>,
}

/// Certifies the answers of a smoothed model, and holds it against clean models if there are any.
/// The observer is told of these.
///
/// # Errors
/// Files that cannot be read, a model that cannot be run or does not work on the images (unless
/// forced), settings that mean nothing, a trigger that cannot be stamped or leads nowhere; a clean
/// model that is of another task, given twice or the model itself.
pub fn certify(request: &CertifyRequest, observer: &dyn ScanObserver) -> Result<Certified, Error> {
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("a certificate is for images: give some (--images)".to_owned())
    })?;
    let scan = ScanRequest {
        max_images: Some(request.scan.max_images.unwrap_or(IMAGES)),
        ..request.scan.clone()
    };
    let subject = Subject::open(&scan, path)?;
    let (classifier, images, labels) = (&subject.classifier, &subject.set.images, &subject.labels);
    // Before the smoothing, which takes minutes.
    let stamped = request.trigger.as_ref();
    let stamped = stamped.map(|source| Stamped::by(source, request.target, &subject));
    let stamped = stamped.transpose()?;
    let smoothing = request.smoothing;
    let seed = scan.seed;
    let detection = (!request.clean.paths.is_empty()).then(|| {
        let noise = Noise { smoothing, seed };
        Detection::of(
            &subject,
            stamped.as_ref(),
            &request.clean,
            (noise, &scan),
            observer,
        )
    });
    let detection = detection.transpose()?;
    let made = smoothing.certify(classifier, images.pixels(), seed)?;
    let trigger = stamped.map(|stamped| {
        let with_trigger = smoothing.certify(classifier, &stamped.pixels, seed)?;
        stamped.against(labels, (&made, &with_trigger))
    });
    let certificates = made.iter().zip(labels).zip(images.names());
    let certificates = certificates.map(|((made, &label), name)| OfImage {
        name: name.clone(),
        label,
        class: made.radius.map(|_| made.class),
        radius: made.radius,
    });
    let certificates: Vec<OfImage> = certificates.collect();
    let share = |is_so: &dyn Fn(&OfImage) -> bool| shared(certificates.iter().map(is_so));
    let is_right = |of: &OfImage| of.class == Some(of.label);
    let radii = STEPS.map(|step| {
        let radius = step * smoothing.sigma;
        let reaches = |of: &OfImage| is_right(of) && of.radius.is_some_and(|far| far >= radius);
        share(&reaches).map(|right| AtRadius { radius, right })
    });
    let is_correct = subject.answers.iter().zip(labels);
    let accuracy = shared(is_correct.map(|(answer, label)| answer == label))?;
    let answered = share(&|of| of.class.is_some())?;
    Ok(Certified {
        model: subject.file,
        images: path.to_string_lossy().into_owned(),
        labelled: subject.labelled,
        sigma: smoothing.sigma,
        choosing: smoothing.choosing,
        counting: smoothing.counting,
        alpha: smoothing.alpha,
        accuracy,
        answered,
        radii: radii.into_iter().collect::<Result<_, _>>()?,
        certificates,
        trigger: trigger.transpose()?,
        detection,
        warnings: subject.warnings,
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn shared(outcomes: impl Iterator<Item = bool>) -> Result<Share, Error> {
    Share::of(Count::of(outcomes))
}
