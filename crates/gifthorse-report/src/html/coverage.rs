//! What was tested and what was not: a verdict reaches no further.

use maud::{Markup, html};

use super::{Scan, parts::heading};
use crate::{
    escape::Shown,
    format::{number, percent},
};

/// The section on coverage.
pub fn section(scan: &Scan<'_>) -> Markup {
    let coverage = &scan.report().coverage;
    let list = |items: &[String]| {
        html! {
            @if items.is_empty() { p { "Nothing." } }
            @else { ul { @for item in items { li { (Shown(item)) } } } }
        }
    };
    let body = html! {
        p {
            @if let Some(size) = coverage.largest_trigger {
                "Largest trigger that “clean” would speak about: " strong { (percent(size.share)) " of the image" }
                ", " (number(size.pixels)) " pixels."
            } @else { "No trigger size could be established up to which “clean” would speak." }
        }
        div.columns {
            div { (heading(scan.level + 2, None, html! { "Tested" })) (list(&coverage.tested)) }
            div { (heading(scan.level + 2, None, html! { "Not tested" })) (list(&coverage.not_tested)) }
        }
    };
    scan.section("coverage", "Coverage", body)
}
