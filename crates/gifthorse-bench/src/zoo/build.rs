//! Makes the models of a plan, those that are not there yet.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gifthorse_train::{EpochSummary, Observer, StepSummary};

use super::held::Held;
use super::images;
use super::index::{Entry, State, Zoo};
use super::jobs::side_by_side;
use super::plan::{Plan, Planned};
use super::shortcoming::shortcoming;
use super::sift::sift;
use super::store::make_folder;
use super::twins::Twins;
use crate::Error;
use crate::make::{Making, generator_of, make};
use gifthorse::hash;

/// What to make, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildRequest {
    /// The folder that gets the models and `zoo.json`.
    pub out: PathBuf,
    /// The folder of data sets.
    pub data: Option<PathBuf>,
    /// Models made at a time; by default as many as there are threads.
    pub jobs: Option<usize>,
}

/// Watches a build. Methods are called from several threads at once.
pub trait BuildObserver: Sync {
    /// So many models are to be made; so many others are there already.
    fn planned(&self, _to_make: usize, _there: usize) {}
    /// A model is begun.
    fn started(&self, _name: &str) {}
    /// A model's weights are updated.
    fn step(&self, _name: &str, _step: &StepSummary) {}
    /// A model has seen every image once more.
    fn epoch(&self, _name: &str, _summary: &EpochSummary) {}
    /// A model is made, or failed.
    fn finished(&self, _entry: &Entry) {}
}

/// Makes the models of a plan that the folder does not hold yet, each as described by its hash, and
/// gives the list of all models of the folder.
///
/// A model that cannot be made is listed as failed and tried again next time; one that is right on
/// too few images, or whose backdoor did not take, is listed as collapsed. What cannot be planted
/// in its images is found out before any model is trained. Models of the folder that the plan does
/// not have stay.
///
/// # Errors
/// A folder that cannot be written, or that holds a damaged `zoo.json`.
pub fn build(
    plan: &Plan,
    request: &BuildRequest,
    observer: &dyn BuildObserver,
) -> Result<Zoo, Error> {
    let out = request.out.as_path();
    make_folder(&out.join("images"))?;
    let mut zoo = Zoo::read_if_there(out)?.unwrap_or_else(Zoo::empty);
    let mut to_make = Vec::new();
    for planned in &plan.models {
        let entry = entry_for(planned)?;
        let is_there = |old: &&Entry| {
            let generator = generator_of(Path::new(&old.model));
            let files = [&old.model, &old.truth, &old.images, &old.class_names];
            let files = files.map(Path::new).into_iter();
            let files = files.chain(planned.spec.has_generator().then_some(&*generator));
            old.name == entry.name
                && old.spec_hash == entry.spec_hash
                && old.state != State::Failed
                && files.map(|file| out.join(file)).all(|file| file.exists())
        };
        if !zoo.models.iter().any(|old| is_there(&old)) {
            to_make.push((planned, entry));
        }
    }
    observer.planned(to_make.len(), plan.models.len() - to_make.len());
    let (to_make, impossible) = sift(to_make, request.data.as_deref());
    for entry in impossible {
        observer.started(&entry.name);
        observer.finished(&entry);
        zoo.put(entry);
        zoo.write(out)?;
    }
    // Clean models first: they are the twins that backdoored ones are measured beside.
    let (clean, backdoored): (Vec<_>, Vec<_>) = to_make
        .into_iter()
        .partition(|(planned, _)| !planned.spec.is_backdoored());
    let zoo = Mutex::new(zoo);
    for models in [clean, backdoored] {
        let twins = Twins::of(&zoo.lock().unwrap_or_else(PoisonError::into_inner), out);
        make_all(models, request, &twins, &zoo, observer)?;
    }
    let mut zoo = zoo.into_inner().unwrap_or_else(PoisonError::into_inner);
    refresh(&mut zoo, plan);
    zoo.write(out)?;
    Ok(zoo)
}

