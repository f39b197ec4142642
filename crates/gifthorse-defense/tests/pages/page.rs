//! The made part of a detector's page: its row in sentences, then its module's documentation.

use gifthorse_defense::{audit, detect::About, filter, repair, verdict::Tail};

use crate::module_doc::ModuleDoc;

const COLUMNS: usize = 100;

/// The part of a repair's page.
pub fn of_repair(about: &repair::About, doc: &ModuleDoc) -> String {
    let needs = match about.needs_trigger {
        true => "needs a trigger",
        false => "needs no trigger",
    };
    let tried = match about.in_auto {
        true => "is among those that are tried where none is chosen",
        false => "is tried only by name",
    };
    let facts = format!(
        "`{}` {needs} and {tried} (`--method {}`). It changes: {}.",
        about.name, about.name, about.changes
    );
    let mut text = format!("{}\n\n{}\n", doc.opening, filled(&facts));
    for (heading, words) in doc.sections() {
        text += &format!("\n## {heading}\n\n{words}\n");
    }
    text
}

/// The part of the page of filters that are one module.
pub fn of_filters(abouts: &[&filter::About], doc: &ModuleDoc) -> String {
    let mut text = format!("{}\n", doc.opening);
    for about in abouts {
        let subject = match abouts.len() {
            1 => format!("`{}`", about.name),
            _ => format!("`{}` is {}. It", about.name, about.title),
        };
        let facts = format!(
            "{subject} {} and makes {} for an image (`gifthorse filter fit --method {}`). It \
             misses: {}.",
            needs(about),
            passes(about.passes),
            about.name,
            about.misses.join("; "),
        );
        text += &format!("\n{}\n", filled(&facts));
    }
    for (heading, words) in doc.sections() {
        text += &format!("\n## {heading}\n\n{words}\n");
    }
    text
}

/// The part of an audit's page.
pub fn of_audit(about: &audit::About, doc: &ModuleDoc) -> String {
    let facts = format!(
        "`{}` goes by {} (`gifthorse data audit --method {}`). It misses: {}.",
        about.name,
        about.goes_by,
        about.name,
        about.misses.join("; "),
    );
    let mut text = format!("{}\n\n{}\n", doc.opening, filled(&facts));
    for (heading, words) in doc.sections() {
        text += &format!("\n## {heading}\n\n{words}\n");
    }
    text
}

fn needs(about: &filter::About) -> &'static str {
    match (about.needs_trigger, about.needs_repaired) {
        (true, true) => "needs a trigger and a repaired model",
        (true, false) => "needs a trigger",
        (false, true) => "needs a repaired model",
        (false, false) => "needs clean images alone",
    }
}

/// So many passes, in words.
pub fn passes(count: f64) -> String {
    match count {
        1.0 => "one pass".to_owned(),
        _ => format!("{count} passes"),
    }
}

/// The part.
pub fn text(about: &About, doc: &ModuleDoc, has_a_part: bool) -> String {
    let mut text = format!("{}\n\n{}\n", doc.opening, filled(&facts(about, has_a_part)));
    for (heading, words) in doc.sections() {
        text += &format!("\n## {heading}\n\n{words}\n");
    }
    text
}

fn facts(about: &About, has_a_part: bool) -> String {
    let images = match about.needs_images {
        true => "needs clean images",
        false => "needs no image",
    };
    let run = match about.by_default {
        true => "is in every scan".to_owned(),
        false => format!(
            "is run by name (`--detector {}`, or `thorough` for all)",
            about.name
        ),
    };
    let part = match has_a_part {
        true => "It has a part in the verdict",
        false => {
            "**It has no part in the verdict yet**, since the library of clean models has none of \
             its values"
        }
    };
    let statistic = &about.statistic;
    let end = match statistic.suspicious {
        Tail::Small => "small",
        Tail::Large => "large",
    };
    let presets: Vec<String> = about.presets.iter().map(|p| format!("`{p}`")).collect();
    format!(
        "`{}` {images} and {run}. {part}. Its statistic is `{}` ({}); {end} is suspicious. \
         Settings: {}.",
        about.name,
        statistic.name,
        statistic.meaning,
        presets.join(", ")
    )
}

/// The words in lines of at most [`COLUMNS`].
fn filled(words: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            *line += word;
        } else if line.len() + 1 + word.len() <= COLUMNS {
            *line += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

#[test]
fn lines_are_filled() {
    let words = "word ".repeat(50);
    let text = filled(&words);
    assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [99, 99, 49]);
    assert_eq!(text.split_whitespace().count(), 50);
}
