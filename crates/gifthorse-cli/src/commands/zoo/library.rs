//! `gifthorse zoo library`: collects what scans found.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use gifthorse_bench::zoo::{backdoored, library};

use crate::cli::{Global, ZooLibraryArgs};
use crate::output;

/// Writes the library of clean models, and the findings in backdoored ones if asked for.
///
/// # Errors
/// Zoos that cannot be read or were scanned with different settings; a file that cannot be written.
pub fn run(args: &ZooLibraryArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let tell = |count: usize, what: &str, path: &Path, left_out: &[String]| {
        if global.quiet {
            return;
        }
        output::note(&format!("{}: {count} {what} models", path.display()));
        if !left_out.is_empty() {
            output::note(&format!(
                "{} {what} models are left out, since not every class was searched to the end: {}",
                left_out.len(),
                left_out.join(", ")
            ));
        }
    };
    let (clean, left_out) = library(&args.folders)?;
    write(&args.out, &clean.to_json()?)?;
    tell(clean.models().len(), "clean", &args.out, &left_out);
    if let Some(path) = &args.backdoored {
        let (found, left_out) = backdoored(&args.folders)?;
        write(path, &found.to_json()?)?;
        tell(found.models().len(), "backdoored", path, &left_out);
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