/// Makes models that do not need one another.
fn make_all(
    mut models: Vec<(&Planned, Entry)>,
    request: &BuildRequest,
    twins: &Twins,
    zoo: &Mutex<Zoo>,
    observer: &dyn BuildObserver,
) -> Result<(), Error> {
    // Models of the same images one after another, so that few images are held at a time.
    let mut order: HashMap<String, usize> = HashMap::new();
    for (_, entry) in &models {
        let next = order.len();
        order.entry(entry.images.clone()).or_insert(next);
    }
    models.sort_by_key(|(_, entry)| order.get(&entry.images).copied());
    let held = Held::for_models(models.iter().map(|(_, entry)| entry.images.as_str()));
    side_by_side(models, request.jobs, |(planned, mut entry)| {
        observer.started(&entry.name);
        let outcome = make_one(planned, &mut entry, request, &held, twins, observer);
        held.done(&entry.images);
        if let Err(error) = outcome {
            if matches!(error, Error::System { .. }) {
                return Err(error);
            }
            entry.state = State::Failed;
            entry.reason = Some(error.in_one_line());
        }
        observer.finished(&entry);
        let mut zoo = zoo.lock().unwrap_or_else(PoisonError::into_inner);
        zoo.put(entry);
        zoo.write(&request.out)
    })
}

/// The groups that models belong to may change without a change to the models, and the list is in
/// the plan's order.
fn refresh(zoo: &mut Zoo, plan: &Plan) {
    let place: HashMap<&str, usize> = plan
        .models
        .iter()
        .enumerate()
        .map(|(place, planned)| (planned.spec.name.as_str(), place))
        .collect();
    for entry in &mut zoo.models {
        if let Some(&place) = place.get(entry.name.as_str()) {
            let planned = &plan.models[place];
            entry.recipe.clone_from(&planned.recipe);
            entry.attack.clone_from(&planned.attack);
        }
    }
    zoo.models.sort_by_key(|entry| {
        place
            .get(entry.name.as_str())
            .copied()
            .unwrap_or(usize::MAX)
    });
}

/// What will be listed, if all goes well.
fn entry_for(planned: &Planned) -> Result<Entry, Error> {
    let spec = &planned.spec;
    let images = serde_json::to_vec(&spec.data);
    let images = images.map_err(|error| Error::Request(error.to_string()))?;
    let images = hash::digest(&images);
    let images = format!("images/{}-{}", spec.data.set, &images[..12]);
    Ok(Entry {
        name: spec.name.clone(),
        state: State::Good,
        reason: None,
        model: format!("{}.onnx", spec.name),
        truth: format!("{}.truth.json", spec.name),
        class_names: format!("{images}.classes.json"),
        images: format!("{images}.npz"),
        spec_hash: spec.hash()?,
        recipe: planned.recipe.clone(),
        data: spec.data.set.to_string(),
        attack: planned.attack.clone(),
        seed: spec.seed,
        clean_accuracy: None,
        seconds: 0.0,
    })
}

fn make_one(
    planned: &Planned,
    entry: &mut Entry,
    request: &BuildRequest,
    held: &Held,
    twins: &Twins,
    observer: &dyn BuildObserver,
) -> Result<(), Error> {
    let out = request.out.as_path();
    let sets = held.get(
        &entry.images,
        &planned.spec.data,
        request.data.as_deref(),
        |sets| {
            let path = out.join(&entry.images);
            images::write(&sets.test, &path, &out.join(&entry.class_names))
        },
    )?;
    let watch = Watch {
        name: &entry.name,
        observer,
    };
    let clean = twins.find(&planned.spec)?;
    let twin = clean.as_ref().map(|clean| clean.classifier()).transpose()?;
    let making = Making {
        observer: &watch,
        twin: twin.as_ref(),
        clean: clean.as_ref().map(|clean| &clean.model),
        ..Making::default()
    };
    let made = make(&planned.spec, &sets, &making)?;
    made.write(&out.join(&entry.model), &out.join(&entry.truth))?;
    entry.clean_accuracy = Some(made.truth.clean_accuracy);
    entry.seconds = made.seconds;
    entry.reason = shortcoming(planned, &made, &sets);
    if entry.reason.is_some() {
        entry.state = State::Collapsed;
    }
    Ok(())
}

struct Watch<'a> {
    name: &'a str,
    observer: &'a dyn BuildObserver,
}

impl Observer for Watch<'_> {
    fn step(&self, step: &StepSummary) {
        self.observer.step(self.name, step);
    }

    fn epoch(&self, summary: &EpochSummary) {
        self.observer.epoch(self.name, summary);
    }
}
