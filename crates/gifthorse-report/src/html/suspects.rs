//! A page about the images that a filter finds suspicious.

use maud::{Markup, html};

use super::{document, parts::tag, picture::image};
use crate::{escape::Shown, evidence::Heated};

/// What a filter found, as it is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct SuspectsPage<'a> {
    /// Name of the method.
    pub method: &'a str,
    /// Hash of the model.
    pub sha256: &'a str,
    /// Names of the classes; may be fewer than the classes.
    pub class_names: &'a [String],
    /// Number of images,
    pub images: usize,
    /// and of those that are flagged.
    pub flagged: usize,
    /// The false-positive rate.
    pub fpr: f64,
    /// The chance that so many clean images are flagged.
    pub chance: f64,
    /// Whether that is too small to be one.
    pub more_than_expected: bool,
    /// The most suspicious images, the first of all in front.
    pub shown: &'a [Suspect<'a>],
    /// What the reader should know.
    pub warnings: &'a [String],
}

/// One suspicious image.
#[derive(Clone, Copy, Debug)]
pub struct Suspect<'a> {
    /// Its name.
    pub name: &'a str,
    /// The image, and what the model's answer on it rests on.
    pub heated: &'a Heated,
    /// The share of clean images that are as suspicious.
    pub p_value: f64,
    /// Whether it is flagged.
    pub flagged: bool,
    /// The class to give instead.
    pub safe_label: Option<usize>,
}

impl SuspectsPage<'_> {
    fn class(&self, index: usize) -> Markup {
        let name = self.class_names.get(index);
        let name = name.filter(|name| !name.is_empty() && **name != index.to_string());
        html! {
            @match name {
                Some(name) => { "“" bdi { (Shown(name)) } "” (class " (index) ")" },
                None => { "class " (index) },
            }
        }
    }
}

/// The page, one file that loads nothing from elsewhere.
pub fn render_suspects(page: &SuspectsPage<'_>) -> String {
    let title = html! { (page.flagged) " of " (page.images) " images flagged – gifthorse" };
    let body = html! {
        article.scan {
            header.demo {
                p.kicker { "gifthorse filter run" }
                h1 {
                    @if page.more_than_expected { "More images are flagged than chance explains" }
                    @else { "No more images are flagged than chance explains" }
                }
                p {
                    (page.flagged) " of " (page.images) " images are flagged by the filter " code { (Shown(page.method)) }
                    ", which flags " (percent(page.fpr)) " of clean ones. So many or more of as many clean images would be "
                    "flagged with a chance of " (chance(page.chance)) ". The model has the SHA-256 "
                    code { (Shown(page.sha256)) } "."
                }
                @if !page.warnings.is_empty() {
                    ul.reasons { @for warning in page.warnings { li { (Shown(warning)) } } }
                }
            }
            (suspects(page))
        }
    };
    document(title, body)
}

fn suspects(page: &SuspectsPage<'_>) -> Markup {
    if page.shown.is_empty() {
        return html! { p.note { "No images are shown: they were left out on request, or the model has no layer with places." } };
    }
    html! {
        section aria-label="Suspicious images" {
            h2 { "The most suspicious images" }
            p {
                "Beside each what its answer rests on, by Grad-CAM at the last maps: bright is what speaks for it. On a clean "
                "image that should be the object, on a stamped one it is the trigger."
            }
            ul.examples { @for suspect in page.shown { li { (one(page, suspect)) } } }
        }
    }
}

fn one(page: &SuspectsPage<'_>, suspect: &Suspect<'_>) -> Markup {
    let heated = suspect.heated;
    let picture =
        html! { "image " bdi { (Shown(suspect.name)) } ", taken for " (page.class(heated.answer)) };
    let heat = html! { "what speaks for " (page.class(heated.answer)) };
    html! {
        figure {
            div.pair {
                (image(&heated.picture, &picture, "medium"))
                (image(&heated.heat, &heat, "medium"))
            }
            figcaption {
                @if suspect.flagged { (tag("bad", "flagged")) " " }
                bdi { (Shown(suspect.name)) } ": p = " (chance(suspect.p_value)) ", model said "
                strong { (page.class(heated.answer)) }
                @if let Some(label) = suspect.safe_label { "; safe label " (page.class(label)) }
                "."
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn chance(chance: f64) -> String {
    match chance {
        small if small < 0.001 => format!("{small:.1e}"),
        other => format!("{other:.3}"),
    }
}
