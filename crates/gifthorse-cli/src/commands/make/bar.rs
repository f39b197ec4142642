//! How training goes, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use gifthorse_train::{EpochSummary, Observer, StepSummary};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// A bar with loss, clean accuracy, attack success and the time left; a line for each epoch where
/// there is no terminal.
pub struct Bar {
    bar: ProgressBar,
    lines: bool,
}

impl Bar {
    /// A bar for a model of this name; nothing if quiet.
    pub fn new(quiet: bool, name: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::no_length();
        bar.set_draw_target(match quiet || !terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        });
        // A template that does not parse leaves the bar as it is.
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {eta} left, {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            bar,
            lines: !quiet && !terminal,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Bar {
    fn step(&self, step: &StepSummary) {
        self.bar.set_length(step.total as u64);
        self.bar.set_position(step.done as u64);
    }

    fn epoch(&self, summary: &EpochSummary) {
        let mut message = format!("epoch {}: loss {:.4}", summary.epoch, summary.loss);
        if let Some(marks) = &summary.marks {
            message.push_str(&format!(", CA {:.2} %", 100.0 * marks.clean_accuracy));
            if let Some(success) = marks.attack_success {
                message.push_str(&format!(", ASR {:.2} %", 100.0 * success));
            }
        }
        if self.lines {
            output::note(&message);
        }
        self.bar.set_message(message);
    }
}
