//! What goes to standard output and standard error, and with which exit status.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use gifthorse_report::escape::Shown;

use crate::cli::{Color, Global};

/// Exit status of errors, of usage and of input.
pub const FAILURE: u8 = 2;
/// Longest line that is shown of an error, in characters.
const LONGEST: usize = 400;

/// Writes text to standard output. A reader that went away (`gifthorse ... | head`) is no error.
///
/// # Errors
/// What the system says, but for a broken pipe.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Writes text to standard error whose untrusted parts are escaped already.
///
/// # Errors
/// What the system says.
pub fn block(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(text.as_bytes())
}

/// Writes a line to standard error; untrusted parts of it are escaped. Nobody is left to tell when
/// that fails.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(line));
}

/// Tells an error with its causes, and gives the exit status for it.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    note(&format!("error: {error}"));
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        // Many errors already quote their cause.
        let cause = cause.to_string();
        if !told.contains(&cause) {
            note(&format!("  because: {cause}"));
            told.push_str(&cause);
        }
    }
    ExitCode::from(FAILURE)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(pipe) && error.source().is_none()
}

/// A line without characters that could mislead, in as many pieces as it takes to show it whole.
fn shown(line: &str) -> String {
    let characters: Vec<char> = line.chars().collect();
    let pieces = characters.chunks(LONGEST).map(|piece| {
        let piece: String = piece.iter().collect();
        Shown(&piece).to_string()
    });
    pieces.collect()
}

/// Whether standard output is to have colours.
pub fn colour(global: &Global) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}
