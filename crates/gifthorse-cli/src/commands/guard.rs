//! `gifthorse guard`: a filter in front of a model server.

mod filtered;

use std::process::ExitCode;
use std::sync::Arc;

use gifthorse_guard::{Config, Guarded, serve};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{Global, GuardArgs, LogLevel};
use crate::output;
use filtered::Filtered;

/// Serves until it is told to stop.
///
/// # Errors
/// A filter that cannot be opened, settings that make no sense, addresses that are taken.
pub fn run(args: &GuardArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mode = args.mode()?;
    let filter = Filtered::open(args)?;
    let config = Config {
        listen: args.listen,
        admin: args.admin,
        upstream: args.upstream.clone(),
        grpc_upstream: args.grpc_upstream.clone(),
        tls: args.tls(),
        upstream_tls: args.upstream_tls(),
        guarded: Guarded {
            models: args.model.clone(),
            input: args.input.clone(),
            output: args.output.clone(),
            form: filter.form()?,
        },
        mode,
        unjudged: args.unjudged(),
        limits: args.limits(),
        times: args.times(),
    };
    let level = if global.quiet {
        LogLevel::Error
    } else {
        args.log_level
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(level_filter(level))
        .with_writer(std::io::stderr)
        .init();
    let given_up = serve(&config, Arc::new(filter), |address, admin| {
        let mut lines = format!("guarding {} on {address}\n", config.upstream);
        if let Some(admin) = admin {
            lines.push_str(&format!("metrics on http://{admin}/metrics\n"));
        }
        // Nobody may be left to read it.
        if !global.quiet {
            let _ = output::print(&lines);
        }
    })?;
    if given_up > 0 && !global.quiet {
        output::note(&format!(
            "warning: {given_up} connections did not end within --grace and were given up"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
