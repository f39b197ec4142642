//! The triggers, and what both models say to images that carry them.

use maud::{Markup, html};

use super::{RepairExample, RepairPage, RepairTrigger};
use crate::{
    escape::Shown,
    evidence::Recovered,
    html::picture::{figure, image},
};

/// Triggers that are shown.
const SHOWN: usize = 8;

/// A card for each trigger.
pub fn section(page: &RepairPage<'_>) -> Markup {
    if page.triggers.is_empty() {
        return html! {};
    }
    let hidden = page.triggers.len().saturating_sub(SHOWN);
    html! {
        section aria-label="Triggers" {
            h2 { "The triggers, before and after" }
            @for trigger in page.triggers.iter().take(SHOWN) { (card(page, trigger)) }
            @if hidden > 0 { p.note { (hidden) " more in the table above." } }
        }
    }
}

fn card(page: &RepairPage<'_>, trigger: &RepairTrigger) -> Markup {
    html! {
        div.card {
            h3 { (Shown(&trigger.name)) }
            @if let Some(recovered) = &trigger.recovered { div.figures { (shown(recovered)) } }
            @if !trigger.examples.is_empty() {
                ul.examples { @for example in &trigger.examples { li { (pair(page, example)) } } }
            }
        }
    }
}

fn shown(recovered: &Recovered) -> Markup {
    let alt = html! { "the trigger" };
    let caption = match recovered {
        Recovered::Patch(trigger) => {
            return html! {
                (figure(&trigger.on_grey(), &alt, "large", html! { "The trigger, on grey" }))
                (figure(trigger.mask(), &html! { "its mask" }, "large", html! { "Mask: white is replaced" }))
            };
        }
        Recovered::Image(_) => "The image",
        Recovered::ColourMap(_) => "What the filter makes of a chart of colours",
        Recovered::Additive(_) => {
            "The change that is added, stretched until its largest value is black or white"
        }
        Recovered::Warp(_) | Recovered::LocalMap(_) | Recovered::SpacePatch(_) => {
            "What the trigger makes of a chequerboard"
        }
    };
    figure(&recovered.picture(), &alt, "large", html! { (caption) })
}

fn pair(page: &RepairPage<'_>, example: &RepairExample) -> Markup {
    html! {
        figure {
            div.pair {
                (image(&example.clean, &html! { "clean image of " (page.class(example.label)) }, "medium"))
                span aria-hidden="true" { "→" }
                (image(&example.stamped, &html! { "the same image with the trigger" }, "medium"))
            }
            figcaption {
                "Stamped image of " (page.class(example.label)) ": before, the model said " (page.class(example.before))
                "; repaired, it says " strong { (page.class(example.after)) } "."
            }
        }
    }
}
