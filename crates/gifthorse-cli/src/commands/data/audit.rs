//! `gifthorse data audit`: images of a training set that may have planted a backdoor.

use std::process::ExitCode;

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use gifthorse::repair::record::Share;
use gifthorse::{AuditFile, AuditRequest, Worth, audit};
use gifthorse_report::escape::Shown;

use super::audit_files;
use crate::cli::{DataAuditArgs, Global};
use crate::output;

/// Exit status where images are to be removed.
const SUSPECTS: u8 = 1;

/// Audits, writes and tells.
///
/// # Errors
/// As the library; a truth that is of something else; files that cannot be written.
pub fn run(args: &DataAuditArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut audited = audit(&AuditRequest {
        share: args.share,
        shown: match &args.out {
            Some(_) if !args.no_images => args.shown,
            _ => 0,
        },
        ..AuditRequest::new(args.scan(global)?, &args.method)
    })?;
    if let Some(truth) = &args.truth {
        let poisoned = gifthorse_bench::poisoned(truth, audited.set.available);
        let poisoned = poisoned.context("what was poisoned is not known (--truth)")?;
        audited.truth = Some(audited.worth(&poisoned)?);
    }
    if !global.quiet {
        let warnings = audited.warnings.iter();
        warnings.for_each(|warning| output::note(&format!("warning: {warning}")));
    }
    if let Some(folder) = &args.out {
        audit_files::write(folder, &audited)?;
    }
    if args.json {
        output::print(&audit_files::json(&audited)?)?;
    } else if !global.quiet {
        output::print(&table(&audited))?;
        if let Some(folder) = &args.out {
            output::note(&format!(
                "written to {}",
                folder.join("audit.html").display()
            ));
        }
    }
    let status = if audited.removed > 0 { SUSPECTS } else { 0 };
    Ok(ExitCode::from(status))
}

/// A line for each class, and what they come to.
fn table(audited: &AuditFile) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["class", "", "images", "group", "given the class", "removed"]);
    for of_class in &audited.classes {
        let name = audited.class_names.get(of_class.class);
        let name = name.filter(|name| **name != of_class.class.to_string());
        table.add_row([
            match name {
                Some(name) => format!("{} {}", of_class.class, Shown(name)),
                None => of_class.class.to_string(),
            },
            if of_class.suspicious {
                "SUSPICIOUS"
            } else {
                ""
            }
            .to_owned(),
            of_class.images.to_string(),
            of_class.group.to_string(),
            of_class.kept.map_or("-".to_owned(), percent),
            of_class.removed.to_string(),
        ]);
    }
    let mut text = format!("{}\n{}\n", audited.title, table.trim_fmt());
    text += &format!(
        "seen from outside, {} of images are given their class\n",
        percent(audited.belonging)
    );
    text += &match audited.removed {
        0 => "no image is to be removed\n".to_owned(),
        removed => format!(
            "{removed} of {} images are to be REMOVED\n",
            audited.set.images
        ),
    };
    if let Some(worth) = &audited.truth {
        text += &told(worth);
    }
    text
}

/// What an audit is worth, in a line.
fn told(worth: &Worth) -> String {
    let share = |share: Option<Share>| match share {
        Some(share) => format!("{} ({} of {})", percent(share.rate), share.hits, share.of),
        None => "-".to_owned(),
    };
    let auroc = worth
        .auroc
        .map_or("-".to_owned(), |auroc| format!("{:.4}", auroc.area));
    format!(
        "{} are poisoned: precision {}, recall {}, AUROC {auroc}\n",
        worth.poisoned,
        share(worth.precision),
        share(worth.recall)
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
