//! The proof of a repair in a few lines.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse::repair::record::{BeforeAfter, Measurements, RepairRecord, Share};
use gifthorse_report::escape::Shown;

/// The outcome, why, what was tried, and what was measured before and after.
pub fn of(record: &RepairRecord) -> String {
    let mut text = heading(record).to_owned() + "\n";
    for reason in &record.reasons {
        text += &format!("  {}\n", Shown(reason));
    }
    for (place, round) in record.rounds.iter().enumerate() {
        text += &format!("round {}: {}\n", place + 1, Shown(&round.why));
        if let Some(scan) = &round.scan {
            text += &format!(
                "  scanned again: {}\n",
                format!("{:?}", scan.verdict).to_lowercase()
            );
        }
    }
    if let Some(proof) = &record.proof {
        text += &measured(proof);
    }
    if let Some(changes) = &record.changes {
        let (weights, nodes) = (changes.constants.len(), changes.nodes.len());
        text += &format!("changed: {weights} weights or constants, {nodes} nodes\n");
    }
    for left_out in &record.not_measured {
        text += &format!("not measured: {}\n", Shown(left_out));
    }
    if let Some(fixed) = &record.fixed {
        text += &format!("{}  SHA-256 {}\n", Shown(&fixed.path), fixed.sha256);
    }
    text
}

fn heading(record: &RepairRecord) -> &'static str {
    match (record.repaired, record.rounds.is_empty()) {
        (true, _) => "REPAIRED",
        (false, true) => "NOTHING REPAIRED",
        (false, false) => "NOT REPAIRED",
    }
}

fn measured(proof: &Measurements) -> String {
    let images = proof.clean.before.of;
    let mut text = format!("on {images} images that neither search nor repair has seen:\n");
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["", "before", "after", "after, 95 %"]);
    table.add_row(row("clean accuracy".to_owned(), &proof.clean));
    for trigger in &proof.triggers {
        let name = format!("{} {}", trigger.origin.title(), Shown(&trigger.name));
        table.add_row(row(format!("{name}: success"), &trigger.success));
        table.add_row(row(format!("{name}: right class"), &trigger.robust));
    }
    text += &format!("{}\n", table.trim_fmt());
    for share in &proof.came_back {
        text += &format!(
            "after five epochs on clean images and five stamped ones the trigger works on {}\n",
            percent(share)
        );
    }
    text
}

fn row(name: String, share: &BeforeAfter) -> [String; 4] {
    let [low, high] = share.after.interval;
    [
        name,
        percent(&share.before),
        percent(&share.after),
        format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high),
    ]
}

fn percent(share: &Share) -> String {
    format!("{:.1} %", 100.0 * share.rate)
}
