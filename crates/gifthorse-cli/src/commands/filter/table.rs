//! What `filter` prints on a terminal.

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse::FilterFile;
use gifthorse::filter::{AtRate, Evaluation, Suspects};
use gifthorse::repair::record::Share;
use gifthorse_report::escape::Shown;

/// A fitted filter in a few lines.
pub fn fitted(filter: &FilterFile) -> String {
    let threshold = &filter.threshold;
    let [low, high] = threshold.interval;
    let images = &filter.images;
    let mut text = format!("{}\n", filter.title);
    text += &format!(
        "  fitted to {} clean images, the threshold set by {} others{}\n",
        images.fit,
        images.threshold,
        if images.labelled {
            ""
        } else {
            "; without labels, the model's answers stand in"
        }
    );
    if filter.triggers > 0 {
        text += &format!("  goes by {} known triggers\n", filter.triggers);
    }
    text += &format!(
        "  flags {} of clean images; with so many images it may be {} to {} (95 %)\n",
        percent(threshold.expected),
        percent(low),
        percent(high)
    );
    text += &format!(
        "  {} passes for an image, the model's own included\n",
        filter.passes
    );
    for miss in &filter.misses {
        text += &format!("  cannot see {miss}\n");
    }
    for note in &filter.notes {
        text += &format!("  {}\n", Shown(note));
    }
    text
}

/// A line for each image, and what they come to.
pub fn suspects(suspects: &Suspects) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["image", "", "p-value", "score", "answer", "safe label"]);
    for verdict in &suspects.verdicts {
        table.add_row([
            Shown(&verdict.name).to_string(),
            if verdict.flagged { "FLAGGED" } else { "" }.to_owned(),
            format!("{:.4}", verdict.p_value),
            verdict
                .score
                .map_or("-".to_owned(), |score| format!("{score:.4}")),
            class(suspects, verdict.answer),
            verdict
                .safe_label
                .map_or("-".to_owned(), |label| class(suspects, label)),
        ]);
    }
    let mut text = format!("{}\n", table.trim_fmt());
    text += &format!(
        "{} of {} images flagged at a false-positive rate of {}: ",
        suspects.flagged,
        suspects.images,
        percent(suspects.fpr)
    );
    text += &match suspects.more_than_expected {
        true => format!(
            "MORE THAN THE RATE EXPLAINS (chance {:.1e})\n",
            suspects.chance
        ),
        false => format!(
            "no more than the rate explains (chance {:.2})\n",
            suspects.chance
        ),
    };
    text
}

/// What a filter does on images of known truth.
pub fn evaluation(evaluation: &Evaluation) -> String {
    let mut text = format!(
        "{}, on {} clean images that it has not seen: {} passes, {:.2} ms an image ({:.2} ms the model alone)\n",
        evaluation.method,
        evaluation.images,
        evaluation.passes,
        evaluation.milliseconds,
        evaluation.model_milliseconds
    );
    if evaluation.left_out > 0 {
        text += &format!(
            "{} images left out: the filter was fitted with them\n",
            evaluation.left_out
        );
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["", "rate", "share", "95 %"]);
    let mut add = |what: &str, rows: &[AtRate]| {
        for row in rows {
            let [low, high] = row.share.interval;
            if row.share.of == 0 {
                table.add_row([what.to_owned(), percent(row.fpr), "-".to_owned()]);
                continue;
            }
            table.add_row([
                what.to_owned(),
                percent(row.fpr),
                percent(row.share.rate),
                format!("{} to {}", percent(low), percent(high)),
            ]);
        }
    };
    add("clean images flagged (FPR)", &evaluation.clean);
    for trigger in &evaluation.triggers {
        let name = Shown(&trigger.name).to_string();
        add(&format!("{name}: missed of all"), &trigger.missed);
        add(
            &format!("{name}: missed of those that succeed (FNR)"),
            &trigger.missed_of_successful,
        );
    }
    text += &format!("{}\n", table.trim_fmt());
    for trigger in &evaluation.triggers {
        text += &format!(
            "{}: success {}",
            Shown(&trigger.name),
            share(&trigger.success)
        );
        if let Some(auroc) = &trigger.auroc {
            text += &format!(", AUROC {:.4}", auroc.area);
        }
        if let Some(safe) = &trigger.safe {
            text += &format!(", safe label right on {}", share(safe));
        }
        text.push('\n');
    }
    text
}

fn class(suspects: &Suspects, index: usize) -> String {
    let name = suspects.class_names.get(index);
    match name.filter(|name| !name.is_empty() && **name != index.to_string()) {
        Some(name) => format!("{index} {}", Shown(name)),
        None => index.to_string(),
    }
}

fn share(share: &Share) -> String {
    format!("{} of {}", percent(share.rate), share.of)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
