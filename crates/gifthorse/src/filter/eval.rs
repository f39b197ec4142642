//! A filter held against triggers of known truth.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_data::Images;
use gifthorse_defense::count::Count;
use gifthorse_defense::filter::{Scored, Threshold};
use gifthorse_defense::roc::{Auroc, auroc};
use serde::{Deserialize, Serialize};

use super::opened::OpenFilter;
use crate::repair::PlantedTrigger;
use crate::repair::record::Share;
use crate::{Error, ScanRequest};

/// A filter, clean images that it has not seen, and what was really planted.
#[derive(Clone)]
pub struct EvalFilter {
    /// The filter.
    pub filter: PathBuf,
    /// Where the model lies, if it is elsewhere by now.
    pub model: Option<PathBuf>,
    /// The images, labelled; how the model is opened is the filter's.
    pub scan: ScanRequest,
    /// Where the repaired model lies, if the filter asks one and it is elsewhere by now.
    pub repaired: Option<PathBuf>,
    /// What was really planted.
    pub planted: Vec<Arc<dyn PlantedTrigger>>,
    /// The false-positive rates to hold it to; the filter's own if empty.
    pub rates: Vec<f64>,
}

/// What a filter does on images of known truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the method.
    pub method: String,
    /// Clean images that the filter has not seen.
    pub images: usize,
    /// Images of the set that were left out, since the filter was fitted with them.
    pub left_out: usize,
    /// For each rate the clean images that are flagged.
    pub clean: Vec<AtRate>,
    /// What it does on each trigger.
    pub triggers: Vec<OnTrigger>,
    /// Forward passes for an image, that of the model itself included.
    pub passes: f64,
    /// Milliseconds for an image,
    pub milliseconds: f64,
    /// and of them what the model takes by itself.
    pub model_milliseconds: f64,
}

/// A share of images at a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtRate {
    /// The false-positive rate that the threshold is for.
    pub fpr: f64,
    /// The share.
    pub share: Share,
}

/// What a filter does on one trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnTrigger {
    /// The trigger.
    pub name: String,
    /// Stamped images that go where it leads, of all that it leads elsewhere than to their class.
    pub success: Share,
    /// For each rate the stamped images that are not flagged, of all.
    pub missed: Vec<AtRate>,
    /// The same of those that go where it leads: the others do no harm.
    pub missed_of_successful: Vec<AtRate>,
    /// How well the score tells stamped images that go where the trigger leads from clean ones;
    /// null if none do.
    pub auroc: Option<Auroc>,
    /// Images that the safe label gives their own class, of those that go where the trigger leads;
    /// null if the filter has no safe labels.
    pub safe: Option<Share>,
}

/// Measures a filter on clean images that it has not seen, and on the same stamped.
///
/// # Errors
/// Files that cannot be read; images without labels, or none but those that the filter was fitted
/// with; a trigger that does not fit them.
pub fn eval_filter(request: &EvalFilter) -> Result<Evaluation, Error> {
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("a filter is measured on images: give some (--images)".to_owned())
    })?;
    let filter = OpenFilter::read(
        &request.filter,
        request.model.as_deref(),
        request.repaired.as_deref(),
        request.scan.force,
    )?;
    let set = filter.images(&request.scan, path)?;
    if set.images.labels().is_none() {
        return Err(Error::Request(format!(
            "{} has no labels: whether a trigger works is seen on images whose class is known (--labels)",
            path.display()
        )));
    }
    let count = set.images.len();
    let images = filter.unseen(set.images);
    if images.is_empty() {
        return Err(Error::Request(format!(
            "the filter was fitted with all of the {count} images: give others, or more of them (--images, --max-images)"
        )));
    }
    let rates = match &request.rates[..] {
        [] => vec![filter.file.threshold.clone()],
        rates => rates
            .iter()
            .map(|&fpr| filter.file.threshold.at(fpr))
            .collect::<Result<_, _>>()?,
    };
    // The first run compiles the model.
    filter.classifier.predict(images.image(0))?;
    let clock = Instant::now();
    filter.classifier.predict(images.pixels())?;
    let alone = clock.elapsed().as_secs_f64();
    let clock = Instant::now();
    let clean = filter.score(images.pixels())?;
    let seconds = clock.elapsed().as_secs_f64();
    let per_image = 1000.0 / images.len() as f64;
    let measured = Measured {
        filter: &filter,
        images: &images,
        rates: &rates,
        clean: &clean,
    };
    Ok(Evaluation {
        method: filter.file.method.clone(),
        images: images.len(),
        left_out: count - images.len(),
        clean: measured.flagged(clean.iter(), true)?,
        triggers: request
            .planted
            .iter()
            .map(|planted| measured.on(&**planted))
            .collect::<Result<_, _>>()?,
        passes: filter.file.passes,
        milliseconds: per_image * seconds,
        model_milliseconds: per_image * alone,
    })
}

