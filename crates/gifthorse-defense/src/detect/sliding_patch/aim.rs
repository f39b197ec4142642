//! What images a window is laid over, and what is made of how far it leads them.

use super::images::{FEWEST_IMAGES, Led, Shown, furthest, right_of_classes};
use crate::error::Error;
use crate::finding::Destination;
use crate::label_map::LabelMap;
use crate::search::{evaluate_away, evaluate_from};
use crate::subject::Subject;
use crate::trigger::Trigger;
use crate::verdict::{Confirmation, median};

/// Classes with enough images that are needed: with fewer, a place has too little in common to take
/// out.
pub const FEWEST_CLASSES: usize = 6;
/// Classes that are searched from one by one, at most,
const MOST_SOURCES: usize = 48;
/// and images of each,
const IMAGES: usize = 8;
/// also in the last search.
const LAST_IMAGES: usize = 32;
/// Images of all classes together, or two of each where these are more,
const IMAGES_OF_ALL: usize = 36;
/// but no more than this, which is also how many the last search has.
const MOST_OF_ALL: usize = 96;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Where a window leads images of all classes to one.
    All,
    /// Where a window leads images of one class away as it does no other.
    Each,
}

/// What is searched for in a model, with the images for it.
pub struct Aim {
    sources: Sources,
    /// One set of images for all classes, or one for each; none if there are too few.
    shown: Vec<Shown>,
}

/// A place that stands out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The class whose images are led away there; `None` for all.
    pub source: Option<usize>,
    /// The class that they are led to.
    pub target: usize,
    /// The number of the window.
    pub window: usize,
    /// How far it stands out.
    pub prominence: f64,
}

/// What a trigger does.
pub struct Tried {
    /// Where the images to search with are led, if they are of all classes.
    pub map: Vec<Option<Destination>>,
    /// Of the images to search with, how many are led where they are to go.
    pub success_rate: f64,
    /// The same of held-out images.
    pub confirmation: Confirmation,
}

impl Sources {
    /// Images of a pass, at most.
    pub fn batch(self) -> usize {
        match self {
            Self::All => MOST_OF_ALL,
            Self::Each => LAST_IMAGES,
        }
    }

    /// Searches at each place of a model of ten classes.
    pub fn usual_searches(self) -> usize {
        match self {
            Self::All => 1,
            Self::Each => 10,
        }
    }

    /// All settings, by name.
    pub fn settings(self) -> Vec<(&'static str, usize)> {
        let fewest = ("fewest_images", FEWEST_IMAGES);
        match self {
            Self::All => vec![
                fewest,
                ("images", IMAGES_OF_ALL),
                ("most_images", MOST_OF_ALL),
            ],
            Self::Each => vec![
                fewest,
                ("most_sources", MOST_SOURCES),
                ("images", IMAGES),
                ("last_images", LAST_IMAGES),
            ],
        }
    }
}

/// At most so many images that the model is right on, spread evenly over the classes.
fn spread(subject: &Subject<'_>, most: usize) -> Result<Shown, Error> {
    let all: Vec<usize> = (0..subject.images()?.search.len()).collect();
    Shown::of(
        subject,
        &subject.facts.right_and_spread(subject, &all, most)?,
    )
}

impl Aim {
    /// The aim with the images for it.
    ///
    /// # Errors
    /// Images without labels, or a model that cannot be run.
    pub fn new(sources: Sources, subject: &Subject<'_>) -> Result<Self, Error> {
        let classes = right_of_classes(subject, IMAGES)?;
        let shown = match sources {
            _ if classes.len() < FEWEST_CLASSES => Vec::new(),
            Sources::All => {
                let most = (2 * classes.len()).clamp(IMAGES_OF_ALL, MOST_OF_ALL);
                vec![spread(subject, most)?]
            }
            Sources::Each => {
                let every = classes.len().div_ceil(MOST_SOURCES);
                let sources = classes.iter().step_by(every);
                let shown = sources.map(|(_, places)| Shown::of(subject, places));
                shown.collect::<Result<_, _>>()?
            }
        };
        Ok(Self { sources, shown })
    }

