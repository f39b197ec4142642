//! `gifthorse zoo filter`: fits filters to the models of a zoo, and sums up by what was planted.

use std::collections::BTreeMap;
use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse::filter::{AtRate, Evaluation, OnTrigger};
use gifthorse_bench::zoo::{FilterZooObserver, FilterZooRequest, ZooFilter, filter_zoo};
use gifthorse_defense::detect::Effort;
use gifthorse_report::escape::Shown;

use super::progress::Bars;
use crate::cli::{Global, ZooFilterArgs};
use crate::output;

/// Fits, sums up, and exits with 0.
///
/// # Errors
/// No zoo in the folder, files that cannot be read or written.
pub fn run(args: &ZooFilterArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let request = FilterZooRequest {
        folder: args.folder.clone(),
        jobs: args.jobs,
        detectors: args.detectors.choices(Effort::Auto)?,
        methods: args.method.clone(),
        told: args.told,
        rates: args.fpr.clone(),
        images: args.max_images,
        repaired: args.repaired.clone(),
        seed: global.seed(),
    };
    let watch = Watch(Bars::new(global.quiet));
    let filters = filter_zoo(&request, &watch);
    watch.0.finish();
    let filters = filters?;
    if args.json {
        let json = serde_json::to_string_pretty(&filters)?;
        output::print(&format!("{json}\n"))?;
    } else if !global.quiet {
        output::print(&table(&filters, &args.fpr))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A row for each kind of backdoor and filter: means over its models.
fn table(filters: &[ZooFilter], rates: &[f64]) -> String {
    let mut groups: BTreeMap<(&str, &str), Vec<&ZooFilter>> = BTreeMap::new();
    for filter in filters {
        let attack = filter.attack.as_deref().unwrap_or("clean");
        groups
            .entry((attack, &filter.method))
            .or_default()
            .push(filter);
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let mut header = vec![
        "planted".to_owned(),
        "filter".to_owned(),
        "fitted".to_owned(),
    ];
    for rate in rates {
        let rate = 100.0 * rate;
        header.extend([format!("FPR at {rate} %"), format!("FNR at {rate} %")]);
    }
    header.extend([
        "AUROC".to_owned(),
        "ms".to_owned(),
        "ms of model".to_owned(),
    ]);
    table.set_header(header);
    for ((attack, method), filters) in groups {
        let done: Vec<&Evaluation> = filters
            .iter()
            .filter_map(|it| it.evaluation.as_ref())
            .collect();
        let mut row = vec![
            attack.to_owned(),
            method.to_owned(),
            format!("{} of {}", done.len(), filters.len()),
        ];
        for (at, _) in rates.iter().enumerate() {
            let of = |rows: &[AtRate]| rows.get(at).map(|row| row.share.rate);
            row.push(mean(&done, 100.0, |it| of(&it.clean)));
            row.push(mean(&done, 100.0, |it| worst(it, at)));
        }
        row.push(mean(&done, 1.0, |it| {
            let areas = it.triggers.iter().filter_map(|on| Some(on.auroc?.area));
            areas.reduce(f64::min)
        }));
        row.push(mean(&done, 1.0, |it| Some(it.milliseconds)));
        row.push(mean(&done, 1.0, |it| Some(it.model_milliseconds)));
        table.add_row(row);
    }
    format!("{}\n", table.trim_fmt())
}

/// The share that is missed of the trigger that is missed most, of images that go where it leads.
fn worst(evaluation: &Evaluation, at: usize) -> Option<f64> {
    // A trigger that leads no image anywhere is missed on none, and caught on none.
    let missed = |on: &OnTrigger| {
        let share = on.missed_of_successful.get(at)?.share;
        (share.of > 0).then_some(share.rate)
    };
    evaluation
        .triggers
        .iter()
        .filter_map(missed)
        .reduce(f64::max)
}

fn mean(done: &[&Evaluation], factor: f64, of: impl Fn(&Evaluation) -> Option<f64>) -> String {
    let values: Vec<f64> = done.iter().filter_map(|it| of(it)).collect();
    let sum: f64 = values.iter().sum();
    match values.is_empty() {
        true => "-".to_owned(),
        false => format!("{:.2}", factor * sum / values.len() as f64),
    }
}

struct Watch(Bars);

impl FilterZooObserver for Watch {
    fn failed(&self, name: &str, error: &gifthorse::Error) {
        self.0
            .finished(name, &format!("{name}: the scan failed: {error}"));
    }

    fn planned(&self, to_do: usize, there: usize) {
        self.0.begin(
            to_do,
            &format!("{to_do} filters to fit, {there} were fitted before"),
        );
    }

    fn finished(&self, filter: &ZooFilter) {
        let ZooFilter { name, method, .. } = filter;
        let outcome = match (&filter.evaluation, &filter.failed) {
            (Some(evaluation), _) => match worst(evaluation, 0) {
                Some(missed) => format!("misses {:.1} %", 100.0 * missed),
                None => "fitted".to_owned(),
            },
            (None, Some(why)) => format!("not fitted: {}", Shown(why)),
            (None, None) => "not fitted".to_owned(),
        };
        self.0
            .finished(name, &format!("{name}, {method}: {outcome}"));
    }
}
