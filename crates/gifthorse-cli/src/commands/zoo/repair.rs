//! `gifthorse zoo repair`: repairs the models of a zoo, and sums up by what was planted.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse_bench::zoo::{RepairZooObserver, RepairZooRequest, ZooRepair, repair_zoo};
use gifthorse_defense::detect::Effort;

use super::progress::Bars;
use crate::cli::{Global, ZooRepairArgs};
use crate::output;

/// Exit status where a repair failed.
const NOT_ALL: u8 = 2;

/// Repairs, sums up, and exits with 0 if every repair ended, whatever came of it, else with 2.
///
/// # Errors
/// No zoo in the folder, files that cannot be read or written.
pub fn run(args: &ZooRepairArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let request = RepairZooRequest {
        folder: args.folder.clone(),
        jobs: args.jobs,
        detectors: args.detectors.choices(Effort::Auto)?,
        methods: args.method.clone(),
        told: args.told,
        budget: args.budget,
        max_images: args.max_images,
        seed: global.seed(),
    };
    let watch = Watch {
        bars: Bars::new(global.quiet),
        failures: AtomicUsize::new(0),
    };
    let repairs = repair_zoo(&request, &watch);
    watch.bars.finish();
    let repairs = repairs?;
    if args.json {
        let json = serde_json::to_string_pretty(&repairs)?;
        output::print(&format!("{json}\n"))?;
    } else if !global.quiet {
        output::print(&table(&repairs))?;
    }
    let all = watch.failures.into_inner() == 0;
    Ok(ExitCode::from(if all { 0 } else { NOT_ALL }))
}

/// A row for each kind of backdoor and repair: means over its models.
fn table(repairs: &[ZooRepair]) -> String {
    let mut groups: BTreeMap<(&str, &str), Vec<&ZooRepair>> = BTreeMap::new();
    for repair in repairs {
        let attack = repair.attack.as_deref().unwrap_or("clean");
        groups
            .entry((attack, &repair.method))
            .or_default()
            .push(repair);
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "planted",
        "repair",
        "repaired",
        "CA before",
        "CA after",
        "ASR before",
        "ASR after",
        "RA after",
        "seconds",
    ]);
    for ((attack, method), repairs) in groups {
        let repaired = repairs.iter().filter(|repair| repair.repaired).count();
        let mean = |of: fn(&ZooRepair) -> Option<f64>, factor: f64| {
            let values: Vec<f64> = repairs.iter().filter_map(|repair| of(repair)).collect();
            let sum: f64 = values.iter().sum();
            match values.is_empty() {
                true => "-".to_owned(),
                false => format!("{:.1}", factor * sum / values.len() as f64),
            }
        };
        table.add_row([
            attack.to_owned(),
            method.to_owned(),
            format!("{repaired} of {}", repairs.len()),
            mean(|it| Some(it.clean?[0]), 100.0),
            mean(|it| Some(it.clean?[1]), 100.0),
            mean(|it| Some(it.success?[0]), 100.0),
            mean(|it| Some(it.success?[1]), 100.0),
            mean(|it| Some(it.robust?[1]), 100.0),
            mean(|it| Some(it.seconds), 1.0),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

struct Watch {
    bars: Bars,
    failures: AtomicUsize,
}

impl RepairZooObserver for Watch {
    fn planned(&self, to_do: usize, there: usize) {
        let line = format!("{to_do} repairs to make, {there} were made before");
        self.bars.begin(to_do, &line);
    }

    fn finished(&self, repair: &ZooRepair) {
        let ZooRepair {
            name,
            method,
            repaired,
            seconds,
            ..
        } = repair;
        let outcome = if *repaired {
            "repaired"
        } else {
            "not repaired"
        };
        let pair = |pair: Option<[f64; 2]>| {
            let told = |[before, after]: [f64; 2]| {
                format!("{:.1} -> {:.1} %", 100.0 * before, 100.0 * after)
            };
            pair.map_or("-".to_owned(), told)
        };
        let line = format!(
            "{name}, {method}: {outcome}, CA {}, ASR {}, {seconds:.0} s",
            pair(repair.clean),
            pair(repair.success)
        );
        self.bars.finished(name, &line);
    }

    fn failed(&self, name: &str, error: &gifthorse::Error) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.bars
            .finished(name, &format!("{name}: the repair failed: {error}"));
    }
}
