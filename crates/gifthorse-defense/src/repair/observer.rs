//! Who watches repairs.

/// Is told how repairs go on.
pub trait RepairObserver: Sync {
    /// A repair begins: its title, and which of so many, counted from 0.
    fn repair(&self, _title: &'static str, _place: usize, _of: usize) {}

    /// Of the part of a repair that is at work, so many steps are done.
    fn step(&self, _part: &str, _done: usize, _of: usize) {}

    /// What came of a repair, in a sentence.
    fn came_of(&self, _sentence: &str) {}

    /// Whether no further repair is to begin.
    fn stop(&self) -> bool {
        false
    }
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl RepairObserver for Silent {}