struct Measured<'a> {
    filter: &'a OpenFilter,
    images: &'a Images,
    rates: &'a [Threshold],
    clean: &'a [Scored],
}

impl Measured<'_> {
    /// For each rate, how many images are flagged, or are not.
    fn flagged<'s>(
        &self,
        scored: impl Iterator<Item = &'s Scored> + Clone,
        flagged: bool,
    ) -> Result<Vec<AtRate>, Error> {
        let at = |threshold: &Threshold| {
            let outcomes = scored
                .clone()
                .map(|it| threshold.flags(it.score) == flagged);
            Ok(AtRate {
                fpr: threshold.fpr,
                share: Share::of(Count::of(outcomes))?,
            })
        };
        self.rates.iter().map(at).collect()
    }

    fn on(&self, planted: &dyn PlantedTrigger) -> Result<OnTrigger, Error> {
        let labels = self.images.labels().unwrap_or_default();
        let classes = self.filter.classifier.classes();
        let leads = |place: &usize| {
            let target = planted.leads_to(labels[*place], classes);
            target.filter(|&target| target != labels[*place])
        };
        let led: Vec<(usize, usize)> = (0..labels.len())
            .filter_map(|place| Some((place, leads(&place)?)))
            .collect();
        let places: Vec<usize> = led.iter().map(|(place, _)| *place).collect();
        let stamped = planted.stamp(&self.images.subset(&places)).map_err(|why| {
            Error::Request(format!(
                "the trigger {} cannot be stamped: {why}",
                planted.name()
            ))
        })?;
        let scored = self.filter.score(stamped.pixels())?;
        let works = |(scored, (_, target)): &(&Scored, &(usize, usize))| scored.answer == *target;
        let successful: Vec<(&Scored, usize)> = scored
            .iter()
            .zip(&led)
            .filter(works)
            .map(|(scored, (place, _))| (scored, labels[*place]))
            .collect();
        let suspicion = |scored: &[&Scored]| scored.iter().map(|it| it.score).collect::<Vec<f64>>();
        let bad: Vec<&Scored> = successful.iter().map(|(scored, _)| *scored).collect();
        let clean: Vec<&Scored> = self.clean.iter().collect();
        let has_labels = successful
            .iter()
            .any(|(scored, _)| scored.safe_label.is_some());
        let safe = successful
            .iter()
            .map(|(scored, label)| scored.safe_label == Some(*label));
        Ok(OnTrigger {
            name: planted.name(),
            success: Share::of(Count {
                hits: successful.len() as u64,
                trials: scored.len() as u64,
            })?,
            missed: self.flagged(scored.iter(), false)?,
            missed_of_successful: self.flagged(bad.iter().copied(), false)?,
            auroc: auroc(&suspicion(&clean), &suspicion(&bad)),
            safe: has_labels.then(|| Share::of(Count::of(safe))).transpose()?,
        })
    }
}
