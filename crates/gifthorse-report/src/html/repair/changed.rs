//! What is different in the repaired model.

use maud::{Markup, html};

use super::{ChangedConstant, RepairPage};
use crate::{
    escape::Shown,
    format::{UNDEFINED, count, number, optional, percent},
    html::parts::table,
};

/// Rows that are shown of each kind.
const SHOWN: usize = 60;

/// The weights and nodes that differ.
pub fn section(page: &RepairPage<'_>) -> Markup {
    let Some(changes) = &page.changes else {
        return html! {};
    };
    let only_weights = changes.nodes.is_empty() && changes.others == 0;
    let node =
        |[what, operator, name]: &[&str; 3]| [*name, *operator, *what].map(shown_cell).to_vec();
    html! {
        section aria-label="Changes" {
            h2 { "What is different in the file" }
            p {
                @if only_weights { "The graph is the same, node by node; only values of weights differ. " }
                "The repaired model beside the one that came: " (count(changes.constants.len(), "weight or constant", "weights or constants"))
                ", " (count(changes.nodes.len(), "node", "nodes")) ", "
                (count(changes.others, "input, output or line of metadata", "inputs, outputs or lines of metadata")) ". "
                code { "gifthorse compare" } " shows the same for any two files."
            }
            @if !changes.constants.is_empty() {
                (table(
                    "Weights and constants",
                    &["Name", "Type and shape", "Values that differ", "Largest difference", "Relative"],
                    &[2, 3, 4],
                    changes.constants.iter().take(SHOWN).map(constant).collect(),
                ))
                (more(changes.constants.len()))
            }
            @if !changes.nodes.is_empty() {
                (table(
                    "Nodes",
                    &["Name", "Operator", "What became of it"],
                    &[],
                    changes.nodes.iter().take(SHOWN).map(node).collect(),
                ))
                (more(changes.nodes.len()))
            }
        }
    }
}

fn constant(change: &ChangedConstant<'_>) -> Vec<Markup> {
    let values = |[changed, of]: [usize; 2]| format!("{changed} of {of}");
    vec![
        shown_cell(change.name),
        html! { (Shown(&change.kind)) },
        html! { (optional(change.values, values)) },
        html! { (optional(change.largest, number)) },
        html! { (optional(change.relative, percent)) },
    ]
}

fn shown_cell(text: &str) -> Markup {
    html! { @if text.is_empty() { (UNDEFINED) } @else { bdi { (Shown(text)) } } }
}

fn more(all: usize) -> Markup {
    let hidden = all.saturating_sub(SHOWN);
    html! { @if hidden > 0 { p.note { (hidden) " more in repair.json." } } }
}
