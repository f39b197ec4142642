//! The report as one HTML file that loads nothing from elsewhere.
//!
//! The reader may be a security engineer who decides in a minute, a colleague who wants to check,
//! or an auditor with a print-out. So the verdict comes first in plain words, then the pictures,
//! then numbers and provenance. Every string from a model or a file name goes through [`Shown`] and
//! `maud`; a content security policy in the page forbids scripts and anything from outside even if
//! one got through.

mod audit;
mod baseline;
mod cards;
mod chart;
mod classes;
mod coverage;
mod effect;
mod effect_page;
mod evidence;
mod inputs;
mod parts;
mod picture;
mod pruning;
mod repair;
mod statistics;
mod suspects;
mod truth;
mod verdict;

pub use audit::{AuditPage, AuditedClass, AuditedPicture, render_audit};
pub use effect_page::{EffectPage, render_effect};
use maud::{DOCTYPE, Markup, PreEscaped, html};
pub use pruning::{PruningCurve, render_pruning};
pub use repair::{
    ChangedConstant, LinkedScan, MeasuredPair, RepairAttempt, RepairChanges, RepairExample,
    RepairFile, RepairOutcome, RepairPage, RepairRound, RepairTrigger, render_repair,
};
pub use suspects::{Suspect, SuspectsPage, render_suspects};

use crate::{Evidence, Report, escape::Shown, evidence::Truth, html::parts::heading, wording};

/// One scan as it is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct ScanPage<'a> {
    /// What the scan is called, such as the name of the model file.
    pub title: &'a str,
    /// The report.
    pub report: &'a Report,
    /// Its pictures.
    pub evidence: &'a Evidence,
    /// What is really in the model, if that is known.
    pub truth: Option<&'a Truth>,
}

/// What to leave out of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtmlOptions {
    /// Whether to show the user's images, before and after stamping. Recovered triggers are always
    /// shown.
    pub images: bool,
}

impl Default for HtmlOptions {
    fn default() -> Self {
        Self { images: true }
    }
}

/// A scan on the page: what is shown, how deep its headings are and what tells its anchors from
/// those of another scan.
struct Scan<'a> {
    page: &'a ScanPage<'a>,
    options: HtmlOptions,
    level: u8,
    id: String,
}

impl Scan<'_> {
    fn report(&self) -> &Report {
        self.page.report
    }

    /// A section with a heading one below the scan's own.
    fn section(&self, name: &str, title: &str, body: Markup) -> Markup {
        let id = format!("{}-{name}", self.id);
        html! {
            section aria-labelledby=(id) class=(name) {
                (heading(self.level + 1, Some(&id), html! { (title) }))
                (body)
            }
        }
    }

    /// A class as its name and index.
    fn class(&self, index: usize) -> Markup {
        html! { (self.class_name(index)) @if self.is_named(index) { " (class " (index) ")" } }
    }

    /// A class as its name alone.
    fn class_name(&self, index: usize) -> Markup {
        html! {
            @if self.is_named(index) { "“" bdi { (Shown(&self.report().class_name(index))) } "”" } @else { "class " (index) }
        }
    }

    /// Whether a class has a name that says more than its index.
    fn is_named(&self, index: usize) -> bool {
        let name = self.report().class_name(index);
        name != format!("class {index}") && name != index.to_string()
    }

    fn render(&self) -> Markup {
        html! {
            article.scan id=(self.id) {
                (verdict::header(self))
                @if let Some(truth) = self.page.truth { (truth::section(self, truth)) }
                @if let Some(baseline) = &self.report().baseline { (baseline::section(self, baseline)) }
                (cards::suspicious(self))
                (classes::all(self))
                (statistics::section(self))
                (inputs::checks(self))
                (coverage::section(self))
                (inputs::provenance(self))
            }
        }
    }
}

/// The page of one scan.
pub fn render(page: &ScanPage<'_>, options: HtmlOptions) -> String {
    let scan = Scan {
        page,
        options,
        level: 1,
        id: "scan".to_owned(),
    };
    let title = html! {
        (wording::verdict(page.report.verdict)) ": " (Shown(page.title)) " – gifthorse"
    };
    document(title, scan.render())
}

/// One page of several scans, with a table of verdicts beside the truth on top.
pub fn render_demo(pages: &[ScanPage<'_>], options: HtmlOptions) -> String {
    let scan = |(index, page)| Scan {
        page,
        options,
        level: 2,
        id: format!("scan-{}", index + 1),
    };
    let scans: Vec<_> = pages.iter().enumerate().map(scan).collect();
    let body = html! {
        header.demo {
            p.kicker { "gifthorse demo" }
            h1 { "Models with a known truth, scanned" }
            p { "The scans were not told what is in the models. Each verdict stands beside the truth." }
            (truth::overview(&scans))
        }
        @for scan in &scans { (scan.render()) }
    };
    document(html! { "gifthorse demo" }, body)
}

fn document(title: Markup, body: Markup) -> String {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(include_str!("html/style.css"))) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}
