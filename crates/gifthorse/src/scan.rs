//! A scan from files to verdict.
//!
//! Each stage is a file of its own: `output` opens the model at one of its outputs, `images` reads
//! and splits the images (`about_images`: what is known of them), `checks` asks whether the model
//! works on them (`misread`: whether it takes them for what they are) and whether its gradients can
//! be followed, `searchable` says which classes the images allow to search, `dormant` wakes units
//! that no clean image wakes, `search` runs the detector within the time given, `work` finds out
//! where searches are kept, `references` scans clean models to measure by, `calibrate` settles what
//! the model is measured by, `conclusion` draws the verdict, `second_opinion` compares the triggers of
//! suspects with their classes, `effects` looks at what the triggers of named classes do inside the
//! model, and `findings`, `coverage` and `pictures` put it down for the report.

pub(crate) mod about_images;
mod baseline;
mod calibrate;
mod chart;
pub(crate) mod checks;
mod conclusion;
mod coverage;
mod dormant;
mod effects;
mod estimate;
mod findings;
pub(crate) mod images;
mod label_order;
mod misread;
pub(crate) mod output;
pub(crate) mod pictures;
mod references;
mod search;
mod searchable;
mod second_opinion;
pub(crate) mod turns;
mod unsure;
mod work;

use std::collections::BTreeMap;
use std::time::Instant;

use gifthorse_defense::detect::Detector;
use gifthorse_defense::subject::{Facts, Subject};
use gifthorse_defense::witness::method;
use gifthorse_report::report::{Detection, SCHEMA_VERSION};
use gifthorse_report::{Evidence, Report};

use crate::hash::of_weights;
use crate::memory::{ScanMemory, held_now, largest_batch};
use crate::model::OpenModel;
use crate::observer::{ScanObserver, Stage};
use crate::plan::{PlanNode, nodes};
use crate::work::{Hashes, WorkFolder};
use crate::{Error, ScanRequest, preprocessing};
use baseline::Earlier;
use calibrate::Calibrated;
use checks::Fit;
use conclusion::{Conclusion, Seen};
use dormant::Looked;
use images::{ImageSet, SplitSet};
use search::Searched;
use searchable::Searchable;

/// What a scan comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanOutcome {
    /// The report, as [`gifthorse_report::write_out`] writes it.
    pub report: Report,
    /// The recovered triggers of all classes whose search ended, with stamped examples for the
    /// suspicious ones.
    pub evidence: Evidence,
    /// What each node of the model took, over all passes of the scan.
    pub profile: Vec<PlanNode>,
}

