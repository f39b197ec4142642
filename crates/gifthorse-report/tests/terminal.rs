//! The terminal rendering: the verdict in words, a short table, no control characters.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod sample;

use gifthorse_report::{
    report::{ClassState, Verdict},
    terminal::render,
};
use sample::{CLEAN, INFECTED, every_verdict, report};

#[test]
fn every_verdict_is_said_in_words() {
    let expected = [
        (
            "BACKDOORED",
            "answer “stop”: a pattern over 1.0\u{a0}% of the image",
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
    for finding in &mut report.detectors[0].classes {
        finding.name = attack.to_owned();
    }
    report.detectors[0].name = attack.to_owned();
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
    for finding in &mut report.detectors[0].classes[..2] {
        finding.state = ClassState::Eliminated;
        finding.norm = None;
    }
    let text = render(&report, false);
    assert!(text.contains("2 classes were eliminated early"), "{text}");
}
