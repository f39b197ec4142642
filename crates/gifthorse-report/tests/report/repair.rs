//! The page of a repair, whatever files, classes and layers are called.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::sample::{sign, trigger};
use gifthorse_report::evidence::Recovered;
use gifthorse_report::html::{
    ChangedConstant, LinkedScan, MeasuredPair, PruningCurve, RepairAttempt, RepairChanges,
    RepairExample, RepairFile, RepairOutcome, RepairPage, RepairRound, RepairTrigger,
    render_repair,
};
use gifthorse_report::report::{Share, Verdict};

/// Nothing of it may reach a page as it is.
const HOSTILE: &str = "</h3><script>alert(1)</script>\u{202e}";

fn share(hits: u64) -> Share {
    Share {
        hits,
        trials: 200,
        interval: [0.25, 0.75],
    }
}

/// What the page refers to.
struct Data {
    names: Vec<String>,
    reasons: Vec<String>,
    left_out: Vec<String>,
    triggers: Vec<RepairTrigger>,
    curves: Vec<PruningCurve>,
}

impl Data {
    fn new() -> Self {
        let example = RepairExample {
            clean: sign(1),
            stamped: sign(2),
            label: 1,
            before: 2,
            after: 1,
        };
        let trigger = RepairTrigger {
            name: format!("recovered trigger {HOSTILE}"),
            recovered: Some(Recovered::Patch(trigger(2, 4))),
            examples: vec![example; 3],
        };
        Self {
            names: vec![HOSTILE.to_owned(), "stop".to_owned()],
            reasons: vec![HOSTILE.to_owned()],
            left_out: vec!["other triggers".to_owned()],
            triggers: vec![trigger; 10],
            curves: vec![PruningCurve {
                layer: HOSTILE.to_owned(),
                neurons: 8,
                points: vec![(0, 1.0, 1.0), (4, 0.9, 0.0)],
            }],
        }
    }

    fn page(&self, outcome: RepairOutcome) -> RepairPage<'_> {
        let file = RepairFile {
            path: HOSTILE,
            sha256: "0123abcd",
        };
        let attempt = |title, taken| RepairAttempt {
            title,
            taken,
            clean: taken.then_some(0.975),
            excess: taken.then_some(-0.01),
            notes: vec!["trained on with 500 images", HOSTILE],
            seconds: 12.0,
        };
        RepairPage {
            title: HOSTILE,
            outcome,
            meaning: "Because of that.".to_owned(),
            reasons: &self.reasons,
            class_names: &self.names,
            targets: &[0, 1, 7],
            model: file,
            fixed: Some(file),
            images: Some([500, 100, 200]),
            budget: 0.01,
            measured: vec![
                MeasuredPair {
                    what: "Clean accuracy (CA)",
                    trigger: None,
                    before: share(196),
                    after: share(195),
                },
                MeasuredPair {
                    what: "Success (ASR)",
                    trigger: Some(HOSTILE.to_owned()),
                    before: share(200),
                    after: share(0),
                },
            ],
            came_back: vec![share(100)],
            triggers: &self.triggers,
            rounds: vec![RepairRound {
                attempts: vec![attempt("Unlearning", false), attempt("FT-SAM", true)],
                why: HOSTILE,
            }],
            curves: &self.curves,
            scans: vec![
                LinkedScan {
                    of: "the model as it came".to_owned(),
                    verdict: Verdict::Backdoored,
                    targets: &[1],
                    p_value: Some(0.001),
                    folder: HOSTILE,
                    page: None,
                },
                LinkedScan {
                    of: "the model after round 1".to_owned(),
                    verdict: Verdict::Clean,
                    targets: &[],
                    p_value: None,
                    folder: "after-1",
                    page: Some("after-1/report.html".to_owned()),
                },
            ],
            changes: Some(RepairChanges {
                constants: vec![
                    ChangedConstant {
                        name: HOSTILE,
                        kind: "float32 [3, 4]".to_owned(),
                        values: Some([11, 12]),
                        largest: Some(0.125),
                        relative: Some(0.031),
                    };
                    100
                ],
                nodes: vec![["added", HOSTILE, HOSTILE]],
                others: 0,
            }),
            not_measured: &self.left_out,
            seed: 3,
            seconds: 100.0,
            version: "0.1.0",
        }
    }
}

#[test]
fn the_page_says_all_of_it_and_no_name_gets_through() {
    let data = Data::new();
    let page = render_repair(&data.page(RepairOutcome::Repaired));
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("default-src 'none'"));
    let plain = page.replace('\u{a0}', " ");
    for words in [
        "Repaired",
        "Because of that.",
        "0123abcd",
        "“<bdi>stop</bdi>” (class 1)",
        "class 7",
        "200 images",
        "98.0 %",
        "97.5 %",
        "25.0 % to 75.0 %",
        "after-1/report.html",
        "11 of 12",
        "3.1 %",
        "40 more in repair.json",
        "50.0 % off",
        "other triggers",
        "2 more in the table above",
    ] {
        assert!(plain.contains(words), "{words:?} is missing");
    }
    // Eight triggers of ten, each with its mask and three pairs of images.
    assert_eq!(page.matches("<img").count(), 8 * (2 + 2 * 3));
    assert_eq!(page.matches("href=").count(), 1);
}

#[test]
fn what_was_not_done_is_not_shown() {
    let data = Data::new();
    let page = RepairPage {
        fixed: None,
        images: None,
        measured: Vec::new(),
        came_back: Vec::new(),
        triggers: &[],
        rounds: Vec::new(),
        curves: &[],
        scans: Vec::new(),
        changes: None,
        ..data.page(RepairOutcome::NothingRepaired)
    };
    let page = render_repair(&page);
    for words in ["Nothing was changed", "none was written", "none were read"] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    for words in ["<table", "<img", "<svg"] {
        assert!(!page.contains(words), "{words:?} is there");
    }
}
