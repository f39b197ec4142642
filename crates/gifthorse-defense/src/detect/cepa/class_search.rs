//! The search of one class: one layer after the other, with images of all other classes or of one
//! after the other.

use std::collections::BTreeSet;
use std::time::Instant;

use gifthorse_engine::Layer;

use super::config::{Config, Preset};
use super::consensus::Consensus;
use super::layer_search::LayerSearch;
use super::layers::layers;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::{Subject, spread_over_classes};
use crate::trigger::{Additive, Trigger};

/// The source class of the pair that counts.
const SOURCE: &str = "source";

/// Images that are pushed together.
struct Group {
    /// Their class, if they are of one.
    source: Option<usize>,
    /// Their places among the images to search with.
    images: Vec<usize>,
}

/// A search for what all images have in common on their way to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    layers: Vec<Layer>,
    groups: Vec<Group>,
    under_way: Option<LayerSearch<'a>>,
    /// Of each group, that of each layer.
    done: Vec<Consensus>,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let groups = groups(&subject, config, target)?;
        Ok(Self {
            layers: layers(subject.classifier)?,
            subject,
            config,
            target,
            groups,
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
        let names = search.groups.iter().flat_map(|_| &search.layers);
        let names: Vec<String> = names.map(|layer| layer.name().to_owned()).collect();
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
            images: self.groups.iter().map(|group| group.images.len()).sum(),
            settings: self.config.fingerprint(),
        }
    }

    fn step(&mut self) -> Result<(), Error> {
        let mut search = match self.under_way.take() {
            Some(search) => search,
            None => {
                let layer = self.layers[self.done.len() % self.layers.len()].clone();
                let group = &self.groups[self.done.len() / self.layers.len()];
                let task = (self.target, layer);
                LayerSearch::new(self.subject, self.config, task, &group.images)?
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

    /// The group whose moves have most in common, with what each layer came to; `None` before a
    /// group has been through all layers.
    fn closest(&self) -> Option<(&Group, &[Consensus])> {
        let groups = self.groups.iter();
        let each = groups.zip(self.done.chunks_exact(self.layers.len().max(1)));
        each.min_by(|a, b| statistic(a.1).total_cmp(&statistic(b.1)))
    }
}

/// What is told of the group that counts.
fn measures(group: &Group, done: &[Consensus]) -> Vec<Measure> {
    let measure = |name: &str, value: f64, unit: &str| Measure {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
    };
    let mut measures = Vec::new();
    for (place, at) in done.iter().enumerate() {
        let place = place + 1;
        measures.push(measure(&format!("spread_{place}"), at.spread, ""));
        measures.push(measure(&format!("consensus_{place}"), at.length, ""));
    }
    let last = done.last().map_or(0.0, |at| at.perturbation);
    measures.push(measure("perturbation", last, "pixel values"));
    let source = group
        .source
        .map(|source| measure(SOURCE, source as f64, ""));
    measures.into_iter().chain(source).collect()
}

/// The geometric mean of the spreads at the layers; infinite where one was not reached.
fn statistic(done: &[Consensus]) -> f64 {
    if done.is_empty() || done.iter().any(|at| !at.reached) {
        return f64::INFINITY;
    }
    let logarithms: f64 = done.iter().map(|at| at.spread.ln()).sum();
    (logarithms / done.len() as f64).exp()
}

/// The images that are perturbed: all together, or of each class by itself.
fn groups(subject: &Subject<'_>, config: &Config, target: usize) -> Result<Vec<Group>, Error> {
    if config.preset != Preset::Pairs {
        return Ok(vec![Group {
            source: None,
            images: images(subject, config, target)?,
        }]);
    }
    let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
    let sources: BTreeSet<usize> = labels.iter().copied().collect();
    let group = |source: usize| Group {
        source: Some(source),
        images: (0..labels.len())
            .filter(|&i| labels[i] == source)
            .take(config.per_class)
            .collect(),
    };
    let sources = sources.into_iter().filter(|&source| source != target);
    let groups: Vec<Group> = sources.map(group).collect();
    match groups.is_empty() {
        true => Err(Error::NoImages(target)),
        false => Ok(groups),
    }
}

/// Places of the images of other classes than the target, evenly over these, on average at most
/// [`Config::per_class`] of each.
///
/// # Errors
/// Images without labels, or none of another class.
pub(super) fn images(
    subject: &Subject<'_>,
    config: &Config,
    target: usize,
) -> Result<Vec<usize>, Error> {
    let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
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
        self.done.len() >= self.groups.len() * self.layers.len()
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
        let Some((group, done)) = self.closest() else {
            return Ok(Finding {
                reason: Some("the model has no inner layer".to_owned()),
                ..unfinished
            });
        };
        let delta = done.last().map(|at| at.delta.clone()).unwrap_or_default();
        let trigger = Trigger::Additive(Additive { values: delta });
        let images = self.subject.images()?;
        let on = |images| evaluate_trigger(self.subject.classifier, images, &trigger, self.target);
        let (tried, holdout) = (on(images.search)?, on(images.holdout)?);
        let reached = unfinished.statistic.is_finite();
        Ok(Finding {
            state: match reached {
                true => State::Reached,
                false => State::Unreached,
            },
            statistic: if reached { unfinished.statistic } else { 0.0 },
            measures: measures(group, done),
            trigger: Some(trigger),
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        let closest = self.closest();
        Finding {
            state,
            statistic: closest.map_or(f64::INFINITY, |(_, done)| statistic(done)),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
