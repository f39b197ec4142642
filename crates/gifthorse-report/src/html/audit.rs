//! A page about the images of a training set that an audit finds suspicious.

use maud::{Markup, html};

use super::{document, parts::tag, picture::image};
use crate::{escape::Shown, evidence::Heated};

/// What an audit found, as it is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct AuditPage<'a> {
    /// The method, for people.
    pub title: &'a str,
    /// Hash of the model.
    pub sha256: &'a str,
    /// Names of the classes; may be fewer than the classes.
    pub class_names: &'a [String],
    /// Number of images,
    pub images: usize,
    /// and of those that are to be removed.
    pub removed: usize,
    /// Share of images that are given their class from outside the model.
    pub belonging: f64,
    /// The suspicious classes.
    pub suspicious: &'a [AuditedClass],
    /// The most suspicious images, the first of all in front.
    pub shown: &'a [AuditedPicture<'a>],
    /// What the reader should know.
    pub warnings: &'a [String],
}

/// A suspicious class.
#[derive(Clone, Copy, Debug)]
pub struct AuditedClass {
    /// The class.
    pub class: usize,
    /// Images that are labelled so,
    pub images: usize,
    /// and of those that are to be removed.
    pub removed: usize,
    /// The share of the group that is given the class from outside.
    pub kept: Option<f64>,
}

/// One suspicious image.
#[derive(Clone, Copy, Debug)]
pub struct AuditedPicture<'a> {
    /// Its name.
    pub name: &'a str,
    /// The image, and what the model's answer on it rests on.
    pub heated: &'a Heated,
    /// Its label.
    pub class: usize,
    /// How suspicious it is.
    pub score: f64,
    /// Whether it is to be removed.
    pub removed: bool,
}

impl AuditPage<'_> {
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
pub fn render_audit(page: &AuditPage<'_>) -> String {
    let title =
        html! { (page.removed) " of " (page.images) " training images suspicious – gifthorse" };
    let body = html! {
        article.scan {
            header.demo {
                p.kicker { "gifthorse data audit" }
                h1 {
                    @if page.removed > 0 { (page.removed) " of " (page.images) " training images should be removed" }
                    @else { "No training image needs to be removed" }
                }
                p {
                    (Shown(page.title)) ", by the model with the SHA-256 " code { (Shown(page.sha256)) }
                    ". A classifier that has not seen a group of a class gives " (percent(page.belonging))
                    " of images their label; images that are there for a trigger are given far fewer."
                }
                @if !page.suspicious.is_empty() {
                    ul.reasons {
                        @for of_class in page.suspicious {
                            li {
                                (page.class(of_class.class)) ": " (of_class.removed) " of " (of_class.images) " images"
                                @if let Some(kept) = of_class.kept { ", of which " (percent(kept)) " are given the class" }
                            }
                        }
                    }
                }
                @if !page.warnings.is_empty() {
                    ul.reasons { @for warning in page.warnings { li { (Shown(warning)) } } }
                }
            }
            @if !page.shown.is_empty() { (pictures(page)) }
        }
    };
    document(title, body)
}

fn pictures(page: &AuditPage<'_>) -> Markup {
    html! {
        section aria-label="Suspicious images" {
            h2 { "The most suspicious images" }
            p {
                "Beside each what the model's answer rests on, by Grad-CAM at the last maps: bright is what speaks for it. On "
                "an image that belongs to its class that should be the object, on a stamped one it is the trigger."
            }
            ul.examples { @for picture in page.shown { li { (one(page, picture)) } } }
        }
    }
}

fn one(page: &AuditPage<'_>, picture: &AuditedPicture<'_>) -> Markup {
    let heated = picture.heated;
    let alt =
        html! { "image " bdi { (Shown(picture.name)) } ", labelled " (page.class(picture.class)) };
    let heat = html! { "what speaks for " (page.class(heated.answer)) };
    html! {
        figure {
            div.pair {
                (image(&heated.picture, &alt, "medium"))
                (image(&heated.heat, &heat, "medium"))
            }
            figcaption {
                @if picture.removed { (tag("bad", "to be removed")) " " }
                bdi { (Shown(picture.name)) } ": labelled "
                strong { (page.class(picture.class)) }
                ", score " (format!("{:.2}", picture.score)) "."
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
