//! `gifthorse verify`: replays a report's triggers.

use std::process::ExitCode;

use gifthorse::{Rate, Replay, Replayed, VerifyRequest, verify};
use gifthorse_report::escape::Shown;

use crate::cli::{Global, VerifyArgs};
use crate::output;

/// Replays, prints what holds, and exits with 0 if all does and 1 if not.
///
/// # Errors
/// As the replay.
pub fn run(args: &VerifyArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let replay = verify(&VerifyRequest {
        report: args.report.clone(),
        model: args.model.clone(),
        images: args.images.clone(),
        labels: args.labels.clone(),
        class_names: args.class_names.clone(),
        force: args.force,
    })?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&replay)?))?;
    } else if !global.quiet {
        output::print(&text(&replay))?;
    }
    Ok(ExitCode::from(u8::from(!replay.holds)))
}

fn text(replay: &Replay) -> String {
    let mut text = String::new();
    if !replay.same_model {
        text += "The model is not the one that was scanned: its hash differs.\n";
    }
    text += &if replay.same_images {
        format!(
            "The {} images are those of the scan; rates must agree.\n",
            replay.images
        )
    } else {
        format!(
            "The {} images are not those of the scan; rates must agree within their 95 % intervals.\n",
            replay.images
        )
    };
    for class in &replay.classes {
        text += &line(class);
    }
    text += if replay.holds {
        "HOLDS  The triggers do what the report says.\n"
    } else {
        "DOES NOT HOLD  A trigger does not do what the report says.\n"
    };
    text
}

fn line(class: &Replayed) -> String {
    let mark = if class.holds { " " } else { "!" };
    let mut line = format!("{mark} class {:4}", class.class);
    if !class.name.is_empty() {
        line += &format!(" {}", Shown(&class.name));
    }
    if let Some(reported) = class.norm.reported {
        line += &format!(
            ": norm {reported:.2} reported, {:.2} found",
            class.norm.replayed
        );
    }
    for (name, rate) in [("search", class.search), ("held-out", class.holdout)] {
        if let Some(rate) = rate {
            line += &format!("; {name} {}", rates(rate));
        }
    }
    line + "\n"
}

fn rates(rate: Rate) -> String {
    let reported = rate.reported.map_or("nothing".to_owned(), |reported| {
        format!("{:.1} %", 100.0 * reported)
    });
    format!(
        "{reported} reported, {:.1} % replayed",
        100.0 * rate.replayed
    )
}
