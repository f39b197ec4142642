//! The plan of a model, and what its nodes took, as tables.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use gifthorse::{ModelPlan, PlanMemory, PlanNode};
use gifthorse_report::escape::Shown;

/// Longest name of a node and of what computes it, in characters.
const LONGEST: usize = 40;

/// A plan with its totals.
pub fn text(plan: &ModelPlan) -> String {
    let mut rows = vec![header([
        "node",
        "computed by",
        "shape",
        "operations",
        "bytes",
        "batch bytes",
        "constants",
    ])];
    let cells = |node: &PlanNode| {
        [
            name(node),
            kernel(node),
            shape(node),
            or_dash(node.operations.map(|count| count as u128)),
            or_dash(node.bytes),
            or_dash(node.bytes.map(|bytes| bytes * plan.batch)),
            or_dash(node.constants),
        ]
    };
    rows.extend(plan.nodes.iter().map(cells));
    let bytes: usize = plan.nodes.iter().filter_map(|node| node.bytes).sum();
    let operations: f64 = plan.nodes.iter().filter_map(|node| node.operations).sum();
    let constants: usize = plan.nodes.iter().filter_map(|node| node.constants).sum();
    rows.push([
        "total".to_owned(),
        String::new(),
        String::new(),
        (operations as u128).to_string(),
        bytes.to_string(),
        (bytes * plan.batch).to_string(),
        constants.to_string(),
    ]);
    let outside = plan.nodes.iter().filter(|node| node.segment.is_none());
    let note = match outside.count() {
        0 => String::new(),
        count => format!(
            "[outside] runs as an ordinary operation, which is slower and not counted: {count} of {}\n",
            plan.nodes.len()
        ),
    };
    format!(
        "{}\n{note}Operations and bytes are those of a forward pass over one image, in batches of {}.\n{}",
        table(rows, 3),
        plan.batch,
        memory(plan)
    )
}

fn memory(plan: &ModelPlan) -> String {
    let PlanMemory {
        file,
        weights,
        packing,
        packed,
        values,
        scratch,
        ends,
        outside,
    } = plan.memory;
    let mebibytes = |bytes: usize| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let rows = [
        ("weights in the file", file),
        ("weights and constants", weights),
        ("packed for the kernels", packed),
        ("while they are packed", packing),
        ("values and gradients", values),
        ("kept by the kernels", scratch),
        ("into and out of segments", ends),
        ("outside segments", outside),
        ("at most at a time", plan.memory.total()),
    ];
    let rows = rows.map(|(what, bytes)| [what.to_owned(), mebibytes(bytes)]);
    format!(
        "Memory of a scan on {} thread(s), without its images and the program itself:\n{}\n",
        plan.threads,
        table(rows.to_vec(), 1)
    )
}

/// What each node took, the slowest first.
pub fn profile(nodes: &[PlanNode]) -> String {
    let total: f64 = nodes.iter().map(PlanNode::seconds).sum();
    let mut nodes: Vec<&PlanNode> = nodes.iter().collect();
    nodes.sort_by(|a, b| b.seconds().total_cmp(&a.seconds()));
    let mut rows = vec![header([
        "node",
        "computed by",
        "share",
        "s forward",
        "s backward",
        "GFLOP/s forward",
    ])];
    rows.extend(nodes.iter().map(|node| {
        [
            name(node),
            kernel(node),
            format!(
                "{:.1} %",
                100.0 * node.seconds() / total.max(f64::MIN_POSITIVE)
            ),
            format!("{:.3}", node.time.forward.as_secs_f64()),
            or_dash(
                node.time
                    .backward
                    .map(|t| format!("{:.3}", t.as_secs_f64())),
            ),
            or_dash(node.gigaflops().map(|rate| format!("{rate:.1}"))),
        ]
    }));
    format!(
        "{}\nSeconds are those of all threads together, {total:.1} in all. Outside segments the backward pass is not measured.\n",
        table(rows, 2)
    )
}

fn header<const N: usize>(words: [&str; N]) -> [String; N] {
    words.map(str::to_owned)
}

/// Aligned columns; those from `numbers` on to the right.
fn table<const N: usize>(rows: Vec<[String; N]>, numbers: usize) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

fn name(node: &PlanNode) -> String {
    short(&node.names.join(" + "))
}

fn kernel(node: &PlanNode) -> String {
    match node.segment {
        Some(_) => short(&node.kernel),
        None => short(&format!("[outside] {}", node.kernel)),
    }
}

/// Untrusted text without what could move a cursor, cut to the width of its column.
fn short(text: &str) -> String {
    let shown = Shown(text).to_string();
    if shown.chars().count() <= LONGEST {
        return shown;
    }
    shown.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn shape(node: &PlanNode) -> String {
    let sizes: Vec<String> = node.shape.iter().map(ToString::to_string).collect();
    sizes.join(" x ")
}

fn or_dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
