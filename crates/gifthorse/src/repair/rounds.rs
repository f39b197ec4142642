//! Repair, scan again, repair what came to light.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gifthorse_defense::repair::measure::Measured;
use gifthorse_defense::repair::{KnownTrigger, Patient, Repair, RepairObserver, choose};
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;
use gifthorse_report::report::Verdict;
use gifthorse_report::write_out;

use super::diagnosis::Diagnosis;
use super::known::of_report;
use super::parts::Parts;
use super::record::{Attempted, RepairRecord, Round, Scanned};
use super::request::make;
use super::time::{Time, Timed};
use super::{RepairRequest, opened_again};
use crate::{Error, ScanObserver, ScanRequest, scan};

/// What rounds of repair go by.
pub(super) struct Rounds<'a> {
    pub request: &'a RepairRequest,
    pub diagnosis: &'a Diagnosis,
    pub parts: &'a Parts,
    pub classifier: &'a Classifier,
    pub methods: &'a [Box<dyn Repair>],
    pub time: Time,
}

impl<'a> Rounds<'a> {
    /// Repairs until a scan no longer calls the model backdoored, or all rounds are over. Gives the
    /// repaired model, `None` if no repair could be done, and the triggers that later scans found.
    ///
    /// # Errors
    /// As a repair and a scan.
    pub(super) fn run(
        &self,
        mut known: Vec<KnownTrigger>,
        record: &mut RepairRecord,
        scans: &dyn ScanObserver,
        repairs: &dyn RepairObserver,
    ) -> Result<(Option<Model>, Vec<KnownTrigger>), Error> {
        let path = &self.diagnosis.scan.model;
        let first = Model::read(path).map_err(|source| Error::Model {
            path: path.clone(),
            source: Box::new(source),
        })?;
        let clock = Instant::now();
        let start = Measured::of(self.classifier, &self.parts.check, &[])?;
        let time = self
            .time
            .keeping(self.proof_takes(clock.elapsed(), known.len()));
        let repairs = Timed {
            inner: repairs,
            time,
        };
        let (mut repaired, mut fresh) = (None::<Model>, Vec::new());
        for round in 1..=self.request.rounds {
            let model = repaired.as_ref().unwrap_or(&first);
            let work = self.work(round);
            if let Some(work) = &work {
                make(work)?;
            }
            let mut patient = self.patient(model, &known, work.as_deref());
            if let Some(model) = &repaired {
                // What earlier rounds have spent is gone.
                let now = Measured::of(
                    &opened_again(model, self.classifier)?,
                    &self.parts.check,
                    &[],
                )?;
                let spent = now.lost_since(&start) as f64 / now.clean.trials.max(1) as f64;
                patient.budget = (patient.budget - spent).max(0.0);
            }
            let chosen = choose(&patient, self.methods, &repairs)?;
            let attempts = chosen.attempts.iter().map(Attempted::of);
            record.rounds.push(Round {
                triggers: known.len(),
                attempts: attempts.collect::<Result<_, _>>()?,
                taken: chosen
                    .taken
                    .map(|place| chosen.attempts[place].name.to_owned()),
                why: chosen.why,
                scan: None,
            });
            if !chosen.untried.is_empty() {
                record.not_measured.push(format!(
                    "what {} would have come to: the time was over (--max-time)",
                    chosen.untried.join(", ")
                ));
            }
            let Some(model) = chosen.model else { break };
            repaired = Some(model);
            if !self.request.rescan {
                break;
            }
            let Some(max_time) = time.of_rescan() else {
                record.not_measured.push(format!(
                    "what a scan says to the model after round {round}: the time was over (--max-time)"
                ));
                break;
            };
            let found = self.scan(repaired.as_ref(), (round, max_time), record, scans)?;
            if found.is_empty() {
                break;
            }
            fresh.extend(found.clone());
            known.extend(found);
        }
        Ok((repaired, fresh))
    }

    /// Where the work of a round is kept.
    fn work(&self, round: usize) -> Option<PathBuf> {
        let work = self.request.work.as_ref()?;
        Some(work.join(format!("round-{round}")))
    }

    /// About how long the proof takes, by what looking at the images to check took: both models on
    /// other images, as they are and with each trigger, and the file as it is read back.
    fn proof_takes(&self, check: Duration, triggers: usize) -> Duration {
        let each = check.as_secs_f64() / self.parts.check.len().max(1) as f64;
        let triggers = triggers + self.request.planted.len();
        let passes = 2 * (1 + triggers) + 3;
        Duration::from_secs_f64(each * (self.parts.proof.len() * passes) as f64)
    }

    /// A model with its images.
    pub(super) fn patient<'b>(
        &'b self,
        model: &'b Model,
        triggers: &'b [KnownTrigger],
        work: Option<&'b Path>,
    ) -> Patient<'b> {
        let [_, height, width] = self.classifier.shape();
        Patient {
            model,
            opening: &self.diagnosis.scan.opening,
            preprocess: self.classifier.preprocess(),
            size: [height, width],
            fit: &self.parts.fit,
            check: &self.parts.check,
            triggers,
            budget: self.request.budget,
            seed: self.diagnosis.scan.seed,
            work,
        }
    }

    /// Scans the repaired model, notes what came of it, and gives the triggers of the classes that
    /// it is called backdoored for.
    fn scan(
        &self,
        model: Option<&Model>,
        (round, max_time): (usize, Option<Duration>),
        record: &mut RepairRecord,
        observer: &dyn ScanObserver,
    ) -> Result<Vec<KnownTrigger>, Error> {
        let Some(model) = model else {
            return Ok(Vec::new());
        };
        let folder = self.request.out.join(format!("after-{round}"));
        // A folder of its own, for what lies beside a model with large weights.
        let candidate = self.request.out.join("candidate");
        if candidate.exists() {
            // What a killed repair left: its data files would give this one another name.
            clear(&candidate)?;
        }
        make(&candidate)?;
        let file = candidate.join("model.onnx");
        model.write(&file).map_err(|source| Error::Model {
            path: file.clone(),
            source: Box::new(source),
        })?;
        let request = ScanRequest {
            model: file,
            // Accuracy has been measured, and a model that lost it is refused for that.
            force: true,
            work: self.work(round).map(|work| work.join("scan")),
            max_time,
            ..self.diagnosis.scan.clone()
        };
        let outcome = scan(&request, observer);
        clear(&candidate)?;
        let outcome = outcome?;
        let report = write_out(
            &folder,
            &outcome.report,
            &outcome.evidence,
            None,
            self.request.pictures(),
        )?;
        let found = match report.verdict {
            Verdict::Backdoored => of_report(&report, &folder, &report.targets, self.classifier)?,
            Verdict::Clean | Verdict::Inconclusive => Vec::new(),
        };
        if let Some(last) = record.rounds.last_mut() {
            last.scan = Some(Scanned::of(&report, &folder));
        }
        Ok(found)
    }
}

fn clear(folder: &Path) -> Result<(), Error> {
    std::fs::remove_dir_all(folder).map_err(|source| Error::Write {
        path: folder.to_owned(),
        source,
    })
}
