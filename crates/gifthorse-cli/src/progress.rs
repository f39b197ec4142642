//! What a scan is doing and how long it still takes, on standard error.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gifthorse::{ScanMemory, ScanObserver, Stage};
use gifthorse_defense::detect::About;
use gifthorse_defense::finding::{Finding, Unit};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Shows a scan's progress: a bar with the time left on a terminal, warnings everywhere, nothing if
/// quiet.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    /// What the scan under way may take.
    max_time: Mutex<Option<Duration>>,
    searches: Mutex<Searches>,
}

#[derive(Default)]
struct Searches {
    /// Title of the detector.
    title: &'static str,
    /// Updates made for each unit.
    done: HashMap<Unit, usize>,
    /// Most updates of a unit; known once the first search tells.
    at_most: usize,
    count: usize,
    ended: usize,
}

impl Progress {
    /// A display.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::no_length();
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        bar.set_draw_target(target);
        set_style(&bar, "{spinner} {msg}");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            quiet,
            max_time: Mutex::default(),
            searches: Mutex::default(),
        }
    }

    /// The bar, for whoever works in turns with scans: two bars at once would write over each other.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn limit(&self) -> MutexGuard<'_, Option<Duration>> {
        self.max_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| output::note(line));
        }
    }

    fn update(&self, change: impl FnOnce(&mut Searches)) {
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut searches);
        let total = searches.at_most * searches.count;
        let done: usize = searches.done.values().sum();
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(format!(
            "{}: {} of {} done",
            searches.title, searches.ended, searches.count
        ));
    }
}

/// A template that does not parse leaves the bar as it is.
pub fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

impl ScanObserver for Progress {
    fn begins(&self, max_time: Option<Duration>) {
        *self.limit() = max_time;
    }

    fn stage(&self, stage: Stage) {
        set_style(&self.bar, "{spinner} {msg}");
        self.bar.set_message(match stage {
            Stage::Model => "reading the model",
            Stage::Images => "reading the images",
            Stage::Preflight => "pre-flight: does the model work on these images?",
            Stage::Health => "can the model's gradients be followed?",
            Stage::Search => "timing a search",
            Stage::Verdict => "drawing the verdict",
        });
    }

    fn reference(&self, place: usize, count: usize, path: &Path) {
        let number = place + 1;
        self.tell(&format!(
            "reference {number} of {count}: {}",
            path.display()
        ));
    }

    fn warning(&self, message: &str) {
        self.tell(&format!("warning: {message}"));
    }

    fn resumed(&self, begun: usize, wanted: usize) {
        self.tell(&format!(
            "going on with the scan kept (--work): {begun} of {wanted} searches are there"
        ));
    }

    fn memory(&self, predicted: &ScanMemory) {
        let mebibytes = predicted.peak().div_ceil(1 << 20);
        self.tell(&format!("the scan takes up to {mebibytes} MiB of memory"));
    }

    fn detector(&self, about: &'static About, searches: usize, at_most: Duration) {
        let takes = HumanDuration(at_most);
        let max_time = *self.limit();
        let limit = max_time.filter(|limit| *limit < at_most).map_or_else(
            || ", usually less".to_owned(),
            |limit| format!(", but stops after {} (--max-time)", HumanDuration(limit)),
        );
        let title = about.title;
        match (at_most.is_zero(), max_time) {
            (true, Some(_)) => self.tell(&format!(
                "{title}: no time is left for its {searches} searches (--max-time)"
            )),
            _ => self.tell(&format!(
                "{title}: {searches} searches take {takes} at most{limit}"
            )),
        }
        set_style(
            &self.bar,
            "{spinner} searching [{bar:30}] {msg}, at most {eta} left",
        );
        self.bar.reset_elapsed();
        self.update(|all| {
            *all = Searches {
                title: about.title,
                count: searches,
                ..Searches::default()
            };
        });
    }

    fn search_progressed(&self, unit: Unit, done: usize, at_most: usize) {
        self.update(|searches| {
            searches.at_most = at_most;
            searches.done.insert(unit, done);
        });
    }

    fn search_finished(&self, finding: &Finding) {
        self.update(|searches| {
            // A search that ended early leaves none of its updates to be made.
            searches.done.insert(finding.unit, searches.at_most);
            searches.ended += 1;
        });
    }
}
