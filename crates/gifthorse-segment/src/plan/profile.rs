//! Time spent in each stage.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What was run so far, over all threads.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Nanoseconds of each stage, forward and backward.
    nanoseconds: Vec<[AtomicU64; 2]>,
    /// Samples that went through, forward and backward.
    samples: [AtomicU64; 2],
}

/// Which way a stage was run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Forward,
    Backward,
}

impl Clock {
    pub(crate) fn new(stages: usize) -> Self {
        Self {
            nanoseconds: (0..stages).map(|_| Default::default()).collect(),
            samples: Default::default(),
        }
    }

    /// Adds the time since `start` to a stage, if there is one.
    pub(crate) fn add(&self, stage: usize, way: Way, start: Instant) {
        let nanoseconds = start.elapsed().as_nanos() as u64;
        if let Some(times) = self.nanoseconds.get(stage) {
            times[way as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    /// Counts samples that went through all stages.
    pub(crate) fn count(&self, way: Way, samples: usize) {
        self.samples[way as usize].fetch_add(samples as u64, Ordering::Relaxed);
    }

    /// Samples that went through, forward and backward.
    pub(crate) fn samples(&self) -> [u64; 2] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [read(&self.samples[0]), read(&self.samples[1])]
    }

    pub(crate) fn times(&self) -> Vec<[Duration; 2]> {
        let read = |time: &AtomicU64| Duration::from_nanos(time.load(Ordering::Relaxed));
        let times = self.nanoseconds.iter();
        times.map(|[f, b]| [read(f), read(b)]).collect()
    }
}
