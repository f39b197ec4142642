//! A page of its own about what a trigger does.

use maud::{Markup, html};

use super::{HtmlOptions, document, effect::block, parts::table, picture::image};
use crate::{
    escape::Shown,
    evidence::{HeatExample, Heated},
    format::{number, optional},
    report::Effect,
};

/// What is known of a trigger's doings, as it is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct EffectPage<'a> {
    /// What the model is called, such as the name of its file.
    pub title: &'a str,
    /// Hash of the model.
    pub sha256: &'a str,
    /// What the trigger is called.
    pub trigger: &'a str,
    /// What the planted trigger is called, if it is known.
    pub original: Option<&'a str>,
    /// Names of the classes; may be fewer than the classes.
    pub class_names: &'a [String],
    /// What it does.
    pub effect: &'a Effect,
    /// What patches are called that are compared,
    pub compared: &'a [String],
    /// and how alike they are, a row for each.
    pub cosines: &'a [Vec<Option<f64>>],
    /// The layer that Grad-CAM looked at.
    pub heat_layer: Option<&'a str>,
    /// What it saw.
    pub heat: &'a [HeatExample],
    /// What the reader should know.
    pub warnings: &'a [String],
}

impl EffectPage<'_> {
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
pub fn render_effect(page: &EffectPage<'_>, options: HtmlOptions) -> String {
    let title = html! { "A trigger in " (Shown(page.title)) " – gifthorse" };
    let class = |index| page.class(index);
    let body = html! {
        article.scan {
            header.demo {
                p.kicker { "gifthorse explain " bdi { (Shown(page.title)) } }
                h1 { "What a trigger does inside the model" }
                p {
                    "The trigger " bdi { (Shown(page.trigger)) }
                    @if let Some(original) = page.original { ", beside the planted one, " bdi { (Shown(original)) } }
                    ", in the model with SHA-256 " code { (Shown(page.sha256)) } ". This page describes a trigger; whether "
                    "the model is backdoored is what a scan says."
                }
                @if !page.warnings.is_empty() {
                    ul.reasons { @for warning in page.warnings { li { (Shown(warning)) } } }
                }
            }
            section aria-label="What it does" { (block(page.effect, &class, 2)) }
            (heat(page, options))
            (compared(page))
        }
    };
    document(title, body)
}

fn heat(page: &EffectPage<'_>, options: HtmlOptions) -> Markup {
    let Some(layer) = page.heat_layer.filter(|_| !page.heat.is_empty()) else {
        return html! {};
    };
    html! {
        section aria-label="Grad-CAM" {
            h2 { "What the answers rest on" }
            p {
                "Grad-CAM at layer “" bdi { (Shown(layer)) } "”: bright is what speaks for the model's own answer. On clean "
                "images that should be the object; on stamped ones it is the trigger, wherever the object is. Its resolution "
                "is that of the layer, enlarged."
            }
            @if options.images {
                ul.examples { @for example in page.heat { li { (pair(page, example)) } } }
            } @else {
                p.note { "The images are left out of this page on request." }
            }
        }
    }
}

fn pair(page: &EffectPage<'_>, example: &HeatExample) -> Markup {
    let shown = |heated: &Heated, what: &str| {
        let picture = html! { (what) " image, taken for " (page.class(heated.answer)) };
        let heat = html! { "what speaks for " (page.class(heated.answer)) };
        html! {
            div.pair {
                (image(&heated.picture, &picture, "medium"))
                (image(&heated.heat, &heat, "medium"))
            }
        }
    };
    html! {
        figure {
            (shown(&example.clean, "clean"))
            (shown(&example.stamped, "stamped"))
            figcaption {
                "Labelled " (page.class(example.label)) "; model said " (page.class(example.clean.answer)) ", with the trigger "
                strong { (page.class(example.stamped.answer)) } "."
            }
        }
    }
}

fn compared(page: &EffectPage<'_>) -> Markup {
    if page.compared.len() < 2 {
        return html! {};
    }
    let numbers: Vec<String> = (1..=page.compared.len()).map(|at| at.to_string()).collect();
    let mut columns = vec!["Trigger"];
    columns.extend(numbers.iter().map(String::as_str));
    let rows = page.compared.iter().zip(page.cosines).enumerate();
    let rows = rows.map(|(at, (name, cosines))| {
        let mut row = vec![html! { (at + 1) ": " bdi { (Shown(name)) } }];
        row.extend(
            cosines
                .iter()
                .map(|value| html! { (optional(*value, number)) }),
        );
        row
    });
    let numeric: Vec<usize> = (1..columns.len()).collect();
    html! {
        section aria-label="Patches compared" {
            h2 { "How alike the patches are" }
            p {
                "The cosine of what two patches show where they show it: 1 for the same patch, 0 for nothing in common. What "
                "is recovered need not look like what was planted."
            }
            (table("Cosines", &columns, &numeric, rows.collect()))
        }
    }
}
