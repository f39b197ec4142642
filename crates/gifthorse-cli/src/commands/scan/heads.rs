//! Several outputs of one file: each is scanned by itself and has a verdict of its own.

use std::process::ExitCode;

use anyhow::bail;
use gifthorse::{ScanRequest, heads};
use gifthorse_report::heads::{Head, Heads, folders};
use gifthorse_report::{terminal, write_heads};

use super::{Scanning, status};
use crate::output;

/// Scans each of the `named` outputs, writes a report for each and all together, and prints them. A
/// head that cannot be scanned is told and keeps the others from nothing.
///
/// # Errors
/// A name that no output has, a file that cannot be read, reports that cannot be written.
pub fn run(
    scanning: &Scanning<'_>,
    request: &ScanRequest,
    named: &[String],
) -> anyhow::Result<ExitCode> {
    if let Some(path) = request.baseline.as_ref().filter(|path| path.is_file()) {
        bail!(
            "{} is the report of one output: of several, give the folder that --out of such a scan wrote (--baseline)",
            path.display()
        );
    }
    let names = heads(request, named)?;
    let out = scanning.args.out.as_deref();
    let mut all = Vec::new();
    let mut statuses = Vec::new();
    for (name, folder) in names.iter().zip(folders(&names)) {
        if !scanning.global.quiet {
            let place = all.len() + 1;
            let count = names.len();
            output::note(&format!("output `{name}` ({place} of {count})"));
        }
        let own = of_head(request, &names, name, &folder);
        let out = out.map(|out| out.join(&folder));
        let (status, report, error) = match scanning.report(&own, out.as_deref()) {
            Ok(report) => {
                if !scanning.args.json {
                    scanning.show(&report, out.as_deref())?;
                }
                (scanning.status(&report), Some(report), None)
            }
            Err(error) => {
                output::failure(&error);
                (output::FAILURE, None, Some(format!("{error:#}")))
            }
        };
        statuses.push(status);
        all.push(Head {
            output: name.clone(),
            folder,
            report,
            error,
        });
    }
    let all = Heads::new(all);
    if let Some(out) = out {
        write_heads(out, &all)?;
    }
    if scanning.args.json {
        output::print(&all.to_json()?)?;
    } else if !scanning.global.quiet {
        output::print(&terminal::summary(&all, output::colour(scanning.global)))?;
    }
    Ok(ExitCode::from(status::worst(&statuses)))
}

/// The scan of one head: what is kept of it, and what it is compared with, lies in a folder of its
/// own.
fn of_head(request: &ScanRequest, names: &[String], name: &str, folder: &str) -> ScanRequest {
    let mut request = request.clone();
    request.opening.output = Some(name.to_owned());
    request.beside = names
        .iter()
        .filter(|other| *other != name)
        .cloned()
        .collect();
    request.work = request.work.map(|work| work.join(folder));
    request.baseline = request
        .baseline
        .map(|reports| reports.join(folder).join("report.json"));
    request
}
