//! The report as a few lines for a terminal: the verdict in words and a short table.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use crate::{
    Report,
    escape::Shown,
    format::{count, duration, number, optional, percent},
    report::{Detection, Verdict},
    wording::{baseline, by_suspicion, state, verdict, wording},
};

/// Rows of the table at most.
const ROWS: usize = 12;

/// Longest class name that fits the table, in characters.
const NAME_LIMIT: usize = 32;

/// The report as text that ends in a newline, with ANSI colours if `colour` is set.
///
/// Untrusted strings are escaped, so the text moves no cursor and rings no bell whatever the model calls its classes.
pub fn render(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    for detection in &report.detectors {
        text += &table(report, detection);
        text.push('\n');
    }
    let wording = wording(report);
    let verdict = paint(
        report.verdict,
        &verdict(report.verdict).to_uppercase(),
        colour,
    );
    text += &format!("{verdict}  {}\n", wording.headline);
    text += &format!("{}\n", wording.meaning);
    for line in wording.confidence.iter() {
        text += &format!("{line}\n");
    }
    // An inconclusive verdict already gives its first reason as its meaning.
    let said = usize::from(report.verdict == Verdict::Inconclusive);
    for reason in report.reasons.iter().skip(said) {
        text += &format!("  - {}\n", Shown(reason));
    }
    if let Some(changed) = baseline(report) {
        text += &format!("{changed}\n");
        for caveat in report.baseline.iter().flat_map(|known| &known.caveats) {
            text += &format!("  - {}\n", Shown(caveat));
        }
    }
    if let Some(policy) = &report.policy {
        let judged = if policy.met { "Meets" } else { "Does not meet" };
        text += &format!("{judged} the policy {}.\n", Shown(&policy.path));
        for line in policy.accepted.iter().chain(&policy.unmet) {
            text += &format!("  - {}\n", Shown(line));
        }
    }
    for step in &wording.next {
        text += &format!("  > {step}\n");
    }
    text += &format!("{} · seed {}\n", duration(report.seconds), report.seed);
    text
}

fn table(report: &Report, detection: &Detection) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "",
        "class",
        "name",
        "norm",
        "share",
        "anomaly index",
        "held-out success",
        "state",
    ]);
    for finding in by_suspicion(report, &detection.classes)
        .into_iter()
        .take(ROWS)
    {
        let mark = if report.targets.contains(&finding.class) {
            "!"
        } else {
            ""
        };
        table.add_row([
            mark.to_owned(),
            finding.class.to_string(),
            short(&Shown(&finding.name).to_string()),
            optional(finding.norm, number),
            optional(finding.share, percent),
            optional(finding.anomaly_index, number),
            optional(finding.holdout_success_rate, percent),
            state(finding.state).to_owned(),
        ]);
    }
    for column in [1, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!(
        "{} ({}), {}\n{}\n",
        Shown(&detection.name),
        Shown(&detection.preset),
        duration(detection.seconds),
        table.trim_fmt()
    );
    if let hidden @ 1.. = detection.classes.len().saturating_sub(ROWS) {
        text += &format!("  and {}\n", count(hidden, "more class", "more classes"));
    }
    if let unreached @ 1.. = detection.unreached.len() {
        text += &format!(
            "  {} never reached\n",
            count(unreached, "class was", "classes were")
        );
    }
    if let eliminated @ 1.. = detection.eliminated() {
        text += &format!(
            "  {} eliminated early\n",
            count(eliminated, "class was", "classes were")
        );
    }
    text += &format!(
        "  {}: {}, threshold {}\n",
        Shown(&detection.statistic_name),
        optional(detection.statistic, number),
        optional(detection.threshold, number)
    );
    text
}

/// A name cut to the width of its column.
fn short(name: &str) -> String {
    if name.chars().count() <= NAME_LIMIT {
        return name.to_owned();
    }
    name.chars().take(NAME_LIMIT - 1).chain(['…']).collect()
}

fn paint(verdict: Verdict, text: &str, colour: bool) -> String {
    let code = match verdict {
        Verdict::Clean => 32,
        Verdict::Backdoored => 31,
        Verdict::Inconclusive => 33,
    };
    if colour {
        format!("\u{1b}[1;{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
