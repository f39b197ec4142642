//! The report as a few lines for a terminal: the verdict in words and a short table.

use comfy_table::{CellAlignment, Table, presets::NOTHING};

use crate::{
    Report,
    columns::{Column, columns},
    escape::Shown,
    format::{count, duration, number, optional, percent},
    heads::{Head, Heads},
    report::{ClassVerdict, Detection, UnitFinding, Verdict},
    wording::{accused, baseline, by_suspicion, state, verdict, witnesses, wording},
};

/// Rows of the table at most.
const ROWS: usize = 12;

/// Classes that detectors speak against, listed at most.
const ACCUSED: usize = 8;

/// Longest class name that fits the table, in characters.
const NAME_LIMIT: usize = 32;

/// The report as text that ends in a newline, with ANSI colours if `colour` is set.
///
/// Untrusted strings are escaped, so the text moves no cursor and rings no bell whatever the model
/// calls its classes.
pub fn render(report: &Report, colour: bool) -> String {
    let mut text = accuracy(report).unwrap_or_default();
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
    for class in accused(report).into_iter().take(ACCUSED) {
        text += &accusation(report, class);
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

/// What came of each of several outputs, a line for each.
pub fn summary(heads: &Heads, colour: bool) -> String {
    let line = |head: &Head| {
        let name = short(&Shown(&head.output).to_string());
        match &head.report {
            Some(report) => {
                let word = verdict(report.verdict).to_uppercase();
                let verdict = paint(report.verdict, &word, colour);
                format!("{verdict}  `{name}`: {}\n", wording(report).headline)
            }
            None => format!("NOT SCANNED  `{name}`\n"),
        }
    };
    heads.heads.iter().map(line).collect()
}

/// A class with what all detectors together say of it.
fn accusation(report: &Report, class: &ClassVerdict) -> String {
    let mark = if class.named { "!" } else { " " };
    let probability = optional(class.p_value, |p| format!("p = {}", number(p)));
    let witnesses = match &witnesses(report, class)[..] {
        "" => "no detector by itself".to_owned(),
        titles => titles.to_owned(),
    };
    format!(
        "  {mark} “{}” (class {}): {probability}, by {witnesses}\n",
        short(&Shown(&report.class_name(class.class)).to_string()),
        class.class
    )
}

/// How the model does on the labelled images, which tells whether they and their labels are its
/// own.
fn accuracy(report: &Report) -> Option<String> {
    let preflight = report.preflight.as_ref()?;
    let [low, high] = preflight.interval?;
    Some(format!(
        "right on {} of {} images (95 % interval {} to {})\n",
        percent(preflight.accuracy?),
        preflight.images,
        percent(low),
        percent(high)
    ))
}

fn table(report: &Report, detection: &Detection) -> String {
    let columns: Vec<Column<'_>> = columns(detection)
        .into_iter()
        .filter(|column| column.is_brief)
        .collect();
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let titles = columns.iter().map(|column| &column.title[..]);
    table.set_header(
        ["", "class", "name"]
            .into_iter()
            .chain(titles)
            .chain(["state"]),
    );
    for finding in by_suspicion(report, detection).into_iter().take(ROWS) {
        let numbers = columns.iter().map(|column| column.cell(finding));
        let mut row = named(report, finding).to_vec();
        row.extend(numbers);
        row.push(state(finding.state).to_owned());
        table.add_row(row);
    }
    for column in std::iter::once(1).chain(3..3 + columns.len()) {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!(
        "{}, preset {}, {}\n{}\n",
        Shown(&detection.title),
        Shown(&detection.preset),
        duration(detection.seconds),
        table.trim_fmt()
    );
    for finding in detection.findings.iter().filter(|it| !it.map.is_empty()) {
        text += &format!("  leads {}\n", moves(finding));
    }
    if let hidden @ 1.. = detection.findings.len().saturating_sub(ROWS) {
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

/// Where images of each class are led, by index.
fn moves(finding: &UnitFinding) -> String {
    let shown = finding.map.iter().take(ROWS).map(|moved| {
        let share = (100.0 * moved.share).round();
        format!("{} to {} ({share} %)", moved.from, moved.to)
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if let hidden @ 1.. = finding.map.len().saturating_sub(ROWS) {
        text += &format!(" and {}", count(hidden, "more class", "more classes"));
    }
    text
}

/// The cells that say which unit a finding is about.
fn named(report: &Report, finding: &UnitFinding) -> [String; 3] {
    let is_target = report.targets.contains(&finding.class);
    let unit = match finding.source {
        None => finding.class.to_string(),
        Some(source) => format!("{} from {source}", finding.class),
    };
    [
        if is_target { "!" } else { "" }.to_owned(),
        unit,
        short(&Shown(&finding.name).to_string()),
    ]
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
