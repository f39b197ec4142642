//! What a repair is doing and how long it still takes, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use gifthorse_defense::repair::RepairObserver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Shows a repair's progress: a bar with the time left on a terminal, a line for each repair
/// everywhere, nothing if quiet.
pub struct Watch {
    bar: ProgressBar,
    quiet: bool,
}

impl Watch {
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::no_length();
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        bar.set_draw_target(target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:30}] {msg}, {eta} left") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, quiet }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| output::note(line));
        }
    }
}

impl RepairObserver for Watch {
    fn repair(&self, title: &'static str, place: usize, of: usize) {
        self.tell(&format!("repair {} of at most {of}: {title}", place + 1));
        self.bar.reset_elapsed();
    }

    fn step(&self, part: &str, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(part.to_owned());
    }

    fn came_of(&self, sentence: &str) {
        self.tell(sentence);
    }
}
