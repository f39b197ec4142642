//! What changed since an earlier report: targets, sizes, and what makes the two hard to compare.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use crate::sample::{CLEAN, INFECTED, INFECTED_MARGINS, margins, report};
use gifthorse_report::{
    Evidence, Report,
    html::{HtmlOptions, ScanPage, render},
    report::{Baseline, Verdict},
    sarif, terminal,
};

/// The report of another model file of the same task.
fn earlier(verdict: Verdict, norms: &[f64]) -> Report {
    let mut earlier = report(verdict, norms);
    earlier.model.sha256 = "a".repeat(64);
    earlier
}

fn compared(mut report: Report, earlier: &Report) -> Report {
    report.baseline = Some(Baseline::compare(&report, earlier, "before/report.json"));
    report
}

#[test]
fn targets_are_new_kept_or_gone() {
    let mut before = earlier(Verdict::Backdoored, &INFECTED);
    before.targets = vec![1, 4];
    let mut now = report(Verdict::Backdoored, &INFECTED);
    now.targets = vec![4, 7];
    let baseline = compared(now, &before).baseline.unwrap();
    assert_eq!(
        (baseline.added, baseline.kept, baseline.gone),
        (vec![7], vec![4], vec![1])
    );
    assert_eq!(baseline.caveats, Vec::<String>::new());
}

#[test]
fn statistics_are_paired_by_class_and_the_most_suspicious_change_comes_first() {
    let mut before = earlier(Verdict::Clean, &CLEAN);
    before.detectors[0].findings[2].statistic = None;
    before.detectors.push(margins(&INFECTED_MARGINS, false));
    let mut now = report(Verdict::Clean, &CLEAN);
    // In another order, so that detectors are matched by their names.
    now.detectors.insert(0, margins(&INFECTED_MARGINS, false));
    let of = |detector: &mut Report, index: usize, class: usize, factor: f64| {
        let finding = &mut detector.detectors[index].findings[class];
        finding.statistic = finding.statistic.map(|value| value * factor);
    };
    of(&mut now, 1, 5, 0.25);
    of(&mut now, 1, 6, 4.0);
    of(&mut now, 0, 7, 0.25);
    of(&mut now, 0, 8, 4.0);
    let now = compared(now, &before);
    let [large, small] = &now.baseline.as_ref().unwrap().detectors[..] else {
        panic!("{:?}", now.baseline);
    };
    assert_eq!((&large.detector[..], large.changes.len()), ("margins", 13));
    assert_eq!((large.changes[0].class, large.changes[12].class), (8, 7));
    assert!((large.changes[0].factor() - 4.0).abs() < 1e-12);
    assert_eq!(
        (&small.detector[..], small.changes.len()),
        ("neural_cleanse", 11)
    );
    assert_eq!((small.changes[0].class, small.changes[10].class), (5, 6));
    assert!(small.changes.iter().all(|change| change.class != 2));
    let text = terminal::render(&now, false);
    assert!(
        text.contains("the norm of “no vehicles” fell most"),
        "{text}"
    );
    assert!(
        text.contains("the margin of “danger”")
            || text.contains("the margin of “double curve” rose most"),
        "{text}"
    );
}

#[test]
fn other_detectors_and_other_presets_are_told_apart_and_not_compared() {
    let before = earlier(Verdict::Clean, &CLEAN);
    let mut now = report(Verdict::Clean, &CLEAN);
    now.detectors.push(margins(&INFECTED_MARGINS, false));
    let baseline = Baseline::compare(&now, &before, "r.json");
    assert_eq!(baseline.detectors.len(), 1);
    assert!(
        baseline.caveats[0].contains("different detectors"),
        "{baseline:?}"
    );
    let mut now = report(Verdict::Clean, &CLEAN);
    now.detectors[0].preset = "fast".to_owned();
    let baseline = Baseline::compare(&now, &before, "r.json");
    assert!(baseline.detectors.is_empty());
    assert_eq!(baseline.caveats.len(), 1);
    assert!(
        baseline.caveats[0].contains("different settings"),
        "{baseline:?}"
    );
}

#[test]
fn what_differs_between_the_scans_is_said() {
    let before = earlier(Verdict::Inconclusive, &CLEAN);
    let mut now = report(Verdict::Clean, &CLEAN);
    now.images.as_mut().unwrap().sha256 = "b".repeat(64);
    now.fpr = 0.01;
    let caveats = compared(now.clone(), &before).baseline.unwrap().caveats;
    assert_eq!(caveats.len(), 3, "{caveats:?}");
    let caveats = compared(now.clone(), &now).baseline.unwrap().caveats;
    assert!(caveats[0].contains("same model file"), "{caveats:?}");
}

#[test]
fn every_rendering_says_what_is_new() {
    let now = report(Verdict::Backdoored, &INFECTED);
    let now = compared(now, &earlier(Verdict::Clean, &CLEAN));
    let said = "1 target class was added since the earlier report";
    assert!(terminal::render(&now, false).contains(said));
    let page = ScanPage {
        title: "model",
        report: &now,
        evidence: &Evidence::default(),
        truth: None,
    };
    assert!(render(&page, HtmlOptions::default()).contains(said));
    let log = sarif::render(&[&now]).unwrap();
    assert!(log.contains(r#""baselineState": "new""#), "{log}");

    let kept = compared(
        report(Verdict::Backdoored, &INFECTED),
        &earlier(Verdict::Backdoored, &INFECTED),
    );
    assert!(
        sarif::render(&[&kept])
            .unwrap()
            .contains(r#""baselineState": "unchanged""#)
    );
    assert!(terminal::render(&kept, false).contains("No target class was added"));
}