/// Scans a model: reads it and the images, checks that they fit each other and that gradients can
/// be followed, searches a trigger to each class, and draws the verdict.
///
/// Work is shared out over the current rayon pool. The outcome depends on the request alone, but
/// for times and unless `max_time` or the observer ends a search.
///
/// # Errors
/// Files that cannot be read, a model that cannot be run, a request that does not fit them, and,
/// unless forced, a model that does not work on the images ([`Error::BetterPreprocess`],
/// [`Error::LabelOrder`], [`Error::NearChance`]). A model of which nothing can be said is no error
/// but an inconclusive verdict.
pub fn scan(request: &ScanRequest, observer: &dyn ScanObserver) -> Result<ScanOutcome, Error> {
    let clock = Instant::now();
    let started = jiff::Timestamp::now();
    let held_before = held_now();
    request.check()?;
    let folder = request.work.as_deref();
    let folder = folder.map(WorkFolder::open).transpose()?;

    observer.begins(request.max_time);
    observer.stage(Stage::Model);
    let OpenModel {
        classifier,
        graph,
        mut described,
        said,
    } = output::open(request)?;
    let detectors = runnable(request, classifier.classes(), observer)?;
    let units = detectors
        .iter()
        .map(|detector| request.units(detector.as_ref(), classifier.classes()))
        .collect::<Result<Vec<_>, _>>()?;
    let earlier = Earlier::read(request, &classifier)?;

    observer.stage(Stage::Images);
    let set = match &request.images {
        Some(path) => Some(ImageSet::load(request, path, &classifier)?),
        None => None,
    };
    let labels = set.as_ref().and_then(|set| set.about.label_classes);
    described.outputs = OpenModel::outputs_beside(&classifier, labels, &request.beside);
    let told = output::told(&described);
    told.iter().for_each(|told| observer.warning(told));
    let warnings = set.iter().flat_map(|set| &set.about.warnings);
    warnings.for_each(|warning| observer.warning(warning));
    let passed_over = set
        .iter()
        .filter_map(|set| set.about.passed_over_in_words());
    passed_over.for_each(|words| observer.warning(&words));
    let count = set.as_ref().map_or(0, |set| set.about.count);
    let counts: Vec<usize> = units.iter().map(Vec::len).collect();
    let memory = ScanMemory::predict(&classifier, count, &detectors, &counts, held_before)?;
    observer.memory(&memory);
    if let Err(refusal) = memory.check(&request.model) {
        if !request.force {
            return Err(refusal);
        }
        observer.warning(&format!("forced to go on although {refusal}"));
    }
    if let Some(warning) = checks::slow(&classifier, count)? {
        observer.warning(&warning);
    }

    observer.stage(Stage::Preflight);
    let fit = Fit::check(request, classifier, set.as_ref(), said.as_ref())?;
    fit.messages
        .iter()
        .for_each(|message| observer.warning(message));
    let images = match set {
        Some(set) => Some(
            set.usable(&fit.measured)
                .split(&fit.predictions, request.seed)?,
        ),
        None => None,
    };
    let known = references::gather(request, &described.sha256, &fit.classifier, observer)?;
    let methods = detectors
        .iter()
        .map(|detector| method(detector.as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    let calibrated = Calibrated::choose(known, &methods, request, observer)?;
    if let Some(folder) = &folder {
        let weights = of_weights(&graph).map_err(|source| Error::Model {
            path: request.model.clone(),
            source: Box::new(source),
        })?;
        let images = images.as_ref().map(SplitSet::identity);
        let hashes = Hashes {
            model: &described.sha256,
            weights: &weights,
            images: images.as_deref().unwrap_or("none"),
        };
        work::claim(
            folder,
            &hashes,
            request,
            &detectors,
            &fit.classifier,
            observer,
        )?;
    }

    observer.stage(Stage::Health);
    let facts = Facts::default();
    let subject = Subject {
        classifier: &fit.classifier,
        images: images.as_ref().map(SplitSet::clean),
        seed: request.seed,
        facts: &facts,
    };
    let health = checks::gradients(&subject)?;
    let deadline = search::deadline(clock, request.max_time);
    dormant::rests(&subject, &mut described.structure, deadline)?;
    let looked = match health.ok && fit.misfit.is_none() {
        true => dormant::look(&subject, request.max_time, deadline)?,
        false => Looked::LeftOut("gradients cannot be followed".to_owned()),
    };

    let class_names = images
        .as_ref()
        .map_or(&[][..], |images| &images.about.class_names);
    let class_names = if class_names.is_empty() {
        &fit.classifier.network().ends().class_names
    } else {
        class_names
    };
    let searchable: Vec<Searchable> = detectors
        .iter()
        .zip(units)
        .map(|(detector, units)| {
            let search = images.as_ref().map(|images| &images.search);
            let searchable = Searchable::of(detector.as_ref(), units, search);
            let warning = searchable.warning(detector.as_ref(), class_names);
            warning.iter().for_each(|warning| observer.warning(warning));
            searchable
        })
        .collect();

    observer.stage(Stage::Search);
    let mut searches: Vec<_> = detectors
        .iter()
        .map(Box::as_ref)
        .zip(&searchable)
        .enumerate()
        .collect();
    // The cheap ones first, lest one that takes long leaves them no time.
    searches.sort_by_key(|(_, (detector, searchable))| {
        detector.most_updates_of(searchable.units.len()) * detector.batch()
    });
    let mut found = BTreeMap::new();
    for (place, (detector, searchable)) in searches {
        let units = &searchable.units;
        let mut searched = if health.ok && fit.misfit.is_none() && !units.is_empty() {
            let keeper = work::keeper(folder.as_ref(), detector, &fit.classifier, observer);
            Searched::run(
                detector,
                &subject,
                units,
                deadline,
                keeper.as_ref(),
                observer,
            )?
        } else {
            Searched::none(detector, units.len(), fit.classifier.classes())
        };
        searchable.complete(&mut searched);
        found.insert(place, searched);
    }
    let mut all: Vec<Searched> = found.into_values().collect();

    observer.stage(Stage::Verdict);
    let seen = Seen {
        health: &health,
        fit: &fit,
        model: &described,
        dormant: &looked,
    };
    let conclusion = Conclusion::draw(&all, &seen, calibrated, request)?;
    let suspects = &conclusion.decision.suspects;
    let opinions = match request.second_opinion {
        true => second_opinion::ask(&subject, &mut all, suspects)?,
        false => Vec::new(),
    };
    let shape = fit.classifier.shape();
    let mut evidence = Evidence::default();
    for searched in &all {
        let of_detector = pictures::evidence(searched, &subject, suspects, fit.labelled)?;
        evidence.units.extend(of_detector);
    }
    let detections = all
        .iter()
        .map(|searched| findings::detection(searched, &conclusion, shape, class_names));
    let mut detections: Vec<Detection> = detections.collect();
    let targets = &conclusion.decision.targets;
    effects::add(&mut detections, &all, &subject, targets, deadline, observer);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        verdict: conclusion.verdict,
        reasons: [conclusion.decision.reasons.as_slice(), &opinions].concat(),
        targets: conclusion.decision.targets.clone(),
        p_value: conclusion.decision.p_value,
        fpr: request.fpr,
        calibration: conclusion.calibration.clone(),
        baseline: None,
        policy: None,
        coverage: coverage::coverage(&all, &conclusion, &seen),
        model: described,
        images: images.as_ref().map(|images| images.described(request)),
        preprocess: preprocessing::in_report(&fit.classifier, request),
        preflight: fit.preflight.clone(),
        health: Some(checks::health_in_report(&health)),
        dormant_units: looked.found().cloned(),
        classes: conclusion.classes(class_names),
        detectors: detections,
        seed: request.seed,
        threads: rayon::current_num_threads(),
        seconds: clock.elapsed().as_secs_f64(),
        started: rfc3339(started),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    report.baseline = earlier.map(|earlier| earlier.compare(&report));
    let batch = largest_batch(detectors.iter().map(Box::as_ref));
    Ok(ScanOutcome {
        report,
        evidence,
        profile: nodes(fit.classifier.network(), batch)?,
    })
}

/// The detectors that are asked for and that can run: without images, those that need none.
///
/// # Errors
/// A detector that there is not, or none that can run.
fn runnable(
    request: &ScanRequest,
    classes: usize,
    observer: &dyn ScanObserver,
) -> Result<Vec<Box<dyn Detector>>, Error> {
    let titles = |detectors: &[Box<dyn Detector>]| {
        let titles = detectors.iter().map(|detector| detector.about().title);
        titles.collect::<Vec<_>>().join(" and ")
    };
    let asked = request.detectors()?;
    let (blind, able): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|detector| request.images.is_none() && detector.about().needs_images);
    if able.is_empty() {
        return Err(Error::Request(format!(
            "{} cannot run without clean images (--images)",
            titles(&blind)
        )));
    }
    if !blind.is_empty() {
        observer.warning(&format!(
            "without clean images (--images) {} cannot run, and nothing confirms what is found",
            titles(&blind)
        ));
    }
    let (mute, kept): (Vec<_>, Vec<_>) = able
        .into_iter()
        .partition(|detector| detector.units(classes).is_empty());
    if kept.is_empty() {
        return Err(Error::Request(format!(
            "{} cannot say anything of a model of {classes} classes: give other detectors",
            titles(&mute)
        )));
    }
    if !mute.is_empty() {
        observer.warning(&format!(
            "not run, since of a model of {classes} classes they cannot say anything: {}",
            titles(&mute)
        ));
    }
    Ok(kept)
}

/// A moment as RFC 3339 writes it, to the second.
fn rfc3339(moment: jiff::Timestamp) -> String {
    moment
        .round(jiff::Unit::Second)
        .unwrap_or(moment)
        .to_string()
}
