//! A fitted filter as the guard's judge.

use gifthorse::OpenFilter;
use gifthorse_defense::filter::Threshold;
use gifthorse_guard::{Form, Judge, Judged};

use crate::cli::GuardArgs;

/// Bounds of the buckets in which scores are counted: the threshold, and so many times its size
/// beyond it.
const AROUND: [f64; 13] = [
    -1.0, -0.75, -0.5, -0.25, -0.1, -0.05, 0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0,
];

/// A filter with its model.
pub struct Filtered {
    filter: OpenFilter,
    threshold: Threshold,
}

impl Filtered {
    /// Opens the filter that the arguments name.
    ///
    /// # Errors
    /// Files that cannot be read, another model than the filter's, a rate that the filter cannot
    /// keep.
    pub fn open(args: &GuardArgs) -> anyhow::Result<Self> {
        let filter = OpenFilter::read(
            &args.filter,
            args.model_file.as_deref(),
            args.repaired.as_deref(),
            args.force,
        )?;
        let threshold = match args.fpr {
            Some(fpr) => filter.file.threshold.at(fpr)?,
            None => filter.file.threshold.clone(),
        };
        Ok(Self { filter, threshold })
    }

    /// How the model's input becomes images again.
    ///
    /// # Errors
    /// Preprocessing that does not fit the model.
    pub fn form(&self) -> anyhow::Result<Form> {
        let classifier = &self.filter.classifier;
        let form = Form::new(
            classifier.shape(),
            classifier.preprocess(),
            classifier.layout(),
        )?;
        Ok(form)
    }
}

impl Judge for Filtered {
    fn shape(&self) -> [usize; 3] {
        self.filter.file.shape
    }

    fn judge(&self, pixels: &[f32]) -> Result<Vec<Judged>, String> {
        let scored = self
            .filter
            .score(pixels)
            .map_err(|error| error.to_string())?;
        let judged = scored.into_iter().map(|scored| Judged {
            score: scored.score,
            p_value: self.threshold.p_value(scored.score),
            flagged: self.threshold.flags(scored.score),
            safe_label: scored.safe_label,
        });
        Ok(judged.collect())
    }

    fn buckets(&self) -> Vec<f64> {
        let threshold = self.threshold.value;
        // A threshold of 0 has a size all the same.
        let size = threshold.abs().max(1e-3);
        AROUND.map(|times| threshold + times * size).to_vec()
    }
}
