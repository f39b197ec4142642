//! Who watches repairs.

/// Is told how repairs go on.
pub trait RepairObserver: Sync {
    /// A repair begins: its title, and which of so many, counted from 0.
    fn repair(&self, _title: &'static str, _place: usize, _of: usize) {}

    /// Of the part of a repair that is at work, so many steps are done.
    fn step(&self, _part: &str, _done: usize, _of: usize) {}

    /// A part of a repair that was stopped or killed goes on, or is over already, from what is kept
    /// of it.
    fn resumed(&self, _part: &str) {}

    /// What came of a repair, in a sentence.
    fn came_of(&self, _sentence: &str) {}

    /// Whether to come to an end: no further repair begins, and one that is at work stops after the
    /// step that it is making and gives the model as it is then.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl RepairObserver for Silent {}