    /// What is searched for.
    pub fn sources(&self) -> Sources {
        self.sources
    }

    /// The images that the windows are laid over, set by set.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Why nothing can be searched with, if that is so; in words that go after "the model: ".
    pub fn lacks(&self) -> Option<String> {
        self.shown.is_empty().then(|| {
            format!(
                "there are {FEWEST_IMAGES} images that the model is right on of fewer than \
                 {FEWEST_CLASSES} classes"
            )
        })
    }

    /// How far a usual one of the images lies from the next class, in logits.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn margin(&self, subject: &Subject<'_>) -> Result<f64, Error> {
        let classes = subject.classifier.classes();
        let mut margins = Vec::new();
        for shown in &self.shown {
            let logits = subject.classifier.evaluate(&shown.pixels)?;
            for (logits, &label) in logits.chunks(classes).zip(&shown.labels) {
                let others = (0..classes).filter(|&other| other != label);
                let best = others.map(|other| logits[other]).fold(f32::MIN, f32::max);
                margins.push(f64::from(logits[label]) - f64::from(best));
            }
        }
        Ok(median(margins).unwrap_or(0.0))
    }

    /// What is kept of how far images are led to each class.
    pub fn outcome(&self, led: &[Led]) -> Vec<Led> {
        match self.sources {
            Sources::All => led.to_vec(),
            Sources::Each => furthest(led).into_iter().collect(),
        }
    }

    /// Of the outcomes of all sets of images at so many places each: the classes searched from, or
    /// led to, and a row of places for each.
    pub fn table(&self, outcomes: &[Vec<Led>], places: usize) -> (Vec<usize>, Vec<Led>) {
        match self.sources {
            Sources::Each => {
                let classes = self.shown.iter().filter_map(|shown| shown.labels.first());
                (classes.copied().collect(), outcomes.concat())
            }
            Sources::All => {
                let rows = outcomes.first().map_or(0, Vec::len);
                let row = |row: usize| outcomes[..places].iter().map(move |led| led[row]);
                let cells: Vec<Led> = (0..rows).flat_map(row).collect();
                (
                    cells.iter().step_by(places).map(|led| led.to).collect(),
                    cells,
                )
            }
        }
    }

    /// The images of the last search.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn last_shown(&self, subject: &Subject<'_>, found: &Found) -> Result<Shown, Error> {
        let Some(source) = found.source else {
            return spread(subject, MOST_OF_ALL);
        };
        let classes = right_of_classes(subject, LAST_IMAGES)?;
        let places = classes.into_iter().find(|(class, _)| *class == source);
        Shown::of(subject, &places.map_or_else(Vec::new, |(_, places)| places))
    }

    /// Tries a trigger: whether images of the source go to the target, or those of all classes
    /// leave them.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn try_on(
        &self,
        subject: &Subject<'_>,
        found: &Found,
        trigger: &Trigger,
    ) -> Result<Tried, Error> {
        let images = subject.images()?;
        let classifier = subject.classifier;
        let tried = |images| match found.source {
            Some(source) => evaluate_from(classifier, images, trigger, source, found.target),
            None => evaluate_away(classifier, images, trigger),
        };
        let on_search = tried(images.search)?;
        let map = match found.source {
            Some(_) => Vec::new(),
            None => {
                let right = subject.facts.right(subject)?;
                let places: Vec<usize> = (0..right.len()).filter(|&place| right[place]).collect();
                let map = LabelMap::of(classifier, images.search, &places, trigger)?;
                (0..classifier.classes())
                    .map(|class| map.destination(class))
                    .collect()
            }
        };
        Ok(Tried {
            map,
            success_rate: on_search.successes as f64 / on_search.trials.max(1) as f64,
            confirmation: tried(images.holdout)?,
        })
    }

    /// How many classes were searched from.
    pub fn measure(&self) -> Option<(String, f64)> {
        (self.sources == Sources::Each).then(|| ("sources".to_owned(), self.shown.len() as f64))
    }
}
