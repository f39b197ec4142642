//! `gifthorse zoo adapt`: attacks that pay for evading the verdict, made and scanned, and what each
//! paid.

use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse_bench::zoo::{Attempt, Outcome, Plan, attempts, write_json};

use super::{build, scan};
use crate::cli::{Global, ZooAdaptArgs};
use crate::output;

/// Exit status where a model could not be made as it should be, or a scan failed.
const NOT_ALL: u8 = 2;

/// Makes what is missing, scans it, prints the table, and writes it to `adversary.json`.
///
/// # Errors
/// A plan that cannot be followed, files that cannot be read or written.
pub fn run(args: &ZooAdaptArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.build.list {
        return build::run(&args.build, global);
    }
    let plan = Plan::read(&args.build.plan)?;
    let made = build::make(&plan, &args.build, global)?;
    let failures = scan::scan_all(&args.scan(), global)?;
    let found = attempts(&plan, &args.build.out)?;
    write_json(&args.build.out.join("adversary.json"), &found)?;
    if args.json {
        let json = serde_json::to_string_pretty(&found)?;
        output::print(&format!("{json}\n"))?;
    } else if !global.quiet {
        output::print(&table(&found))?;
    }
    let all = made && failures == 0;
    Ok(ExitCode::from(if all { 0 } else { NOT_ALL }))
}

/// A line for each model, in the order of the plan.
fn table(found: &[Attempt]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "data",
        "attack",
        "varied",
        "CA %",
        "cost",
        "ASR %",
        "verdict",
        "p",
        "witnesses",
    ]);
    for it in found {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let varied = it.varied.iter().map(|(path, value)| {
            let key = path.rsplit('.').next().unwrap_or(path);
            format!("{key} = {value}")
        });
        table.add_row([
            it.data.clone(),
            it.attack.clone().unwrap_or_default(),
            varied.collect::<Vec<_>>().join(", "),
            percent(it.clean_accuracy),
            it.cost.map_or(String::new(), percent),
            it.attack_success.map_or(String::new(), percent),
            words(it.outcome).to_owned(),
            it.p_value.map_or(String::new(), |p| format!("{p:.4}")),
            it.witnesses.join(", "),
        ]);
    }
    format!(
        "{}\n\ncost: points of accuracy below the clean twin\n",
        table.trim_fmt()
    )
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Found => "found",
        Outcome::OtherTarget => "another target",
        Outcome::Missed => "missed",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Clean => "clean",
        Outcome::FalseAlarm => "false alarm",
    }
}
