//! What was measured before and after, on images that neither search nor repair has seen.

use maud::{Markup, html};

use super::{MeasuredPair, RepairPage};
use crate::{
    escape::Shown,
    format::{count, interval, optional, percent},
    html::parts::table,
    report::Share,
};

/// The table of what was measured.
pub fn section(page: &RepairPage<'_>) -> Markup {
    let Some([.., proof]) = page.images.filter(|_| !page.measured.is_empty()) else {
        return html! {};
    };
    html! {
        section aria-label="Before and after" {
            h2 { "Before and after" }
            p {
                "Counted on " (count(proof, "image", "images")) " that neither search nor repair has seen. A file that is written "
                "is read back and has to answer as the model that was measured. Success (ASR) is how many images of other classes the trigger leads to its target; without "
                "the trigger, the same images go there as often as the row says. Right class (RA) is how many stamped images "
                "are taken for what they are."
            }
            (table(
                "What was measured, with 95 % intervals",
                &["What", "Trigger", "Before", "95 % interval", "After", "95 % interval", "Images"],
                &[2, 3, 4, 5, 6],
                page.measured.iter().map(row).collect(),
            ))
            @for share in &page.came_back {
                p {
                    "After five epochs on clean images and five stamped ones the trigger works on " (rate(share)) " of the images ("
                    (interval(share.interval)) "). A model that never had it learns a trigger as well, on some images in a hundred."
                }
            }
        }
    }
}

fn row(pair: &MeasuredPair<'_>) -> Vec<Markup> {
    vec![
        html! { (pair.what) },
        html! { @if let Some(trigger) = &pair.trigger { bdi { (Shown(trigger)) } } @else { "none" } },
        html! { (rate(&pair.before)) },
        html! { (interval(pair.before.interval)) },
        html! { strong { (rate(&pair.after)) } },
        html! { (interval(pair.after.interval)) },
        html! { (pair.after.trials) },
    ]
}

fn rate(share: &Share) -> String {
    optional(share.rate(), percent)
}
