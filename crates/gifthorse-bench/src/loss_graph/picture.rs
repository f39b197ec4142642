//! The difference between two steps' losses, drawn: a column for each loss, an operation below the
//! other, as what trains on them runs.

use std::collections::BTreeMap;

use gifthorse_train::{Beside, Difference, LossGraphs, NetworkGraph, Operation, Term};
use maud::{Markup, html};

/// Width of an operation's box.
const BOX: usize = 230;
/// Its height.
const TALL: usize = 40;
/// Room between one box and the next, down and across.
const DOWN: usize = 26;
const ACROSS: usize = 70;
/// Room around everything.
const MARGIN: usize = 24;
/// Height of what stands above the columns.
const HEAD: usize = 76;
/// Height of a line of text.
const LINE: usize = 18;
/// Characters of an operation's name.
const SHOWN: usize = 28;
/// Operations that are listed of those that one network has and the other has not.
const LISTED: usize = 12;

/// Who has an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Both,
    Trusted,
    Found,
}

impl Whose {
    /// Colours of outline and inside, and the dashes of the outline.
    fn style(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Both => ("#555555", "#f2f2f2", "none"),
            Self::Trusted => ("#0055aa", "#ffffff", "6 4"),
            Self::Found => ("#aa2200", "#ffe0d6", "none"),
        }
    }
}

/// An operation in its place.
struct Drawn<'a> {
    operation: &'a Operation,
    whose: Whose,
    parents: Vec<usize>,
}

/// Draws how `found` differs from `trusted`, as an SVG file: grey is in both, blue and dashed in
/// the trusted alone, red in the other alone.
#[must_use]
pub fn picture(difference: &Difference, trusted: &LossGraphs, found: &LossGraphs) -> String {
    let columns: Vec<Vec<Drawn<'_>>> = difference.losses.iter().map(column).collect();
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let notes = notes(&trusted.networks, &found.networks);
    let width = 2 * MARGIN + (columns.len() * (BOX + ACROSS)).max(560);
    let below = HEAD + rows * (TALL + DOWN) + MARGIN;
    let height = below + notes.len() * LINE + MARGIN;
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) font-family="sans-serif" font-size="12" {
            rect width=(width) height=(height) fill="#ffffff" {}
            (legend())
            @for (at, (column, beside)) in columns.iter().zip(&difference.losses).enumerate() {
                (loss(MARGIN + at * (BOX + ACROSS), column, beside))
            }
            @for (at, (whose, note)) in notes.iter().enumerate() {
                text x=(MARGIN) y=(below + at * LINE) fill=(whose.style().0) { (note) }
            }
        }
    };
    drawn.into_string()
}

/// What the colours say.
fn legend() -> Markup {
    let said = [
        (Whose::Both, "in both"),
        (Whose::Trusted, "in the trusted graph alone"),
        (Whose::Found, "in the other alone"),
    ];
    html! {
        @for (at, (whose, text)) in said.into_iter().enumerate() {
            (outline(MARGIN + at * 190, 14, 16, 12, whose))
            text x=(MARGIN + at * 190 + 22) y="25" fill="#222222" { (text) }
        }
    }
}

/// The operations of a loss: what both have, then what only the trusted one has, then what only the
/// other has.
fn column(beside: &Beside) -> Vec<Drawn<'_>> {
    let shared = beside.shared();
    let mut drawn = Vec::new();
    let sides = [
        (&beside.trusted, Whose::Trusted),
        (&beside.found, Whose::Found),
    ];
    let both = beside.trusted.iter().flat_map(|it| &it.operations);
    drawn.extend(both.take(shared).map(|operation| Drawn {
        operation,
        whose: Whose::Both,
        parents: operation.parents.clone(),
    }));
    for (term, whose) in sides {
        let first = drawn.len();
        let rest = term.iter().flat_map(|it: &Term| &it.operations);
        for operation in rest.skip(shared) {
            let moved = |&parent: &usize| match parent < shared {
                true => parent,
                false => parent - shared + first,
            };
            drawn.push(Drawn {
                operation,
                whose,
                parents: operation.parents.iter().map(moved).collect(),
            });
        }
    }
    drawn
}

