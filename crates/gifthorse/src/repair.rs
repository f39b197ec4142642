//! A repair from files to proof.
//!
//! `request` says what is asked for, `diagnosis` what is wrong with the model (a scan, its report,
//! or what the caller tells), `known` reads the triggers of a report, `parts` divides the images so
//! that the proof is on images that neither search nor repair has seen, `time` shares the time out
//! among all that, `rounds` repairs and scans again, `proof` measures before and after, and `record`
//! is what comes out, as plain data, which `page` shows with the pictures of `shown`.

mod diagnosis;
pub(crate) mod known;
mod page;
mod parts;
mod proof;
pub mod record;
mod request;
mod rounds;
mod shown;
mod time;

use gifthorse_defense::repair::{RepairObserver, auto, named};
use gifthorse_engine::Classifier;
use gifthorse_onnx::{Model, diff};
use gifthorse_report::report::Verdict;

use crate::hash::of_model;
use crate::model::OpenModel;
use crate::{Error, ScanObserver};
use diagnosis::Diagnosis;
use parts::Parts;
use proof::Proof;
use record::{ModelFile, RepairRecord, Scanned};
use rounds::Rounds;
use shown::{Pair, Shown};
use time::Time;

pub use request::{PlantedTrigger, RepairRequest};

/// Repairs a model: finds out what is wrong with it, unless that is told, tries repairs, scans the
/// repaired model again, and measures both on images that nothing has seen.
///
/// The repaired file is written only if accuracy fell by no more than the budget, no known trigger
/// works any more, and the second scan does not call the repaired model backdoored; or if the
/// request forces it. What was measured is the file as it is read back.
///
/// # Errors
/// What a scan refuses; a report of another model; files that cannot be written.
pub fn repair(
    request: &RepairRequest,
    scans: &dyn ScanObserver,
    repairs: &dyn RepairObserver,
) -> Result<RepairRecord, Error> {
    let time = Time::begin(request);
    request.check()?;
    let methods = match &request.methods[..] {
        [] => None,
        names => Some(
            names
                .iter()
                .map(|name| named(name))
                .collect::<Result<Vec<_>, _>>()?,
        ),
    };
    let diagnosis = Diagnosis::find(request, &time, scans)?;
    let mut record = RepairRecord::begin(request, &diagnosis)?;
    if let Some(why) = diagnosis.nothing_to_do(request) {
        record.reasons.push(why);
        record.seconds = time.spent().as_secs_f64();
        return record.kept(request, &Shown::names(&diagnosis, 0));
    }
    let opened = OpenModel::read(
        &diagnosis.scan.model,
        &diagnosis.scan.preprocess,
        diagnosis.scan.input_size,
        &diagnosis.scan.opening,
    )?;
    let classifier = opened.classifier;
    let parts = Parts::load(request, &diagnosis, &classifier)?;
    record.images = Some(parts.described());
    record.reasons.extend(parts.proves_little());
    let known = diagnosis.triggers(request, &classifier)?;
    let mut told = known.told.clone();
    if !parts.described().labelled && request.rescan {
        told.push(
            "without labels each scan divides the images by the model's own answers: scans of the repaired model may have \
             searched with some of those that prove it"
                .to_owned(),
        );
    }
    let methods = methods.unwrap_or_else(|| auto(!known.triggers.is_empty(), parts.fit.len()));
    let rounds = Rounds {
        request,
        diagnosis: &diagnosis,
        parts: &parts,
        classifier: &classifier,
        methods: &methods,
        time,
    };
    let (model, fresh) = rounds.run(known.triggers.clone(), &mut record, scans, repairs)?;
    let shown = Shown::names(&diagnosis, classifier.classes());
    let Some(model) = model else {
        let why = record.rounds.last().map(|round| round.why.clone());
        record.reasons.extend(why);
        record.reasons.extend(told);
        record.seconds = time.spent().as_secs_f64();
        return record.kept(request, &shown);
    };

    let before = Model::read(&diagnosis.scan.model).map_err(|source| Error::Model {
        path: diagnosis.scan.model.clone(),
        source: Box::new(source),
    })?;
    let proof = Proof {
        request,
        parts: &parts,
        known: &known.triggers,
        fresh: &fresh,
    };
    let repaired = opened_again(&model, &classifier)?;
    let (proven, mut measured) = proof.measure(&classifier, &repaired)?;
    if request.retune && !time.is_over() {
        let patient = rounds.patient(&model, &known.triggers, None);
        measured.came_back = proof.retuned(&patient, &model, &classifier)?;
    }
    let pair = Pair {
        before: &classifier,
        after: &repaired,
    };
    let names = measured.triggers.iter();
    let names = names.map(|trigger| format!("{} {}", trigger.origin.title(), trigger.name));
    let shown = shown.triggers(&proof, names, pair)?;
    record.proof = Some(measured);
    let mut shortfalls = proof.shortfalls(&proven);
    if record.still_backdoored() {
        shortfalls.push("the scan of the repaired model still calls it backdoored".to_owned());
    }
    if known.triggers.is_empty() && fresh.is_empty() && !record.is_called_clean() {
        shortfalls.push(
            "nothing shows that the backdoor is gone: there is no trigger to stamp, and no scan calls the repaired model \
             clean"
                .to_owned(),
        );
    }
    record.repaired = shortfalls.is_empty();
    record.reasons.extend(shortfalls);
    if record.is_undecided() {
        record.reasons.push(
            "the scan of the repaired model could not say whether there is a backdoor: its report says why"
                .to_owned(),
        );
    }
    record.changes = Some(diff(&before, &model).map_err(|source| Error::Model {
        path: request.output.clone(),
        source: Box::new(source),
    })?);
    if record.repaired || request.force {
        record.fixed = Some(write(request, &model, &repaired, &parts)?);
    } else {
        record.reasons.push(
            "nothing was written: a repaired file is kept only if it is one (--force writes it all the same)"
                .to_owned(),
        );
    }
    record.reasons.extend(told);
    let left_out = record.left_out();
    record.not_measured.extend(left_out);
    record.seconds = time.spent().as_secs_f64();
    record.kept(request, &shown)
}

