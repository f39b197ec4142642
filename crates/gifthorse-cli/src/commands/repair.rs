//! `gifthorse repair`: a repaired file with proof.

mod table;
mod watch;

use std::process::ExitCode;

use anyhow::Context;
use gifthorse::repair::RepairRequest;
use gifthorse::repair::record::RepairRecord;
use gifthorse_report::report::Verdict;

use crate::cli::{Global, RepairArgs};
use crate::output;
use crate::progress::Progress;
use watch::Watch;

/// Exit status where a model was not repaired, or the repair is not good enough to be kept.
const NOT_REPAIRED: u8 = 5;
/// Exit status where a scan could not say whether there is anything to repair.
const INCONCLUSIVE: u8 = 3;

/// Repairs, prints the proof, and exits with 0 if the model is repaired or was clean.
///
/// # Errors
/// As the repair.
pub fn run(args: &RepairArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut scan = args.subject.request(None, global)?;
    scan.opening.output.clone_from(&args.output);
    let work = scan.work.take();
    let max_images = scan.max_images.take();
    let mut request = RepairRequest {
        report: args.report.clone(),
        target: args.target,
        every_class: args.every_class,
        trigger: args.trigger.clone(),
        methods: args.methods(),
        budget: args.budget,
        rounds: args.rounds,
        rescan: !args.no_rescan,
        retune: args.retune,
        work,
        max_images,
        show_images: !args.no_images,
        force: scan.force,
        ..RepairRequest::new(scan, &args.fixed)
    };
    if let Some(out) = &args.out {
        request.out.clone_from(out);
    }
    if let Some(truth) = &args.truth {
        request.planted = gifthorse_bench::planted(truth, global.seed())
            .context("what was planted is not known (--truth)")?;
    }
    let progress = Progress::new(global.quiet);
    let watch = Watch::new(global.quiet, progress.bar());
    let record = gifthorse::repair(&request, &progress, &watch);
    progress.finish();
    let record = record?;
    if args.json {
        output::print(&record.to_json()?)?;
    } else if !global.quiet {
        output::print(&table::of(&record))?;
        output::note(&format!(
            "written to {}",
            request.out.join("repair.html").display()
        ));
    }
    Ok(ExitCode::from(status(&record)))
}

fn status(record: &RepairRecord) -> u8 {
    let before = record.before.as_ref().map(|scan| scan.verdict);
    match (record.repaired, record.rounds.is_empty(), before) {
        (true, ..) | (false, true, Some(Verdict::Clean)) => 0,
        (false, true, Some(Verdict::Inconclusive)) => INCONCLUSIVE,
        (false, ..) => NOT_REPAIRED,
    }
}
