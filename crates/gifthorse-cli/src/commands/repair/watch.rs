//! What a repair is doing and how long it still takes, on standard error.

use gifthorse_defense::repair::RepairObserver;
use indicatif::ProgressBar;

use crate::output;
use crate::progress::set_style;

/// Shows a repair's progress: on the bar of the scans, which wait meanwhile, and in a line for each
/// repair; nothing if quiet.
pub struct Watch {
    bar: ProgressBar,
    quiet: bool,
}

impl Watch {
    pub fn new(quiet: bool, bar: ProgressBar) -> Self {
        Self { bar, quiet }
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
        self.bar.reset();
        self.bar.set_message(title);
        set_style(&self.bar, "{spinner} {msg}");
    }

    fn step(&self, part: &str, done: usize, of: usize) {
        set_style(&self.bar, "{spinner} [{bar:30}] {msg}, {eta} left");
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(part.to_owned());
    }

    fn resumed(&self, part: &str) {
        self.tell(&format!("going on with what is kept (--work): {part}"));
    }

    fn came_of(&self, sentence: &str) {
        self.tell(sentence);
    }
}
