//! `gifthorse zoo build`: makes the models of a plan.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use gifthorse_bench::zoo::{BuildObserver, BuildRequest, Entry, Plan, State, build};
use gifthorse_train::{EpochSummary, StepSummary};

use super::progress::Bars;
use crate::cli::{Global, ZooBuildArgs};
use crate::output;

/// Exit status where a model was asked for and could not be made as it should be.
const NOT_ALL: u8 = 2;

/// Makes the models, and exits with 0 if all of the plan are good, else with 2.
///
/// # Errors
/// A plan that cannot be followed, a folder that cannot be written.
pub fn run(args: &ZooBuildArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let plan = Plan::read(&args.plan)?;
    for table in &plan.unused {
        output::note(&format!(
            "warning: no model of {} uses [{table}]",
            args.plan.display()
        ));
    }
    if args.list {
        for planned in &plan.models {
            output::print(&format!("{}\n", planned.spec.name))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let all = make(&plan, args, global)?;
    Ok(ExitCode::from(if all { 0 } else { NOT_ALL }))
}

/// Makes the models of a plan, tells of those that are not good, and gives whether all are.
///
/// # Errors
/// A folder that cannot be written.
pub fn make(plan: &Plan, args: &ZooBuildArgs, global: &Global) -> anyhow::Result<bool> {
    let request = BuildRequest {
        out: args.out.clone(),
        data: crate::data::folder(args.data.as_deref()),
        jobs: args.jobs,
    };
    let watch = Watch {
        bars: Bars::new(global.quiet),
        told: Mutex::default(),
    };
    let outcome = build(plan, &request, &watch);
    watch.bars.finish();
    let zoo = outcome?;
    let planned = |entry: &&Entry| plan.models.iter().any(|it| it.spec.name == entry.name);
    let (wanted, others): (Vec<&Entry>, Vec<&Entry>) = zoo.models.iter().partition(planned);
    let bad: Vec<&&Entry> = wanted.iter().filter(|it| it.state != State::Good).collect();
    if !global.quiet {
        output::note(&format!(
            "{}: {} of {} models are good",
            args.out.display(),
            wanted.len() - bad.len(),
            wanted.len()
        ));
        let told_before = watch.told.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in bad
            .iter()
            .filter(|entry| !told_before.contains(&entry.name))
        {
            output::note(&told(entry));
        }
        if !others.is_empty() {
            output::note(&format!(
                "{} models of the folder are not in {} and stay",
                others.len(),
                args.plan.display()
            ));
        }
    }
    Ok(bad.is_empty())
}

fn told(entry: &Entry) -> String {
    let what = match entry.state {
        State::Good => "good",
        State::Collapsed => "collapsed",
        State::Failed => "failed",
    };
    let reason = entry.reason.as_deref().unwrap_or_default();
    format!("{what}: {}: {reason}", entry.name)
}

struct Watch {
    bars: Bars,
    /// Names of models that were told of.
    told: Mutex<HashSet<String>>,
}

impl BuildObserver for Watch {
    fn planned(&self, to_make: usize, there: usize) {
        let line = format!("{to_make} models to make, {there} are there");
        self.bars.begin(to_make, &line);
    }

    fn started(&self, name: &str) {
        self.bars.started(name);
    }

    fn step(&self, name: &str, step: &StepSummary) {
        let share = step.done as f64 / step.total.max(1) as f64;
        self.bars.progressed(name, share);
    }

    fn epoch(&self, name: &str, summary: &EpochSummary) {
        let right = 100.0 * summary.accuracy;
        let line = format!(
            "epoch {}, loss {:.3}, {right:.1} % right",
            summary.epoch, summary.loss
        );
        self.bars.said(name, &line);
    }

    fn finished(&self, entry: &Entry) {
        let right = entry.clean_accuracy.map_or(String::new(), |share| {
            format!(", {:.2} % of clean images right", 100.0 * share)
        });
        let line = match entry.state {
            State::Good => format!("made {} in {:.0} s{right}", entry.name, entry.seconds),
            _ => told(entry),
        };
        self.bars.finished(&entry.name, &line);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(entry.name.clone());
    }
}
