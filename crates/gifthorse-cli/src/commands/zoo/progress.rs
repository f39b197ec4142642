//! A bar for each model that is worked on and one for all of them, on standard error; a line for
//! each that is done.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Parts that a model's work is counted in.
const PARTS: u64 = 1000;

/// The bars. Hidden if quiet or where standard error is no terminal; lines are shown unless quiet.
pub struct Bars {
    quiet: bool,
    all: MultiProgress,
    total: ProgressBar,
    each: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    /// No bar yet.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let all = MultiProgress::with_draw_target(target);
        let total = all.add(ProgressBar::no_length());
        set_style(&total, "[{bar:40}] {msg}, {eta} left");
        Self {
            quiet,
            all,
            total,
            each: Mutex::default(),
        }
    }

    /// So many models are to be worked on.
    pub fn begin(&self, models: usize, line: &str) {
        self.total.set_length(models as u64 * PARTS);
        self.total.set_message(format!("of {models} models"));
        self.total.enable_steady_tick(Duration::from_millis(500));
        self.tell(line);
    }

    /// Work on a model begins.
    pub fn started(&self, name: &str) {
        let bar = self.all.add(ProgressBar::new(PARTS));
        set_style(&bar, "  {prefix} [{bar:20}] {eta} left {msg}");
        bar.set_prefix(name.to_owned());
        self.bars(|each| each.insert(name.to_owned(), bar));
    }

    /// The share of its work that is done.
    pub fn progressed(&self, name: &str, share: f64) {
        let position = (share * PARTS as f64) as u64;
        self.bars(|each| {
            if let Some(bar) = each.get(name) {
                self.total.inc(position.saturating_sub(bar.position()));
                bar.set_position(position);
            }
        });
    }

    /// Something about a model that is worked on.
    pub fn said(&self, name: &str, line: &str) {
        self.bars(|each| {
            if let Some(bar) = each.get(name) {
                bar.set_message(line.to_owned());
            }
        });
    }

    /// Work on a model is over; the line stays.
    pub fn finished(&self, name: &str, line: &str) {
        self.progressed(name, 1.0);
        if let Some(bar) = self.bars(|each| each.remove(name)) {
            bar.finish_and_clear();
        }
        self.tell(line);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.total.finish_and_clear();
        // Only a terminal that went away fails here, and then there is nobody to tell.
        let _ = self.all.clear();
    }

    fn tell(&self, line: &str) {
        if !self.quiet {
            self.all.suspend(|| output::note(line));
        }
    }

    fn bars<T>(&self, change: impl FnOnce(&mut HashMap<String, ProgressBar>) -> T) -> T {
        change(&mut self.each.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A template that does not parse leaves the bar as it is.
fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
