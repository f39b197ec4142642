//! What is different between two models, in lines for a terminal.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use gifthorse::{Answers, Comparison};
use gifthorse_onnx::{ConstantChange, Entry, Extent, ModelDiff, NodeChange, NodeEdit, TensorType};
use gifthorse_report::escape::Shown;

/// Lines that are shown of one kind; the JSON has them all.
const LINES: usize = 40;

/// All of it; untrusted strings are escaped.
pub fn text(compared: &Comparison) -> String {
    let mut text = format!("{}\n", heading(compared));
    for (label, file) in [("before", &compared.before), ("after", &compared.after)] {
        text += &format!(
            "  {label:<7} {}  SHA-256 {}\n",
            Shown(&file.path),
            file.sha256
        );
    }
    text += &changes(&compared.changes);
    text += &compared.answers.as_ref().map_or(String::new(), answers);
    text
}

fn heading(compared: &Comparison) -> &'static str {
    match (compared.same_bytes, compared.extent) {
        (true, _) => "SAME: the files are the same, byte for byte",
        (false, Extent::Nothing) => {
            "SAME: stored differently, but nothing that is compared differs"
        }
        (false, Extent::Description) => "SAME FUNCTION: only metadata or header differ",
        (false, Extent::Weights) => {
            "DIFFERENT WEIGHTS: the same graph; only values of constants differ"
        }
        (false, Extent::Structure) => "DIFFERENT STRUCTURE",
    }
}

/// Every kind of difference that there is, under a line that counts it.
fn changes(changes: &ModelDiff) -> String {
    let mut text = String::new();
    if !changes.constants.is_empty() {
        text += &format!("\nweights and constants: {}\n", changes.constants.len());
        text += &constants(&changes.constants);
    }
    let nodes = changes.nodes.iter().flat_map(node).collect();
    text += &listed("nodes", changes.nodes.len(), nodes);
    for (title, entries) in [
        ("inputs", &changes.inputs),
        ("outputs", &changes.outputs),
        ("operator sets", &changes.opsets),
        ("metadata", &changes.metadata),
        ("header", &changes.header),
    ] {
        let lines = entries.iter().map(|it| format!("  {}", entry(it)));
        text += &listed(title, entries.len(), lines.collect());
    }
    text
}

fn listed(title: &str, count: usize, lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}: {count}\n");
    for line in lines.iter().take(LINES) {
        text += &format!("{line}\n");
    }
    text + &more(lines.len())
}

fn more(all: usize) -> String {
    match all.saturating_sub(LINES) {
        0 => String::new(),
        left => format!("  ... and {left} more lines (--json has them all)\n"),
    }
}

fn constants(all: &[ConstantChange]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["", "shape", "values changed", "largest", "relative"]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for change in all.iter().take(LINES) {
        let name = Shown(&change.name).to_string();
        let [values, largest, relative] = values(change);
        table.add_row([name, shape(change), values, largest, relative]);
    }
    let lines = table.trim_fmt();
    let lines = lines.lines().map(|line| format!("  {line}\n"));
    lines.collect::<String>() + &more(all.len())
}

fn shape(change: &ConstantChange) -> String {
    let of = |kind: &TensorType| format!("{} {:?}", kind.element, kind.shape);
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before == after => of(before),
        (Some(before), Some(after)) => format!("{} -> {}", of(before), of(after)),
        (None, Some(after)) => format!("added, {}", of(after)),
        (Some(before), None) => format!("removed, {}", of(before)),
        (None, None) => String::new(),
    }
}

/// How many values changed, by how much at most, and relative to all of them.
fn values(change: &ConstantChange) -> [String; 3] {
    let Some(edit) = &change.values else {
        return Default::default();
    };
    let strange = match edit.not_finite {
        0 => String::new(),
        count => format!(" ({count} not finite)"),
    };
    [
        format!("{} of {}{strange}", edit.changed, edit.elements),
        format!("{:.3e}", edit.largest),
        edit.relative
            .map_or_else(|| "-".to_owned(), |part| format!("{:.2} %", 100.0 * part)),
    ]
}

/// A line for the node, and one for each thing that is different in it.
fn node(change: &NodeChange) -> Vec<String> {
    let line = |what: &str| {
        let (name, operator) = (Shown(&change.name), Shown(&change.op_type));
        format!("  {what:<8} {operator} {name}")
    };
    match &change.edit {
        NodeEdit::Added => vec![line("added")],
        NodeEdit::Removed => vec![line("removed")],
        NodeEdit::Changed { wiring, attributes } => {
            let entries = wiring.iter().chain(attributes);
            let lines = entries.map(|it| format!("    {}", entry(it)));
            std::iter::once(line("changed")).chain(lines).collect()
        }
    }
}

fn entry(entry: &Entry) -> String {
    let shown = |value: &Option<String>| match value {
        Some(value) => Shown(value).to_string(),
        None => "nothing".to_owned(),
    };
    let key = Shown(&entry.key);
    format!("{key}: {} -> {}", shown(&entry.before), shown(&entry.after))
}

fn answers(answers: &Answers) -> String {
    let differ = &answers.differ;
    let logits = answers.largest.map_or_else(
        || "some logits are no numbers".to_owned(),
        |most| format!("logits differ by at most {most:.3e}"),
    );
    let mut text = format!(
        "\nanswers differ on {} of {} images; {logits}\n",
        differ.hits, differ.of
    );
    if let Some(accuracy) = &answers.accuracy {
        let percent = |rate: f64| format!("{:.1} %", 100.0 * rate);
        text += &format!(
            "accuracy {} -> {} ({} -> {} right)\n",
            percent(accuracy.before.rate),
            percent(accuracy.after.rate),
            accuracy.before.hits,
            accuracy.after.hits
        );
    }
    text
}
