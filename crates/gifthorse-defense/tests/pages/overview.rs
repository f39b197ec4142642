//! The made part of the overview: a table with a row for each detector, and what each leaves out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gifthorse_defense::audit::AUDITS;
use gifthorse_defense::detect::{Choice, DETECTORS};

use gifthorse_defense::filter::{FILTERS, Family};
use gifthorse_defense::repair::REPAIRS;

use crate::module_doc::{AUDIT, DETECTOR, FILTER, Kind, ModuleDoc, REPAIR};
use crate::page::passes;

/// More classes than any detector asks for.
const MANY: usize = 100;

/// The part.
pub fn text(has_a_part: impl Fn(&Choice) -> bool) -> String {
    let mut text = "| detector | looks for | needs | costs | part in the verdict |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (row, choice) in DETECTORS.iter().zip(Choice::all()) {
        let about = row.about;
        let name = about.name;
        writeln!(
            text,
            "| [`{name}`]({name}.md) | {} | {} | {} | {} |",
            about.tested.replace("{targets}", "a class"),
            needs(&choice, about.needs_images),
            cost(DETECTOR, name),
            part(about.by_default, has_a_part(&choice)),
        )
        .unwrap();
        for what in about.not_tested {
            left_out.entry(what).or_default().push(format!("`{name}`"));
        }
    }
    text += "\nNot looked for, in the words of a report's *coverage*:\n\n";
    text += "| what | by |\n|---|---|\n";
    for (what, names) in left_out {
        let by = match names.len() == DETECTORS.len() {
            true => "any".to_owned(),
            false => names.join(", "),
        };
        writeln!(text, "| {what} | {by} |").unwrap();
    }
    text
}

/// The table of repairs, in the order in which they are tried with a trigger.
pub fn of_repairs() -> String {
    let mut text =
        "| repair | needs a trigger | tried where none is chosen | changes | costs | misses |\n\
                    |---|---|---|---|---|---|\n"
            .to_owned();
    for row in &REPAIRS {
        let about = row.about;
        let name = about.name;
        let yes = |is: bool| if is { "yes" } else { "no" };
        writeln!(
            text,
            "| [`{name}`]({name}.md) | {} | {} | {} | {} | {} |",
            yes(about.needs_trigger),
            yes(about.in_auto),
            about.changes,
            cost(REPAIR, name),
            about.misses.join("; "),
        )
        .unwrap();
    }
    text
}

/// The table of filters.
pub fn of_filters() -> String {
    let mut text = "| filter | goes by | needs a trigger | needs a repaired model | an image takes | misses |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for row in &FILTERS {
        let about = row.about;
        let yes = |is: bool| if is { "yes" } else { "no" };
        writeln!(
            text,
            "| [`{}`]({}.md) | {} | {} | {} | {} | {} |",
            about.name,
            FILTER.module(about.name),
            goes_by(about.family),
            yes(about.needs_trigger),
            yes(about.needs_repaired),
            passes(about.passes),
            about.misses.join("; "),
        )
        .unwrap();
    }
    text
}

/// The table of audits, the default in front.
pub fn of_audits() -> String {
    let mut text = "| audit | goes by | costs | misses |\n|---|---|---|---|\n".to_owned();
    for row in &AUDITS {
        let about = row.about;
        writeln!(
            text,
            "| [`{}`]({}.md) | {} | {} | {} |",
            about.name,
            about.name,
            about.goes_by,
            cost(AUDIT, about.name),
            about.misses.join("; "),
        )
        .unwrap();
    }
    text
}

fn goes_by(family: Family) -> &'static str {
    match family {
        Family::Trigger => "what a known trigger does inside the model",
        Family::Stability => "whether the answer stays where image or model are changed",
        Family::Features => "where the image lies among clean ones inside the model",
        Family::Disagreement => "whether a bounded or repaired model answers otherwise",
        Family::Attribution => "the part of the image that the answer rests on",
        Family::Several => "several of these",
    }
}

fn needs(choice: &Choice, images: bool) -> String {
    let detector = choice.detector().unwrap();
    let classes = (2..MANY)
        .find(|&classes| !detector.units(classes).is_empty())
        .unwrap();
    let images = if images { "images, " } else { "" };
    format!("{images}{classes} classes")
}

/// The first sentence of the module's section on cost.
fn cost(kind: Kind, name: &str) -> String {
    let doc = ModuleDoc::read(kind, name).unwrap();
    let words: Vec<&str> = doc.section("Cost").unwrap().split_whitespace().collect();
    let words = words.join(" ");
    let sentence = words.split(". ").next().unwrap();
    sentence.trim_end_matches('.').to_owned()
}

fn part(by_default: bool, has_a_part: bool) -> &'static str {
    match (has_a_part, by_default) {
        (true, true) => "yes, in every scan",
        (true, false) => "by name",
        (false, _) => "not yet",
    }
}
