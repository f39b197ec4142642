//! Clean images in two parts: to fit the score to, and to set the threshold by.

use std::collections::HashSet;

use gifthorse_data::{Images, split_holdout};

use super::seen::Seen;
use crate::Error;

/// Share of the images that the threshold is set by.
const THRESHOLD: f64 = 0.5;
/// Share at most of those that no trigger was searched with.
const MOST_OF_UNSEEN: f64 = 0.9;

/// Images of two kinds that share none, labelled.
pub(super) struct Parts {
    pub fit: Images,
    pub threshold: Images,
}

impl Parts {
    /// Divides images, each class by itself. Those that triggers were `searched` with are none of
    /// the second kind: what a filter says of them hangs on them.
    ///
    /// # Errors
    /// Too few images.
    pub fn of(images: &Images, searched: &Seen, seed: u64) -> Result<Self, Error> {
        let labels = images.labels().unwrap_or_default();
        let unseen: Vec<usize> = (0..images.len())
            .filter(|&place| !searched.has(images.image(place)))
            .collect();
        let of_unseen: Vec<usize> = unseen.iter().map(|&place| labels[place]).collect();
        let share = THRESHOLD * images.len() as f64 / unseen.len().max(1) as f64;
        let (_, threshold) = split_holdout(&of_unseen, share.min(MOST_OF_UNSEEN), seed);
        let threshold: Vec<usize> = threshold.iter().map(|&place| unseen[place]).collect();
        let taken: HashSet<usize> = threshold.iter().copied().collect();
        let fit = (0..images.len()).filter(|place| !taken.contains(place));
        let fit: Vec<usize> = fit.collect();
        if fit.is_empty() || threshold.is_empty() {
            return Err(Error::Request(format!(
                "{} clean images ({} of them not used to search) are too few for a filter: give two of each class or more \
                 (--images, --max-images)",
                images.len(),
                unseen.len()
            )));
        }
        Ok(Self {
            fit: images.subset(&fit),
            threshold: images.subset(&threshold),
        })
    }
}
