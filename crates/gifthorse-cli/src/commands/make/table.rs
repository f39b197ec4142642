//! The truth about a model in a few lines.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse_attack::plant::{Cleansing, CrossEffect, Effect, LabelMap, Planted, Truth};
use gifthorse_attack::trigger::Trigger;

/// Clean accuracy, and what each trigger and each part of it does to the model and to its twin.
pub fn of(truth: &Truth) -> String {
    let mut text = format!("clean accuracy {}", percent(truth.clean_accuracy));
    if let Some(twin) = truth.twin_accuracy {
        text.push_str(&format!(", of the clean twin {}", percent(twin)));
    }
    text.push('\n');
    if let Some(cleansing) = &truth.cleansing {
        text.push_str(&cleansed(cleansing));
    }
    if truth.backdoors.is_empty() {
        return text;
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "trigger",
        "leads to",
        "success",
        "without it",
        "with the target class",
        "label kept",
        "in the twin",
    ]);
    for planted in &truth.backdoors {
        rows(planted, &mut table);
    }
    for cover in &truth.covers {
        let twin = cover.twin_label_kept.map_or(String::new(), percent);
        let name = format!("cover: {}", cover.trigger.name());
        let none = String::new;
        table.add_row([
            name,
            none(),
            none(),
            none(),
            none(),
            percent(cover.label_kept),
            twin,
        ]);
    }
    text.push_str(&format!("{}\n", table.trim_fmt()));
    text
}

/// What an audit removed, and what the model did before.
fn cleansed(cleansing: &Cleansing) -> String {
    let Cleansing {
        audit,
        images,
        removed,
        poisoned,
        found,
        clean_accuracy,
        with_trigger,
    } = cleansing;
    let removed = removed.len();
    let mut text = format!("{audit}: {removed} of {images} training images removed");
    if *poisoned > 0 {
        text.push_str(&format!(
            ", {found} of the {poisoned} poisoned ones among them"
        ));
    }
    text.push_str(&format!(
        "; before, clean accuracy {}",
        percent(*clean_accuracy)
    ));
    for success in with_trigger {
        text.push_str(&format!(", success {}", percent(success.other_classes)));
    }
    text.push('\n');
    text
}

fn rows(planted: &Planted, table: &mut Table) {
    let target = match (planted.labels.target(), &planted.labels) {
        (Some(class), _) => format!("class {class}"),
        (None, LabelMap::AllToAll {}) => "the next class".to_owned(),
        (None, _) => "a class for each".to_owned(),
    };
    let Effect {
        with_trigger,
        without_trigger,
        label_kept,
        parts,
        cross,
    } = &planted.effect;
    let twin = planted.twin.as_ref();
    let in_twin = twin.map(|effect| percent(effect.with_trigger.other_classes));
    table.add_row([
        planted.trigger.name().to_owned(),
        target.clone(),
        percent(with_trigger.other_classes),
        percent(without_trigger.other_classes),
        percent(with_trigger.all_classes),
        label_kept.map_or(String::new(), percent),
        in_twin.unwrap_or_default(),
    ]);
    for (index, part) in parts.iter().enumerate() {
        let in_twin = twin.and_then(|twin| twin.parts.get(index));
        table.add_row([
            format!("  only {}", part.trigger.name()),
            target.clone(),
            percent(part.success.other_classes),
            percent(without_trigger.other_classes),
            percent(part.success.all_classes),
            percent(part.label_kept),
            in_twin.map_or(String::new(), |part| percent(part.success.other_classes)),
        ]);
    }
    if let Some(cross) = cross {
        table.add_row(crossed(cross, twin, target));
    }
}

/// What the trigger of another image does.
fn crossed(cross: &CrossEffect, twin: Option<&Effect>, target: String) -> [String; 7] {
    let in_twin = twin.and_then(|twin| twin.cross.as_ref());
    [
        "  of another image".to_owned(),
        target,
        percent(cross.success.other_classes),
        String::new(),
        percent(cross.success.all_classes),
        percent(cross.label_kept),
        in_twin.map_or(String::new(), |it| percent(it.success.other_classes)),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
