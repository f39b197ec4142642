//! What was tried, and why one of it was taken.

use maud::{Markup, html};

use super::{RepairAttempt, RepairPage};
use crate::{
    escape::Shown,
    format::{UNDEFINED, duration, optional, percent},
    html::parts::{table, tag},
};

/// Every round with its attempts.
pub fn section(page: &RepairPage<'_>) -> Markup {
    if page.rounds.is_empty() {
        return html! {};
    }
    html! {
        section aria-label="What was tried" {
            h2 { "What was tried" }
            p {
                "Repairs are tried in their order and measured on images held back for that, until one keeps accuracy and ends "
                "the triggers. Of those triggers the one that still works most often counts: how many images more go to its "
                "target with it than without."
            }
            @for (place, round) in page.rounds.iter().enumerate() {
                @if page.rounds.len() > 1 { h3 { "Round " (place + 1) } }
                (table(
                    &format!("Repairs of round {}", place + 1),
                    &["Repair", "Clean accuracy", "Trigger still leads", "Time", "What was done"],
                    &[1, 2, 3],
                    round.attempts.iter().map(row).collect(),
                ))
                p { (Shown(round.why)) "." }
            }
        }
    }
}

fn row(attempt: &RepairAttempt<'_>) -> Vec<Markup> {
    vec![
        html! { (Shown(attempt.title)) @if attempt.taken { " " (tag("good", "taken")) } },
        html! { (optional(attempt.clean, percent)) },
        html! { (optional(attempt.excess, |share| percent(share.max(0.0)))) },
        html! { (duration(attempt.seconds)) },
        html! {
            @if attempt.notes.is_empty() { (UNDEFINED) }
            @for note in &attempt.notes { p.note { (Shown(note)) } }
        },
    ]
}
