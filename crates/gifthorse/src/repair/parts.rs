//! The images in three parts: to learn from, to choose by, and to prove it on.

use std::collections::HashSet;

use gifthorse_data::{Images, split_holdout};
use gifthorse_engine::Classifier;

use super::RepairRequest;
use super::diagnosis::Diagnosis;
use super::record::ImageParts;
use crate::scan::images::{ImageSet, SplitSet};
use crate::{Error, ScanRequest};

/// Most images where nobody says.
const MOST: usize = 10_000;
/// Most values of pixels where nobody says: 1 GiB of them.
const MOST_VALUES: usize = 1 << 28;
/// Share of the images that proves the repair.
const PROOF: f64 = 0.3;
/// Share of the images that triggers were not searched with that proves the repair at most: some
/// are left to learn from and choose by.
const MOST_OF_UNSEEN: f64 = 0.9;
/// Share of the others that repairs choose by.
const CHECK: f64 = 0.25;

/// A fall of accuracy that the proof may miss without a word.
const LARGEST_UNSEEN: f64 = 0.03;

/// Images of three kinds, labelled.
pub(super) struct Parts {
    /// Repairs learn from these,
    pub fit: Images,
    /// choose by these, both with images among them that triggers were searched with,
    pub check: Images,
    /// and are measured on these, which neither search nor repair has seen.
    pub proof: Images,
    labelled: bool,
}

impl Parts {
    /// Reads the images and divides them, each class by itself.
    ///
    /// # Errors
    /// Images that cannot be read; too few of them.
    pub(super) fn load(
        request: &RepairRequest,
        diagnosis: &Diagnosis,
        classifier: &Classifier,
    ) -> Result<Self, Error> {
        let seed = diagnosis.scan.seed;
        let path = request.images()?;
        let values: usize = classifier.shape().iter().product();
        let most = MOST.min(MOST_VALUES / values.max(1)).max(1);
        let all = ScanRequest {
            max_images: Some(request.max_images.unwrap_or(most)),
            ..diagnosis.scan.clone()
        };
        let set = ImageSet::load(&all, path, classifier)?;
        let labelled = set.about.labelled;
        let predictions = predictions(&set, classifier)?;
        let images = set.labelled(&predictions)?;
        let searched = searched(request, diagnosis, classifier)?;
        let labels = images.labels().unwrap_or_default();
        // None of those that triggers were searched with proves anything.
        let unseen: Vec<usize> = (0..images.len())
            .filter(|&place| !searched.contains(&images.names()[place]))
            .collect();
        let of_unseen: Vec<usize> = unseen.iter().map(|&place| labels[place]).collect();
        let share = (PROOF * images.len() as f64 / unseen.len().max(1) as f64).min(MOST_OF_UNSEEN);
        let (_, proof) = split_holdout(&of_unseen, share, seed);
        let proof: Vec<usize> = proof.iter().map(|&place| unseen[place]).collect();
        let taken: HashSet<usize> = proof.iter().copied().collect();
        let rest: Vec<usize> = (0..images.len())
            .filter(|place| !taken.contains(place))
            .collect();
        let of_rest: Vec<usize> = rest.iter().map(|&place| labels[place]).collect();
        let (fit, check) = split_holdout(&of_rest, CHECK, seed + 1);
        let fit: Vec<usize> = fit.iter().map(|&place| rest[place]).collect();
        let check: Vec<usize> = check.iter().map(|&place| rest[place]).collect();
        if check.is_empty() || proof.is_empty() || fit.is_empty() {
            return Err(Error::Request(format!(
                "{} images ({} of them not used to search) are too few to repair with and to prove it on: give at least \
                 three of each class (--images, --max-images)",
                images.len(),
                unseen.len()
            )));
        }
        Ok(Self {
            fit: images.subset(&fit),
            check: images.subset(&check),
            proof: images.subset(&proof),
            labelled,
        })
    }

    /// What so few images cannot show, if they are few: of n images that all keep their class, the
    /// share that would not may still be as large as is missed by n with a chance of 5 %.
    pub(super) fn proves_little(&self) -> Option<String> {
        let count = self.proof.len();
        let unseen = 1.0 - 0.05_f64.powf(1.0 / count.max(1) as f64);
        (unseen > LARGEST_UNSEEN).then(|| {
            format!(
                "only {count} images prove it: accuracy may fall by up to {:.0} points and not be seen to (95 %); give more \
                 images",
                100.0 * unseen
            )
        })
    }

    /// Their numbers.
    pub(super) fn described(&self) -> ImageParts {
        ImageParts {
            fit: self.fit.len(),
            check: self.check.len(),
            proof: self.proof.len(),
            labelled: self.labelled,
        }
    }
}

/// Names of the images that scans search triggers with, the one before and those of repaired models:
/// they draw the same ones, where images have labels of their own.
fn searched(
    request: &RepairRequest,
    diagnosis: &Diagnosis,
    classifier: &Classifier,
) -> Result<HashSet<String>, Error> {
    let set = ImageSet::load(&diagnosis.scan, request.images()?, classifier)?;
    let predictions = predictions(&set, classifier)?;
    let SplitSet { search, .. } = set.split(&predictions, diagnosis.scan.seed)?;
    Ok(search.names().iter().cloned().collect())
}

fn predictions(set: &ImageSet, classifier: &Classifier) -> Result<Vec<usize>, Error> {
    Ok(classifier.predict(set.images.pixels())?)
}