/// A model made from the one that a classifier runs, under the same preprocessing.
fn opened_again(model: &Model, like: &Classifier) -> Result<Classifier, Error> {
    let graph = std::sync::Arc::new(model.graph().map_err(gifthorse_defense::Error::from)?);
    let [_, height, width] = like.shape();
    let opening = gifthorse_engine::Opening {
        output: Some(like.network().ends().output.clone()),
        inputs: like.network().ends().given.clone(),
    };
    let preprocess = like.preprocess().clone();
    let size = Some([height, width]);
    Ok(Classifier::open(
        graph,
        preprocess,
        size,
        &opening,
        like.device(),
    )?)
}

/// Writes the repaired file, reads it back, and makes sure that it answers as what was measured.
fn write(
    request: &RepairRequest,
    model: &Model,
    measured: &Classifier,
    parts: &Parts,
) -> Result<ModelFile, Error> {
    let path = &request.output;
    let in_file = |source| Error::Model {
        path: path.clone(),
        source: Box::new(source),
    };
    model.write(path).map_err(in_file)?;
    let back = Model::read(path).map_err(in_file)?;
    let read = opened_again(&back, measured)?;
    let pixels = parts.proof.pixels();
    if read.predict(pixels)? != measured.predict(pixels)? {
        return Err(Error::Request(format!(
            "{} does not answer as the model that was measured: the file system may have damaged it, repair once more",
            path.display()
        )));
    }
    Ok(ModelFile {
        path: path.to_string_lossy().into_owned(),
        sha256: of_model(path, &back)?,
    })
}

impl RepairRecord {
    /// Whether the last scan called the model backdoored.
    fn still_backdoored(&self) -> bool {
        self.last_scan().is_some_and(Scanned::is_backdoored)
    }

    /// Whether it could not say.
    fn is_undecided(&self) -> bool {
        let last = self.last_scan();
        last.is_some_and(|scan| scan.verdict == Verdict::Inconclusive)
    }

    /// Whether it called the model clean.
    fn is_called_clean(&self) -> bool {
        let last = self.last_scan();
        last.is_some_and(|scan| scan.verdict == Verdict::Clean)
    }

    fn last_scan(&self) -> Option<&Scanned> {
        self.rounds.last()?.scan.as_ref()
    }
}