/// A column with its heading, its left edge at `left`.
fn loss(left: usize, column: &[Drawn<'_>], beside: &Beside) -> Markup {
    let times = |term: &Option<Term>| term.as_ref().map_or(0, |term| term.times);
    let (trusted, found) = (times(&beside.trusted), times(&beside.found));
    let heading = match trusted == found {
        true => format!("{found} times in each step"),
        false => format!("{found} times in each step, trusted {trusted}"),
    };
    let top = |row: usize| HEAD + row * (TALL + DOWN);
    html! {
        text x=(left) y=(HEAD - 14) font-weight="bold" fill="#222222" { (heading) }
        @for (row, drawn) in column.iter().enumerate() {
            @for &parent in &drawn.parents {
                (arrow(left, (top(parent) + TALL, top(row)), row - parent, drawn.whose))
            }
        }
        @for (row, drawn) in column.iter().enumerate() {
            (outline(left, top(row), BOX, TALL, drawn.whose))
            text x=(left + 10) y=(top(row) + 17) fill="#222222" { (name_of(drawn.operation)) }
            @if !drawn.operation.shape.is_empty() {
                text x=(left + 10) y=(top(row) + 33) fill="#666666" {
                    (format!("{:?}", drawn.operation.shape))
                }
            }
        }
    }
}

/// From a box down to another: straight to the next, round the others to one further down.
fn arrow(left: usize, (from, to): (usize, usize), rows: usize, whose: Whose) -> Markup {
    let middle = left + BOX / 2;
    let right = left + BOX;
    let path = match rows {
        1 => format!("M {middle} {from} L {middle} {to}"),
        _ => {
            let (from, to) = (from - TALL / 2, to + TALL / 2);
            let bend = right + ACROSS / 2;
            format!("M {right} {from} C {bend} {from}, {bend} {to}, {right} {to}")
        }
    };
    html! {
        path d=(path) fill="none" stroke=(whose.style().0) stroke-width="1.5" {}
    }
}

fn outline(x: usize, y: usize, width: usize, height: usize, whose: Whose) -> Markup {
    let (stroke, fill, dashes) = whose.style();
    html! {
        rect x=(x) y=(y) width=(width) height=(height) rx="4" fill=(fill) stroke=(stroke)
            stroke-dasharray=(dashes) {}
    }
}

/// An operation's name, a network's digest cut short.
fn name_of(operation: &Operation) -> String {
    operation.operation.chars().take(SHOWN).collect()
}

/// What the networks of one have that those of the other have not, a line for each operation.
fn notes(trusted: &[NetworkGraph], found: &[NetworkGraph]) -> Vec<(Whose, String)> {
    let counted = |networks: &[NetworkGraph]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for operation in networks.iter().flat_map(|it| &it.operations) {
            let line = format!("{} {:?}", operation.operation, operation.shape);
            *counts.entry(line).or_default() += 1;
        }
        counts
    };
    let (trusted, found) = (counted(trusted), counted(found));
    let mut notes = Vec::new();
    for (own, other, whose, said) in [
        (&trusted, &found, Whose::Trusted, "trusted network alone: "),
        (&found, &trusted, Whose::Found, "other network alone: "),
    ] {
        let more = |(line, count): (&String, &usize)| {
            let more = count.saturating_sub(other.get(line).copied().unwrap_or(0));
            (more > 0).then(|| (whose, format!("{said}{more} x {line}")))
        };
        let lines: Vec<_> = own.iter().filter_map(more).collect();
        let rest = lines.len().saturating_sub(LISTED);
        notes.extend(lines.into_iter().take(LISTED));
        notes.extend((rest > 0).then(|| (whose, format!("{said}{rest} others"))));
    }
    notes
}
