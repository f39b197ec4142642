//! Time spent in each stage.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nanoseconds of each stage, forward and backward, over all threads.
#[derive(Debug)]
pub(crate) struct Clock(Vec<[AtomicU64; 2]>);

/// Which way a stage was run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Forward,
    Backward,
}

impl Clock {
    pub(crate) fn new(stages: usize) -> Self {
        Self((0..stages).map(|_| Default::default()).collect())
    }

    /// Adds the time since `start` to a stage, if there is one.
    pub(crate) fn add(&self, stage: usize, way: Way, start: Instant) {
        let nanoseconds = start.elapsed().as_nanos() as u64;
        if let Some(times) = self.0.get(stage) {
            times[way as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    pub(crate) fn times(&self) -> Vec<[Duration; 2]> {
        let read = |time: &AtomicU64| Duration::from_nanos(time.load(Ordering::Relaxed));
        self.0.iter().map(|[f, b]| [read(f), read(b)]).collect()
    }
}
