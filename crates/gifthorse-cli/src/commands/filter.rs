//! `gifthorse filter`: stamped images told from clean ones.

mod files;
mod table;

use std::process::ExitCode;

use anyhow::Context;
use gifthorse::filter::as_planted;
use gifthorse::{
    EvalFilter, ExportFilter, FitFilter, RunFilter, eval_filter, export_filter, fit_filter,
    run_filter,
};

use super::explain::source;
use crate::cli::{
    AUTO, FilterArgs, FilterCommand, FilterEvalArgs, FilterExportArgs, FilterFitArgs,
    FilterRunArgs, Global,
};
use crate::output;

/// Exit status where more images are flagged than the rate explains.
const SUSPECTS: u8 = 1;

/// Does what is asked for.
///
/// # Errors
/// As the library; files that cannot be written.
pub fn run(args: &FilterArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        FilterCommand::Fit(args) => fit(args, global),
        FilterCommand::Run(args) => look(args, global),
        FilterCommand::Export(args) => export(args, global),
        FilterCommand::Eval(args) => eval(args, global),
    }
}

fn fit(args: &FilterFitArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let request = FitFilter {
        report: args.report.clone(),
        target: args.target,
        trigger: args.trigger.clone(),
        repaired: args.repaired.clone(),
        fpr: args.fpr,
        method: (args.method != AUTO).then(|| args.method.clone()),
        ..FitFilter::new(args.scan(global)?)
    };
    let filter = fit_filter(&request)?;
    filter.write(&args.out)?;
    if args.json {
        output::print(&files::without_state(&filter)?)?;
    } else if !global.quiet {
        output::print(&table::fitted(&filter))?;
        output::note(&format!("written to {}", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn look(args: &FilterRunArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let suspects = run_filter(&RunFilter {
        filter: args.fitted.kept.filter.clone(),
        model: args.fitted.kept.model.clone(),
        scan: args.fitted.scan(global)?,
        repaired: args.fitted.kept.repaired.clone(),
        fpr: args.fpr,
        shown: if args.out.is_some() && !args.no_images {
            args.shown
        } else {
            0
        },
    })?;
    if !global.quiet {
        let warnings = suspects.warnings.iter();
        warnings.for_each(|warning| output::note(&format!("warning: {warning}")));
    }
    if let Some(folder) = &args.out {
        files::write(folder, &suspects)?;
    }
    if args.json {
        output::print(&files::json(&suspects)?)?;
    } else if !global.quiet {
        output::print(&table::suspects(&suspects))?;
        if let Some(folder) = &args.out {
            output::note(&format!(
                "written to {}",
                folder.join("suspects.html").display()
            ));
        }
    }
    let status = if suspects.more_than_expected {
        SUSPECTS
    } else {
        0
    };
    Ok(ExitCode::from(status))
}

fn export(args: &FilterExportArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let written = export_filter(&ExportFilter {
        filter: args.kept.filter.clone(),
        model: args.kept.model.clone(),
        repaired: args.kept.repaired.clone(),
        fpr: args.fpr,
        force: args.kept.force,
        output: args.out.clone(),
    })?;
    if !global.quiet {
        output::print(&format!(
            "{}  SHA-256 {}\n",
            args.out.display(),
            written.sha256
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn eval(args: &FilterEvalArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut planted = match &args.truth {
        Some(truth) => gifthorse_bench::planted(truth, global.seed())
            .context("what was planted is not known (--truth)")?,
        None => Vec::new(),
    };
    if let (Some(trigger), Some(target)) = (&args.trigger, args.target) {
        let source = source::named(trigger, "--trigger", global.seed())?;
        planted.push(as_planted(source, target));
    }
    let evaluation = eval_filter(&EvalFilter {
        filter: args.fitted.kept.filter.clone(),
        model: args.fitted.kept.model.clone(),
        scan: args.fitted.scan(global)?,
        repaired: args.fitted.kept.repaired.clone(),
        planted,
        rates: args.fpr.clone(),
    })?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&evaluation)?))?;
    } else if !global.quiet {
        output::print(&table::evaluation(&evaluation))?;
    }
    Ok(ExitCode::SUCCESS)
}
