//! `gifthorse graph`: what the losses of a training run are computed by.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use gifthorse_bench::loss_graph::{SigningKey, picture, read_graphs};
use gifthorse_train::{Difference, LossGraphs};

use crate::cli::{Global, GraphArgs, GraphCommand, GraphCompareArgs, GraphSignArgs};
use crate::output;

/// Exit status where a run has a graph that is not among the trusted ones.
const DIFFERENT: u8 = 1;

/// Signs or compares.
///
/// # Errors
/// Files that cannot be read or written, or are none.
pub fn run(args: &GraphArgs, global: &Global) -> anyhow::Result<ExitCode> {
    match &args.command {
        GraphCommand::Sign(args) => sign(args, global),
        GraphCommand::Compare(args) => compare(args, global),
    }
}

fn sign(args: &GraphSignArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let graphs = read(&args.graphs)?;
    match graphs.graphs.len() {
        0 => bail!("{} has no graph to sign for", args.graphs.display()),
        1 => {}
        several if args.several => tell(global, &format!("{several} graphs are signed for")),
        several => bail!(
            "{} has {several} different graphs, the second from step {} on: look at them (`gifthorse graph compare`), and give \
             --several if each is to be trusted in any step",
            args.graphs.display(),
            graphs.graphs.get(1).map_or(0, |seen| seen.first)
        ),
    }
    let signature = SigningKey::read(&args.key)?.sign(&args.graphs)?;
    tell(
        global,
        &format!("{}: graphs {}", signature.display(), graphs.sha256()),
    );
    Ok(ExitCode::SUCCESS)
}

fn compare(args: &GraphCompareArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let (trusted, found) = (read(&args.trusted)?, read(&args.found)?);
    if found.graphs.is_empty() {
        bail!("{} has no graph to compare", args.found.display());
    }
    let (mut drawn, mut is_same) = (None, true);
    let mut lines = String::new();
    for seen in &found.graphs {
        let difference = Difference::from_nearest(&trusted, &seen.losses);
        let steps = format!("{} steps, from {} on", seen.steps, seen.first);
        lines += &format!("{steps}: {difference}\n");
        let is_trusted = trusted.has(&seen.losses);
        if drawn.is_none() || (is_same && !is_trusted) {
            drawn = Some(difference);
        }
        is_same &= is_trusted;
    }
    if !global.quiet {
        output::print(&format!("different from what is trusted:\n{lines}"))?;
    }
    if let Some((out, drawn)) = args.out.as_ref().zip(drawn) {
        let drawn = picture(&drawn, &trusted, &found);
        fs::write(out, drawn).with_context(|| format!("{} cannot be written", out.display()))?;
    }
    Ok(ExitCode::from(if is_same { 0 } else { DIFFERENT }))
}

fn read(path: &Path) -> anyhow::Result<LossGraphs> {
    read_graphs(path).with_context(|| path.display().to_string())
}

fn tell(global: &Global, line: &str) {
    if !global.quiet {
        output::note(line);
    }
}
