//! Margins of nets whose largest ones are known.

use gifthorse_defense::detect::mm_bd::{ClassSearch, Config, Preset, Rule, Task};
use gifthorse_defense::finding::{Finding, State};
use gifthorse_defense::search::Search;
use gifthorse_defense::trigger::Trigger;

use crate::bench::{CLASSES, End, measure, net, searched};

fn margins(findings: &[Finding]) -> Vec<f64> {
    findings.iter().map(|finding| finding.statistic).collect()
}

/// Classes by margin, largest first.
fn order(margins: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..margins.len()).collect();
    order.sort_by(|&a, &b| margins[b].total_cmp(&margins[a]));
    order
}

/// All pixels of a class white and all others black: seven times the strength, which lies between 1
/// and 1.4.
#[test]
fn a_clean_net_reaches_the_margins_that_its_weights_allow() {
    let classifier = net(&[], End::Logits);
    for finding in searched(&classifier, Preset::Standard, 1) {
        assert_eq!(finding.state, State::Reached);
        let class = finding.unit.class().unwrap();
        let white: Vec<f32> = (0..64)
            .map(|pixel| f32::from(u8::from(pixel / 7 == class)))
            .collect();
        let logits = classifier.evaluate(&white).unwrap();
        let largest = f64::from(logits[class]);
        assert!((7.0..9.8).contains(&largest));
        assert!(
            (0.98 * largest..=1.0001 * largest).contains(&finding.statistic),
            "class {}: {} of {largest}",
            class,
            finding.statistic
        );
    }
}

#[test]
fn targets_stand_out_one_and_two_at_once() {
    for preset in [Preset::Standard, Preset::Paper] {
        for targets in [&[3][..], &[6, 2]] {
            let margins = margins(&searched(&net(targets, End::Logits), preset, 1));
            let order = order(&margins);
            let (mut found, mut planted) = (order[..targets.len()].to_vec(), targets.to_vec());
            found.sort_unstable();
            planted.sort_unstable();
            assert_eq!(found, planted, "{preset:?} {margins:?}");
            let ratio = margins[order[targets.len() - 1]] / margins[order[targets.len()]];
            assert!(ratio > 1.5, "{preset:?} {margins:?}");
        }
        let clean = margins(&searched(&net(&[], End::Logits), preset, 1));
        let order = order(&clean);
        assert!(
            clean[order[0]] < 1.5 * clean[order[CLASSES - 1]],
            "{clean:?}"
        );
    }
}

#[test]
fn the_picture_shows_what_the_margin_says() {
    let classifier = net(&[3], End::Logits);
    for finding in searched(&classifier, Preset::Standard, 1) {
        let Some(Trigger::Picture { pixels }) = &finding.trigger else {
            panic!("{finding:?}");
        };
        assert_eq!(pixels.len(), 64);
        let is_8_bit = |&x: &f32| (0.0..=1.0).contains(&x) && (x * 255.0).round() / 255.0 == x;
        assert!(pixels.iter().all(is_8_bit));
        let class = finding.unit.class().unwrap();
        assert_eq!(classifier.predict(pixels).unwrap(), [class]);
        assert!(
            (measure(&finding, "picture_margin") - finding.statistic).abs()
                < 0.01 * finding.statistic
        );
        assert!(measure(&finding, "median_margin") <= finding.statistic);
    }
}

#[test]
fn margins_that_have_settled_end_the_search() {
    let standard = Config::preset(Preset::Standard);
    let findings = searched(&net(&[3], End::Logits), Preset::Standard, 1);
    assert!(
        findings
            .iter()
            .all(|finding| finding.updates < standard.steps)
    );
    let classifier = net(&[3], End::Logits);
    let task = Task {
        classifier: &classifier,
        config: &standard,
        seed: 1,
    };
    let mut search = ClassSearch::new(task, 3);
    search.advance(usize::MAX).unwrap();
    assert_eq!(search.trace().len(), findings[3].updates);
    assert!(matches!(
        Config::preset(Preset::Paper).rule,
        Rule::Gradient { .. }
    ));
}

#[test]
fn another_seed_finds_nearly_the_same() {
    let classifier = net(&[3], End::Logits);
    let (one, other) = (
        searched(&classifier, Preset::Standard, 1),
        searched(&classifier, Preset::Standard, 2),
    );
    for (a, b) in one.iter().zip(&other) {
        assert_ne!(a.trigger, b.trigger);
        assert!((a.statistic / b.statistic).ln().abs() < 0.02, "{a:?}");
    }
}
