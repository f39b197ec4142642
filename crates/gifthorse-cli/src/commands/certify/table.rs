//! What certificates are worth, in lines for a terminal.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use gifthorse::repair::record::Share;
use gifthorse::{AgainstTrigger, Certified, Detection};
use gifthorse_report::escape::Shown;

/// All of it but for the single images; untrusted strings are escaped.
pub fn text(certified: &Certified) -> String {
    let mut text = format!(
        "Noise of {} on pixel values in [0, 1], {} copies of an image; a certificate is wrong with a probability of at most {}\n",
        certified.sigma, certified.counting, certified.alpha
    );
    text += &format!(
        "  images that the model is right on: {}\n",
        share(&certified.accuracy)
    );
    text += &format!(
        "  images that the smoothed model answers: {}\n\n",
        share(&certified.answered)
    );
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["changed by less than", "right whatever the change"]);
    for line in &certified.radii {
        table.add_row([format!("{:.3}", line.radius), share(&line.right)]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text += &format!("{table}\n");
    if let Some(trigger) = &certified.trigger {
        text += &against(trigger);
    }
    if let Some(detection) = &certified.detection {
        text += &beside_clean(detection);
    }
    text
}

fn against(trigger: &AgainstTrigger) -> String {
    let mut text = format!(
        "\nThe trigger {} changes an image by {:.3} (median), towards class {}; of images of other classes\n",
        Shown(&trigger.name),
        trigger.length,
        trigger.target
    );
    for (what, counted) in [
        ("it is shorter than the radius of", &trigger.covered),
        ("with it, the model gives its target to", &trigger.success),
        ("and the smoothed model", &trigger.smoothed_success),
        ("which gives their own class to", &trigger.smoothed_robust),
    ] {
        text += &format!("  {what}: {}\n", share(counted));
    }
    text
}

fn beside_clean(detection: &Detection) -> String {
    let said = match detection.flagged {
        true => "above it: as of a model with a backdoor",
        false => "not above it",
    };
    let mut text = format!(
        "\nOf noisy copies of {} images {:.1} % are given class {}; a share above {:.1} % would be flagged,\n\
         as {:.1} % of clean models are, by {} clean models (p = {:.3}): {said}\n",
        detection.images,
        100.0 * detection.statistic,
        detection.class,
        100.0 * detection.threshold,
        100.0 * detection.rate,
        detection.references.len(),
        detection.p_value,
    );
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header([
        "trigger works on noisy copies",
        "found for certain if shorter than",
    ]);
    for line in &detection.certified {
        let length = line.length.map(|length| format!("{length:.3}"));
        table.add_row([
            format!("{:.0} % and more", 100.0 * line.robustness),
            length.unwrap_or_else(|| "no length is certain".to_owned()),
        ]);
    }
    text += &format!("{table}\n");
    if let Some(trigger) = &detection.trigger {
        text += &format!(
            "  the trigger given works on {:.1} % of noisy copies and more, and is {:.3} long at most: at least {:.1} % of \
             copies without it go to its class: {}\n",
            100.0 * trigger.robustness,
            trigger.length,
            100.0 * trigger.statistic_at_least,
            if trigger.certified {
                "found for certain"
            } else {
                "not certain to be found"
            },
        );
    }
    text
}

fn share(share: &Share) -> String {
    let [lower, upper] = share.interval.map(|bound| 100.0 * bound);
    format!(
        "{} of {} ({lower:.1} to {upper:.1} %)",
        share.hits, share.of
    )
}
