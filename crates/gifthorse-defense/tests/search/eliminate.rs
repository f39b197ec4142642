//! Many classes: those that lag behind early are not searched to the end, and the one that matters
//! is.

use gifthorse_defense::detect::Effort;
use gifthorse_defense::finding::{Findings, State, Unit};
use gifthorse_defense::search::KeepNothing;

use crate::bench::{Bench, Counter, Memory, timeless};

const CLASSES: usize = 90;
const TARGET: usize = 41;

fn bench(effort: Effort) -> Bench {
    let mut bench = Bench::new(CLASSES, Some(TARGET));
    bench.config.effort = effort;
    bench
}

fn run(bench: &Bench) -> (Findings, usize) {
    let counter = Counter::new(usize::MAX);
    let findings = bench.search(&counter, &KeepNothing).unwrap();
    let updates = findings.units.iter().map(|finding| finding.updates).sum();
    (findings, updates)
}

#[test]
fn who_is_searched_to_the_end_is_searched_as_in_a_full_scan() {
    let (full, all_updates) = run(&bench(Effort::Full));
    let (fewer, updates) = run(&bench(Effort::Eliminate));
    assert!(full.sampled.is_empty());
    assert_eq!((fewer.units.len(), fewer.sampled.len()), (CLASSES, 40));
    let full = timeless(full.units);
    let mut eliminated = 0;
    for (class, finding) in timeless(fewer.units).into_iter().enumerate() {
        assert_eq!(finding.unit, Unit::Class(class));
        if finding.state == State::Eliminated {
            eliminated += 1;
            assert!(
                [6, 16, 32].contains(&finding.updates),
                "{}",
                finding.updates
            );
            assert_eq!(finding.confirmation, None);
            assert!(!fewer.sampled.contains(&finding.unit));
        } else {
            assert_eq!(finding, full[class]);
        }
    }
    assert_eq!(eliminated, CLASSES - 64);
    assert!(updates < all_updates);
    let smallest = full
        .iter()
        .min_by(|a, b| a.statistic.total_cmp(&b.statistic));
    assert_eq!(
        smallest.map(|finding| finding.unit),
        Some(Unit::Class(TARGET))
    );
    assert!(
        !fewer.sampled.contains(&Unit::Class(TARGET)),
        "it was not ahead"
    );
}

#[test]
fn an_interrupted_elimination_goes_on_and_gives_the_same() {
    let bench = bench(Effort::Eliminate);
    let (whole, _) = run(&bench);
    let memory = Memory::default();
    let (mut early_stops, mut late_stops) = (0, 0);
    let resumed = loop {
        let counter = Counter::new(400);
        let findings = bench.search(&counter, &memory).unwrap();
        let skipped = |state| findings.units.iter().filter(|f| f.state == state).count();
        match (skipped(State::Skipped), skipped(State::Eliminated)) {
            (0, _) => break findings,
            (CLASSES, 0) => early_stops += 1,
            _ => late_stops += 1,
        }
    };
    assert!(
        early_stops > 0 && late_stops > 0,
        "{early_stops} {late_stops}"
    );
    assert_eq!(resumed.sampled, whole.sampled);
    assert_eq!(timeless(resumed.units), timeless(whole.units));
}

#[test]
fn the_low_cost_mode_keeps_the_target_among_two_hundred() {
    let mut bench = Bench::new(210, Some(TARGET));
    bench.config.effort = Effort::LowCost;
    bench.config.steps = 30;
    let (findings, _) = run(&bench);
    let eliminated = findings
        .units
        .iter()
        .filter(|finding| finding.state == State::Eliminated);
    assert_eq!(eliminated.count(), 10);
    assert_eq!(findings.sampled.len(), 100);
    assert_ne!(findings.units[TARGET].state, State::Eliminated);
    // Ten iterations after the first at the least, of four updates each.
    let left = findings.units.iter().find(|f| f.state == State::Eliminated);
    assert!(left.is_some_and(|finding| finding.updates >= 44 && finding.updates % 4 == 0));
}
