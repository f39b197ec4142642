//! The summary of a zoo as a table.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse_bench::zoo::{Auroc, Row, Share, Summary};

/// The summary in a few lines for each group of models.
pub fn of(summary: &Summary) -> String {
    let mut text = String::new();
    for (title, rows, flagged) in [
        ("clean models", &summary.clean, "false positives"),
        ("backdoored models", &summary.backdoored, "true positives"),
    ] {
        if rows.is_empty() {
            continue;
        }
        let mut table = Table::new();
        table.load_preset(NOTHING);
        table.set_header([
            title,
            flagged,
            "inconclusive",
            "targets",
            "AUROC of p",
            "of statistic",
            "CA %",
            "ASR %",
            "seconds",
        ]);
        for row in rows {
            table.add_row(cells(row));
        }
        text.push_str(&format!("{}\n\n", table.trim_fmt()));
    }
    for (models, why) in [
        (&summary.left_out, "collapsed or failed and are left out"),
        (&summary.not_scanned, "were not scanned"),
    ] {
        if !models.is_empty() {
            text.push_str(&format!(
                "{} models {why}: {}\n",
                models.len(),
                models.join(", ")
            ));
        }
    }
    let rates: Vec<String> = summary.fpr.iter().map(f64::to_string).collect();
    text.push_str(&format!(
        "intervals are of 95 %; scanned with --fpr {}\n",
        rates.join(", ")
    ));
    text
}

fn cells(row: &Row) -> [String; 9] {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    [
        row.group.clone(),
        share(&row.flagged),
        row.inconclusive.to_string(),
        row.targets_right.as_ref().map_or(String::new(), share),
        row.auroc.as_ref().map_or(String::new(), area),
        row.auroc_of_statistic.as_ref().map_or(String::new(), area),
        percent(row.clean_accuracy),
        row.attack_success.map_or(String::new(), percent),
        format!("{:.0}", row.seconds),
    ]
}

fn share(share: &Share) -> String {
    let [low, high] = share.interval.map(|bound| 100.0 * bound);
    format!("{}/{} ({low:.0}-{high:.0} %)", share.count, share.of)
}

fn area(auroc: &Auroc) -> String {
    match auroc.interval {
        Some([low, high]) => format!("{:.3} ({low:.2}-{high:.2})", auroc.area),
        None => format!("{:.3}", auroc.area),
    }
}
