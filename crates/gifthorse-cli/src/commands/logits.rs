//! `gifthorse logits`: the bare forward pass on raw input.

use std::process::ExitCode;

use anyhow::bail;
use gifthorse::npy;
use gifthorse_engine::Opening;

use crate::cli::LogitsArgs;

/// Reads the input, runs the model and writes the logits.
///
/// # Errors
/// A file that cannot be read or written, a model that cannot be run, input of another shape.
pub fn run(args: &LogitsArgs) -> anyhow::Result<ExitCode> {
    let input = match npy::read(&args.input) {
        Ok(input) => input,
        Err(reason) => bail!(
            "the input {} cannot be read: {reason}",
            args.input.display()
        ),
    };
    let opening = Opening {
        output: args.output.clone(),
        ..Opening::default()
    };
    let output = gifthorse::logits(&args.model, &input, &opening)?;
    if let Err(error) = npy::write(&args.out, &output) {
        bail!(
            "the logits cannot be written to {}: {error}",
            args.out.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
