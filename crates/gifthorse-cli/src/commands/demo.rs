//! `gifthorse demo`: plants a backdoor and finds it, on generated data alone.
//!
//! Two networks are trained on the same images, one of them with a backdoor. Both are written as
//! ONNX and scanned from those files through the same function as `gifthorse scan`, which is told
//! the model, the images and the seed, and nothing of the truth. The verdicts are then held against
//! it.

mod bars;
mod images;
mod models;
mod outcome;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use gifthorse::{ScanOutcome, ScanRequest, scan};
use gifthorse_report::html::{HtmlOptions, ScanPage, render_demo};
use gifthorse_report::write_out;

use crate::cli::{DemoArgs, Global};
use crate::output;
use crate::progress::Progress;
use models::Made;
use outcome::Outcome;

/// Makes the models, scans them, writes the page and exits with 0 if both verdicts are right, else
/// with 1.
///
/// # Errors
/// A folder that cannot be written, or whatever goes wrong in training and scanning.
pub fn run(args: &DemoArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let folder = args.out.as_path();
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;

    let tell = |line: &str| {
        if !global.quiet {
            output::note(line);
        }
    };
    tell("drawing images of traffic signs");
    let sets = images::Sets::draw(global.seed())?;
    let image_folder = folder.join("images");
    images::write(&sets.test, &image_folder)?;
    tell(&format!(
        "training two networks on {} of them, one with a backdoor",
        sets.train.len()
    ));
    let made = models::make(&sets, global, folder)?;
    let trained = clock.elapsed().as_secs_f64();

    let mut outcomes = Vec::new();
    for made in made {
        tell(&format!("scanning {}", made.file.display()));
        outcomes.push(scanned(made, &image_folder, folder, global)?);
    }
    let page = folder.join("demo.html");
    std::fs::write(&page, render(&outcomes))
        .with_context(|| format!("{} cannot be written", page.display()))?;

    if !global.quiet {
        for outcome in &outcomes {
            output::print(&outcome.text())?;
        }
        let all = clock.elapsed().as_secs_f64();
        output::print(&format!(
            "page: {} · {all:.0} s, of which {trained:.0} s to make the models\n",
            page.display()
        ))?;
    }
    Ok(ExitCode::from(u8::from(
        !outcomes.iter().all(Outcome::is_right),
    )))
}

/// Scans a model from its file and writes its report; only then does the truth come in.
fn scanned(made: Made, images: &Path, folder: &Path, global: &Global) -> anyhow::Result<Outcome> {
    let request = ScanRequest {
        seed: global.seed(),
        ..ScanRequest::new(&made.file, Some(images.to_owned()))
    };
    let progress = Progress::new(global.quiet);
    let outcome = scan(&request, &progress);
    progress.finish();
    let ScanOutcome {
        report, evidence, ..
    } = outcome?;
    let shown = made.shown()?;
    let folder = folder.join(format!("scan-{}", made.name));
    let report = write_out(
        &folder,
        &report,
        &evidence,
        Some(&shown),
        HtmlOptions::default(),
    )?;
    Ok(Outcome {
        made,
        report,
        evidence,
        shown,
    })
}

fn render(outcomes: &[Outcome]) -> String {
    let titles: Vec<String> = outcomes
        .iter()
        .map(|outcome| outcome.made.title())
        .collect();
    let pages: Vec<ScanPage<'_>> = outcomes
        .iter()
        .zip(&titles)
        .map(|(outcome, title)| ScanPage {
            title,
            report: &outcome.report,
            evidence: &outcome.evidence,
            truth: Some(&outcome.shown),
        })
        .collect();
    render_demo(&pages, HtmlOptions::default())
}
