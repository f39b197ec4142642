//! The search of one class: one layer after the other.

use std::collections::BTreeSet;
use std::time::Instant;

use gifthorse_engine::Layer;

use super::config::Config;
use super::layer_search::{Consensus, LayerSearch};
use super::layers::layers;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, picture_margin};
use crate::subject::{Subject, spread_over_classes};
use crate::trigger::Trigger;

/// The margin of the picture that is shown, as it is stored with 8 bits a value.
const PICTURE_MARGIN: &str = "picture_margin";

/// A search for what all images have in common on their way to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    layers: Vec<Layer>,
    images: Vec<usize>,
    under_way: Option<LayerSearch<'a>>,
    done: Vec<Consensus>,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let images = images(&subject, config, target)?;
        Ok(Self {
            layers: layers(subject.classifier)?,
            subject,
            config,
            target,
            images,
            under_way: None,
            done: Vec::new(),
            seconds: 0.0,
        })
    }

    /// The search where a snapshot left it, at the beginning of a layer.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        config: &'a Config,
        target: usize,
        kept: Snapshot,
    ) -> Result<Self, Error> {
        let search = Self::new(subject, config, target)?;
        let names: Vec<String> = search
            .layers
            .iter()
            .map(|it| it.name().to_owned())
            .collect();
        kept.check(&search.belongs(), &names)?;
        Ok(Self {
            done: kept.done,
            seconds: kept.seconds,
            ..search
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.target),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.images.len(),
            settings: self.config.fingerprint(),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let mut search = match self.under_way.take() {
            Some(search) => search,
            None => {
                let layer = self.layers[self.done.len()].clone();
                LayerSearch::new(
                    self.subject,
                    self.config,
                    (self.target, layer),
                    &self.images,
                )?
            }
        };
        search.step()?;
        if search.has_ended() {
            self.done.push(search.outcome());
        } else {
            self.under_way = Some(search);
        }
        Ok(())
    }

    fn measures(&self, picture: &Trigger) -> Result<Vec<Measure>, Error> {
        let measure = |name: String, value: f64, unit: &str| Measure {
            name,
            value,
            unit: unit.to_owned(),
        };
        let mut measures = Vec::new();
        for (place, at) in self.done.iter().enumerate() {
            let place = place + 1;
            measures.push(measure(format!("spread_{place}"), at.spread, ""));
            measures.push(measure(format!("consensus_{place}"), at.length, ""));
        }
        let last = self.done.last().map_or(0.0, |at| at.perturbation);
        measures.push(measure("perturbation".to_owned(), last, "pixel values"));
        let margin = picture_margin(self.subject.classifier, picture, self.target)?;
        measures.push(measure(PICTURE_MARGIN.to_owned(), margin, "logits"));
        Ok(measures)
    }
}

/// The geometric mean of the spreads at the layers; infinite without any.
fn statistic(done: &[Consensus]) -> f64 {
    if done.is_empty() {
        return f64::INFINITY;
    }
    let logarithms: f64 = done.iter().map(|at| at.spread.ln()).sum();
    (logarithms / done.len() as f64).exp()
}

/// Places of the images that are perturbed: of other classes than the target, evenly over these, on
/// average at most [`Config::per_class`] of each.
fn images(subject: &Subject<'_>, config: &Config, target: usize) -> Result<Vec<usize>, Error> {
    let search = subject.images()?.search;
    let labels = search.labels().ok_or(Error::NoLabels)?;
    let others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != target).collect();
    if others.is_empty() {
        return Err(Error::NoImages(target));
    }
    let of_others: BTreeSet<usize> = others.iter().map(|&image| labels[image]).collect();
    let most = config.images.min(config.per_class * of_others.len());
    Ok(spread_over_classes(labels, others.into_iter(), most))
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.step()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done.len() >= self.layers.len()
    }

    fn steps(&self) -> usize {
        let done: usize = self.done.iter().map(|at| at.steps).sum();
        done + self.under_way.as_ref().map_or(0, LayerSearch::steps)
    }

    fn updates(&self) -> usize {
        self.steps()
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let kept = Snapshot::new(self.belongs(), self.done.clone(), self.seconds);
        Ok(serde_json::to_string(&kept)?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let Some(last) = self.done.last() else {
            return Ok(Finding {
                reason: Some("the model has no inner layer".to_owned()),
                ..unfinished
            });
        };
        let picture = Trigger::picture(&last.picture);
        let reached = self
            .done
            .iter()
            .all(|at| at.reached && at.spread.is_finite());
        Ok(Finding {
            state: match reached {
                true => State::Reached,
                false => State::Unreached,
            },
            statistic: if reached { unfinished.statistic } else { 0.0 },
            measures: self.measures(&picture)?,
            trigger: Some(picture),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            statistic: statistic(&self.done),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
