//! Answers that no small change of an image can turn: randomised smoothing.

use gifthorse_defense::certify::{Certificate, Smoothing};
use gifthorse_defense::count::Count;
use gifthorse_defense::explain::{Case, Success};
use gifthorse_engine::Classifier;
use serde::Serialize;

use crate::explain::TriggerSource;
use crate::explain::trigger::Stampable;
use crate::model::OpenModel;
use crate::repair::record::{ModelFile, Share};
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use crate::{Error, ScanRequest};

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

/// What the certificates say of a trigger, and what it does to the smoothed classifier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgainstTrigger {
    /// As it was called.
    pub name: String,
    /// The class that it leads to.
    pub target: usize,
    /// Median length of what it changes in an image.
    pub length: f64,
    /// Images of other classes on which it is shorter than the radius, so that it cannot turn
    /// their answer.
    pub covered: Share,
    /// Images of other classes that the model itself takes for the target with the trigger on
    /// them,
    pub success: Share,
    /// and the smoothed classifier,
    pub smoothed_success: Share,
    /// and those that it gives their own label with the trigger on them.
    pub smoothed_robust: Share,
}

/// Certifies the answers of a smoothed model.
///
/// # Errors
/// Files that cannot be read, a model that cannot be run or does not work on the images (unless
/// forced), settings that mean nothing, a trigger that cannot be stamped or leads nowhere.
pub fn certify(request: &CertifyRequest) -> Result<Certified, Error> {
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("a certificate is for images: give some (--images)".to_owned())
    })?;
    let scan = ScanRequest {
        max_images: Some(request.scan.max_images.unwrap_or(IMAGES)),
        ..request.scan.clone()
    };
    let OpenModel {
        classifier,
        described,
        said,
        ..
    } = output::open(&scan)?;
    let mut warnings = output::told(&described);
    let set = ImageSet::load(&scan, path, &classifier)?;
    warnings.extend(set.about.warnings.iter().cloned());
    warnings.extend(set.about.passed_over_in_words());
    let fit = Fit::check(&scan, classifier, Some(&set), said.as_ref())?;
    warnings.extend(fit.messages);
    let (classifier, images) = (&fit.classifier, &set.images);
    let answers = classifier.predict(images.pixels())?;
    let labels = match images.labels() {
        Some(labels) => labels.to_vec(),
        None => answers.clone(),
    };
    // Before the smoothing, which takes minutes.
    let stamped = request.trigger.as_ref().map(|source| {
        let trigger = Stampable::read(source, classifier.shape())?;
        let stamped = trigger.stamp(images)?;
        let case = Case::new(classifier, &labels, images.pixels(), &stamped)?;
        let success = Success::of(&case, request.target)?;
        let (target, success) = (success.target, Share::of(success.overall)?);
        Ok::<_, Error>((source.name(), stamped, target, success))
    });
    let stamped = stamped.transpose()?;
    let smoothing = request.smoothing;
    let made = smoothing.certify(classifier, images.pixels(), scan.seed)?;
    let trigger = stamped.map(|(name, stamped, target, success)| {
        let stamped = Stamped {
            classifier,
            clean: images.pixels(),
            stamped: &stamped,
            labels: &labels,
            target,
        };
        stamped.against((name, success), request, &made)
    });
    let certificates = made.iter().zip(&labels).zip(images.names());
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
    Ok(Certified {
        model: ModelFile {
            path: described.path,
            sha256: described.sha256,
        },
        images: path.to_string_lossy().into_owned(),
        labelled: fit.labelled,
        sigma: smoothing.sigma,
        choosing: smoothing.choosing,
        counting: smoothing.counting,
        alpha: smoothing.alpha,
        accuracy: shared(
            answers
                .iter()
                .zip(&labels)
                .map(|(answer, label)| answer == label),
        )?,
        answered: share(&|of| of.class.is_some())?,
        radii: radii.into_iter().collect::<Result<_, _>>()?,
        certificates,
        trigger: trigger.transpose()?,
        warnings,
        seed: scan.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn shared(outcomes: impl Iterator<Item = bool>) -> Result<Share, Error> {
    Share::of(Count::of(outcomes))
}

/// Images with a trigger on them.
struct Stamped<'a> {
    classifier: &'a Classifier,
    labels: &'a [usize],
    /// `[images, channels, height, width]`
    clean: &'a [f32],
    stamped: &'a [f32],
    /// The class that it leads to.
    target: usize,
}

impl Stamped<'_> {
    /// Holds the certificates of the clean images against the trigger.
    fn against(
        &self,
        (name, success): (String, Share),
        request: &CertifyRequest,
        made: &[Certificate],
    ) -> Result<AgainstTrigger, Error> {
        let target = self.target;
        let seed = request.scan.seed;
        let with_trigger = request
            .smoothing
            .certify(self.classifier, self.stamped, seed)?;
        let others = || (0..self.labels.len()).filter(|&place| self.labels[place] != target);
        let answer = |place: usize| {
            let certificate: &Certificate = &with_trigger[place];
            certificate.radius.map(|_| certificate.class)
        };
        let lengths = self.lengths();
        let covers = |place: usize| {
            made[place]
                .radius
                .is_some_and(|radius| radius > lengths[place])
        };
        Ok(AgainstTrigger {
            name,
            target,
            length: median(others().map(|place| lengths[place])),
            covered: shared(others().map(covers))?,
            success,
            smoothed_success: shared(others().map(|place| answer(place) == Some(target)))?,
            smoothed_robust: shared(
                others().map(|place| answer(place) == Some(self.labels[place])),
            )?,
        })
    }

    /// The length of what the trigger changes in each image.
    fn lengths(&self) -> Vec<f64> {
        let size = self.clean.len() / self.labels.len().max(1);
        let images = self
            .clean
            .chunks(size.max(1))
            .zip(self.stamped.chunks(size.max(1)));
        let length = |(clean, stamped): (&[f32], &[f32])| {
            let squares = clean.iter().zip(stamped);
            let squares = squares.map(|(clean, stamped)| f64::from(stamped - clean).powi(2));
            squares.sum::<f64>().sqrt()
        };
        images.map(length).collect()
    }
}

/// The one in the middle, of an even number the lower; 0 of none.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
        .get(numbers.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0.0)
}
