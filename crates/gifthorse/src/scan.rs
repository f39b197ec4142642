//! A scan from files to verdict.
//!
//! Each stage is a file of its own: `images` reads and splits the images, `checks` asks whether the model works on them
//! and whether its gradients can be followed, `search` runs the detector within the time given, `work` finds out where
//! searches are kept, `references` scans clean models to measure by, `yardstick` settles what the model is measured against,
//! `conclusion` draws the verdict, and `findings`, `coverage` and `pictures` put it down for the report.

mod baseline;
mod checks;
mod conclusion;
mod coverage;
mod estimate;
mod findings;
pub(crate) mod images;
mod pictures;
mod references;
mod search;
mod work;
mod yardstick;

use std::time::Instant;

use gifthorse_defense::detect::neural_cleanse::{Forgetful, Keeper};
use gifthorse_report::report::SCHEMA_VERSION;
use gifthorse_report::{Evidence, Report};

use crate::hash::of_weights;
use crate::memory::{ScanMemory, held_now};
use crate::model::OpenModel;
use crate::observer::{ScanObserver, Stage};
use crate::plan::{PlanNode, nodes};
use crate::work::{Hashes, WorkFolder};
use crate::{Error, PreprocessChoice, ScanRequest, preprocessing};
use baseline::Earlier;
use checks::Fit;
use conclusion::Conclusion;
use images::ImageSet;
use search::Searched;
use yardstick::Yardstick;

/// What a scan comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanOutcome {
    /// The report, as [`gifthorse_report::write_out`] writes it.
    pub report: Report,
    /// The recovered triggers of all classes whose search ended, with stamped examples for the suspicious ones.
    pub evidence: Evidence,
    /// What each node of the model took, over all passes of the scan.
    pub profile: Vec<PlanNode>,
}

/// Scans a model: reads it and the images, checks that they fit each other and that gradients can be followed, searches
/// a trigger to each class, and draws the verdict.
///
/// Work is shared out over the current rayon pool. The outcome depends on the request alone, but for times and unless
/// `max_time` or the observer ends a search.
///
/// # Errors
/// Files that cannot be read, a model that cannot be run, a request that does not fit them, and, unless forced, a model
/// that does not work on the images ([`Error::BetterPreprocess`], [`Error::LabelOrder`], [`Error::NearChance`]). A
/// model of which nothing can be said is no error but an inconclusive verdict.
pub fn scan(request: &ScanRequest, observer: &dyn ScanObserver) -> Result<ScanOutcome, Error> {
    let clock = Instant::now();
    let started = jiff::Timestamp::now();
    let held_before = held_now();
    request.check()?;
    let folder = request.work.as_deref();
    let folder = folder.map(WorkFolder::open).transpose()?;

    observer.stage(Stage::Model);
    let OpenModel {
        classifier,
        graph,
        described,
    } = OpenModel::read(
        &request.model,
        request.preprocess.first(),
        request.input_size,
    )?;
    let config = request.search_config(classifier.classes())?;
    let earlier = Earlier::read(request, &classifier)?;

    observer.stage(Stage::Images);
    let mut set = ImageSet::load(request, &classifier)?;
    set.warnings
        .iter()
        .for_each(|warning| observer.warning(warning));
    let memory = ScanMemory::predict(&classifier, set.count(), &config, held_before)?;
    observer.memory(&memory);
    if let Err(refusal) = memory.check(&request.model) {
        if !request.force {
            return Err(refusal);
        }
        observer.warning(&format!("forced to go on although {refusal}"));
    }
    if let Some(warning) = checks::slow(&classifier, set.count())? {
        observer.warning(&warning);
    }

    observer.stage(Stage::Preflight);
    let fit = Fit::check(request, classifier, &set.images)?;
    fit.messages
        .iter()
        .for_each(|message| observer.warning(message));
    let (search_images, holdout_images) = set.split(&fit.predictions, request.seed)?;
    let search = config.preset.method();
    let references = references::gather(
        request,
        &described.sha256,
        &search,
        &fit.classifier,
        observer,
    )?;
    let yardstick = Yardstick::choose(references, &search, request, observer)?;
    // Held to the end of the scan, and with it the folder.
    let keeper: Box<dyn Keeper + '_> = match folder {
        Some(folder) => {
            let weights = of_weights(&graph).map_err(|source| Error::Model {
                path: request.model.clone(),
                source: Box::new(source),
            })?;
            let hashes = Hashes {
                model: &described.sha256,
                weights: &weights,
                images: &set.sha256,
            };
            Box::new(work::claim(
                folder,
                &hashes,
                request,
                &config,
                &fit.classifier,
                observer,
            )?)
        }
        None => Box::new(Forgetful),
    };

    observer.stage(Stage::Health);
    let health = gifthorse_defense::health::check(&fit.classifier, &search_images, request.seed)?;

    observer.stage(Stage::Search);
    let searched = if health.ok {
        let images = (&search_images, &holdout_images);
        let keeper = keeper.as_ref();
        Searched::run(&fit.classifier, images, &config, request, keeper, observer)?
    } else {
        Searched::none(&config, fit.classifier.classes())
    };

    observer.stage(Stage::Verdict);
    let conclusion = Conclusion::draw(
        &searched,
        &health,
        &fit,
        &described,
        yardstick,
        (config.preset, request),
    )?;
    let evidence = pictures::evidence(&fit, &holdout_images, &searched, &conclusion, request)?;
    let detection = findings::detection(&searched, &conclusion, &config, &fit, &set.class_names);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        verdict: conclusion.verdict,
        reasons: conclusion.reasons.clone(),
        targets: conclusion.targets.clone(),
        p_value: conclusion.p_value,
        fpr: request.fpr,
        calibration: conclusion.calibration.clone(),
        baseline: None,
        policy: None,
        coverage: coverage::coverage(&searched, &conclusion, &fit),
        model: described,
        images: set.described(request, search_images.len(), holdout_images.len()),
        preprocess: preprocessing::in_report(&fit.classifier, request),
        preflight: Some(fit.preflight.clone()),
        health: Some(checks::health_in_report(&health)),
        detectors: vec![detection],
        seed: request.seed,
        threads: rayon::current_num_threads(),
        seconds: clock.elapsed().as_secs_f64(),
        started: rfc3339(started),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    report.baseline = earlier.map(|earlier| earlier.compare(&report));
    Ok(ScanOutcome {
        report,
        evidence,
        profile: nodes(fit.classifier.network(), config.batch)?,
    })
}

/// A moment as RFC 3339 writes it, to the second.
fn rfc3339(moment: jiff::Timestamp) -> String {
    moment
        .round(jiff::Unit::Second)
        .unwrap_or(moment)
        .to_string()
}

impl PreprocessChoice {
    /// What the model is opened with.
    fn first(&self) -> gifthorse_engine::Preprocess {
        match self {
            Self::Default => gifthorse_engine::Preprocess::default(),
            Self::Given(preprocess) => preprocess.clone(),
            Self::Auto { layout } => gifthorse_engine::Preprocess {
                layout: *layout,
                ..gifthorse_engine::Preprocess::default()
            },
        }
    }
}
