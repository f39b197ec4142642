//! How the time that a repair may take is shared out: among the scan before, the repairs, the scan
//! of what came of them, and the proof.

use std::time::{Duration, Instant};

use gifthorse_defense::repair::RepairObserver;

use super::RepairRequest;

/// The part that the scan before may take.
const SCAN: f64 = 0.35;
/// The part that is kept for the scan of the repaired model.
const RESCAN: f64 = 0.3;
/// With less than this part left, no scan begins: it could search nothing.
const LEAST: f64 = 0.05;

/// The time of a repair, of which nothing is over where there is no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    begun: Instant,
    limit: Option<Duration>,
    /// Scans that one scan comes to, those of its references among them.
    scans: u32,
    rescan: bool,
    /// What the proof takes in the end.
    proof: Duration,
}

impl Time {
    pub(super) fn begin(request: &RepairRequest) -> Self {
        let is_model = |path: &&std::path::PathBuf| path.extension().is_none_or(|it| it != "json");
        let references = request.scan.references.iter().filter(is_model).count();
        Self {
            begun: Instant::now(),
            limit: request.scan.max_time,
            scans: u32::try_from(references + 1).unwrap_or(u32::MAX),
            rescan: request.rescan,
            proof: Duration::ZERO,
        }
    }

    /// The same, with so much of it kept for the proof.
    pub(super) fn keeping(self, proof: Duration) -> Self {
        Self { proof, ..self }
    }

    /// How much time is gone.
    pub(super) fn spent(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What the scan before may take.
    pub(super) fn of_scan(&self) -> Option<Duration> {
        Some(self.limit?.mul_f64(SCAN) / self.scans)
    }

    /// When the repairs have to be done.
    fn repaired_by(&self) -> Option<Instant> {
        let limit = self.limit?;
        let kept = match self.rescan {
            true => self.proof + limit.mul_f64(RESCAN),
            false => self.proof,
        };
        self.begun.checked_add(limit.saturating_sub(kept))
    }

    /// What a scan of the repaired model may take: as long as it likes if nothing is said, and
    /// `None` where too little is left.
    pub(super) fn of_rescan(&self) -> Option<Option<Duration>> {
        let Some(limit) = self.limit else {
            return Some(None);
        };
        let left = limit.saturating_sub(self.spent() + self.proof);
        (left >= limit.mul_f64(LEAST)).then(|| Some(left / self.scans))
    }

    /// Whether all of it is over.
    pub(super) fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.spent() >= limit)
    }
}

/// Watches repairs, and stops them when their time is over.
pub(super) struct Timed<'a> {
    pub inner: &'a dyn RepairObserver,
    pub time: Time,
}

impl RepairObserver for Timed<'_> {
    fn repair(&self, title: &'static str, place: usize, of: usize) {
        self.inner.repair(title, place, of);
    }

    fn step(&self, part: &str, done: usize, of: usize) {
        self.inner.step(part, done, of);
    }

    fn resumed(&self, part: &str) {
        self.inner.resumed(part);
    }

    fn came_of(&self, sentence: &str) {
        self.inner.came_of(sentence);
    }

    fn stop(&self) -> bool {
        let end = self.time.repaired_by();
        end.is_some_and(|end| Instant::now() >= end) || self.inner.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(limit: u64, rescan: bool) -> Time {
        Time {
            begun: Instant::now(),
            limit: Some(Duration::from_secs(limit)),
            scans: 1,
            rescan,
            proof: Duration::from_secs(10),
        }
    }

    #[test]
    fn the_parts_come_to_no_more_than_the_whole() {
        let all = time(1000, true);
        assert_eq!(all.of_scan(), Some(Duration::from_secs(350)));
        let after = |instant: Instant| instant.duration_since(all.begun).as_secs();
        assert_eq!(all.repaired_by().map(after), Some(690));
        let rescan = all.of_rescan().flatten().map(|it| it.as_secs());
        assert!(matches!(rescan, Some(989 | 990)), "{rescan:?}");
        let alone = time(1000, false);
        let until = alone.repaired_by();
        let until = until.map(|end| end.duration_since(alone.begun).as_secs());
        assert_eq!(until, Some(990));
        assert!(!all.is_over());
    }

    #[test]
    fn of_no_time_nothing_is_left_and_without_a_limit_all() {
        let none = time(0, true);
        assert!(none.is_over());
        assert!(none.repaired_by().is_some_and(|end| end <= Instant::now()));
        let short = Time {
            proof: Duration::from_secs(99),
            ..time(100, true)
        };
        assert_eq!(short.of_rescan(), None);
        let free = Time {
            limit: None,
            ..none
        };
        assert_eq!(free.of_rescan(), Some(None));
        assert!(!free.is_over() && free.repaired_by().is_none() && free.of_scan().is_none());
    }
}
