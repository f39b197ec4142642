//! What changed since an earlier report: targets, sizes, and what makes the two hard to compare.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod sample;

use gifthorse_report::{
    Evidence, Report,
    html::{HtmlOptions, ScanPage, render},
    report::{Baseline, Verdict},
    sarif, terminal,
};
use sample::{CLEAN, INFECTED, report};

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
fn sizes_are_paired_by_class_and_the_most_shrunken_comes_first() {
    let mut before = earlier(Verdict::Clean, &CLEAN);
    before.detectors[0].classes[2].norm = None;
    let mut now = report(Verdict::Clean, &CLEAN);
    now.detectors[0].classes[5].norm = before.detectors[0].classes[5].norm.map(|norm| norm / 4.0);
    let baseline = compared(now, &before).baseline.unwrap();
    assert_eq!(baseline.sizes[0].class, 5);
    assert!((baseline.sizes[0].factor() - 0.25).abs() < 1e-12);
    assert!(baseline.sizes.iter().all(|size| size.class != 2));
    assert!(baseline.sizes[1..].iter().all(|size| size.factor() == 1.0));
}

#[test]
fn what_differs_between_the_scans_is_said() {
    let before = earlier(Verdict::Inconclusive, &CLEAN);
    let mut now = report(Verdict::Clean, &CLEAN);
    now.images.sha256 = "b".repeat(64);
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
    let log = sarif::render(&now).unwrap();
    assert!(log.contains(r#""baselineState": "new""#), "{log}");

    let kept = compared(
        report(Verdict::Backdoored, &INFECTED),
        &earlier(Verdict::Backdoored, &INFECTED),
    );
    assert!(
        sarif::render(&kept)
            .unwrap()
            .contains(r#""baselineState": "unchanged""#)
    );
    assert!(terminal::render(&kept, false).contains("No target class was added"));
}
