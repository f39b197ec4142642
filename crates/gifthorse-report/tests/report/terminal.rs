//! The terminal rendering: the verdict in words, a short table, no control characters.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use crate::sample::{CLEAN, INFECTED, every_verdict, report, two_witnesses};
use gifthorse_report::{
    report::{ClassVerdict, FindingState, Verdict},
    terminal::render,
};

#[test]
fn every_verdict_is_said_in_words() {
    let expected = [
        (
            "BACKDOORED",
            "answer “stop”. Neural Cleanse (Wang et al. 2019): norm 9.8\u{a0}pixels (L1 norm of the mask), share of image 1.0\u{a0}%",
        ),
        (
            "CLEAN",
            "triggers that cover up to 2.6\u{a0}% of the image (26.5 pixels)",
        ),
        ("INCONCLUSIVE", "zero for 97 % of the images"),
    ];
    for (report, (word, meaning)) in every_verdict().iter().zip(expected) {
        let text = render(report, false);
        assert!(text.contains(word) && text.contains(meaning), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn the_table_is_short_and_starts_with_the_target() {
    let norms: Vec<f64> = (0..200)
        .map(|class| {
            if class == 4 {
                9.8
            } else {
                40.0 + f64::from(class)
            }
        })
        .collect();
    let text = render(&report(Verdict::Backdoored, &norms), false);
    let rows: Vec<_> = text
        .lines()
        .filter(|line| line.ends_with("reached") && line.contains('%'))
        .collect();
    assert_eq!(rows.len(), 12, "{text}");
    assert!(rows[0].contains('!') && rows[0].contains("stop"), "{text}");
    assert!(rows[1..].iter().all(|row| !row.contains('!')));
    assert!(
        text.contains("and 189 more classes") && text.contains("1 class was never reached"),
        "{text}"
    );
}

#[test]
fn names_move_no_cursor() {
    let mut report = report(Verdict::Backdoored, &INFECTED);
    let attack = "\u{1b}]0;x\u{7}\u{202e}\r\n";
    for finding in &mut report.detectors[0].findings {
        finding.name = attack.to_owned();
    }
    report.detectors[0].name = attack.to_owned();
    report.detectors[0].title = attack.to_owned();
    let statistic = &mut report.detectors[0].unit_statistic;
    for text in [
        &mut statistic.name,
        &mut statistic.unit,
        &mut statistic.meaning,
    ] {
        *text = attack.to_owned();
    }
    for finding in &mut report.detectors[0].findings {
        for measure in &mut finding.measures {
            measure.name = attack.to_owned();
            measure.unit = attack.to_owned();
        }
    }
    report.classes = vec![ClassVerdict {
        class: 4,
        name: attack.to_owned(),
        p_value: Some(0.001),
        named: true,
        witnesses: vec![attack.to_owned(), "\u{202e}unknown".to_owned()],
    }];
    report.detectors[0].preset = attack.to_owned();
    report.detectors[0].statistic_name = attack.to_owned();
    report.reasons = vec![attack.to_owned()];
    let text = render(&report, false);
    assert!(
        text.chars()
            .all(|character| character == '\n' || !character.is_control())
    );
    assert!(!text.contains('\u{202e}') && text.contains("\\u{1b}"));
}

#[test]
fn colour_is_only_added_around_the_verdict() {
    let report = report(Verdict::Clean, &CLEAN);
    let (plain, colour) = (render(&report, false), render(&report, true));
    assert!(colour.contains("\u{1b}[1;32mCLEAN\u{1b}[0m"));
    assert_eq!(
        colour.replace("\u{1b}[1;32m", "").replace("\u{1b}[0m", ""),
        plain
    );
}

#[test]
fn eliminated_classes_are_told_of() {
    let mut report = report(Verdict::Clean, &CLEAN);
    assert!(!render(&report, false).contains("eliminated"));
    for finding in &mut report.detectors[0].findings[..2] {
        finding.state = FindingState::Eliminated;
        finding.statistic = None;
    }
    let text = render(&report, false);
    assert!(text.contains("2 classes were eliminated early"), "{text}");
}

#[test]
fn each_detector_has_its_own_table_and_each_accused_class_its_witnesses() {
    let text = render(&two_witnesses(), false);
    // Each table ends in an empty line; the accuracy comes before the first.
    let [first, second, verdict] = text.split("\n\n").collect::<Vec<_>>()[..] else {
        panic!("{text}");
    };
    let right = "right on 96.3\u{a0}% of 600 images (95 % interval 94.5\u{a0}% to 97.6\u{a0}%)";
    assert!(first.starts_with(right), "{first}");
    for column in [
        "norm (pixels)",
        "share of image",
        "anomaly index",
        "held-out success",
    ] {
        assert!(first.contains(column), "{column:?} is not in {first}");
        assert!(!second.contains(column), "{column:?} is in {second}");
    }
    assert!(
        second.contains("margin (logits)") && second.contains("probability"),
        "{second}"
    );
    // The largest margins come first, after the target.
    let rows: Vec<_> = second
        .lines()
        .filter(|line| line.ends_with("reached"))
        .collect();
    assert!(
        rows[0].contains("58.7") && rows[1].contains(" 15 "),
        "{second}"
    );
    let named = "! “stop” (class 4): p = 4e-4, by Neural Cleanse (Wang et al. 2019), Largest margins (Nobody 2020)";
    assert!(verdict.contains(named), "{verdict}");
    let only = "“children crossing” (class 10): p = 0.3, by Largest margins (Nobody 2020)";
    assert!(verdict.contains(only), "{verdict}");
    assert!(!verdict.contains("“danger” (class 7)"), "{verdict}");
}
