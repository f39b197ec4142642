//! Progress of two training runs at once, on standard error.

use std::io::IsTerminal;

use gifthorse_train::{EpochSummary, Observer, StepSummary};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for each run; hidden if quiet or where standard error is no terminal.
pub struct Bars {
    all: MultiProgress,
}

impl Bars {
    /// No bar yet.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        Self {
            all: MultiProgress::with_draw_target(target),
        }
    }

    /// Another bar, for a run of this name.
    pub fn training(&self, name: &'static str) -> Training {
        let bar = self.all.add(ProgressBar::no_length());
        // A template that does not parse leaves the bar as it is.
        if let Ok(style) =
            ProgressStyle::with_template("  {prefix:10} [{bar:30}] {eta:>4} left{msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        Training { bar }
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        // Only a terminal that went away fails here, and then there is nobody to tell.
        let _ = self.all.clear();
    }
}

/// The bar of one run.
pub struct Training {
    bar: ProgressBar,
}

impl Observer for Training {
    fn step(&self, step: &StepSummary) {
        self.bar.set_length(step.total as u64);
        self.bar.set_position(step.done as u64);
    }

    fn epoch(&self, summary: &EpochSummary) {
        let right = 100.0 * summary.accuracy;
        let message = format!(", {right:.1} % right in epoch {}", summary.epoch);
        self.bar.set_message(message);
    }
}
