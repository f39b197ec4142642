//! Margins that are no evidence are told from those that are.

use gifthorse_defense::detect::mm_bd::{Preset, Reason};
use gifthorse_defense::finding::State;

use crate::bench::{End, measure, net, searched};

/// Whether every class is no evidence for this reason.
fn all_are(end: End, preset: Preset, reason: Reason) {
    for finding in searched(&net(&[3], end), preset, 1) {
        assert_eq!(finding.state, State::Unreached, "{finding:?}");
        assert_eq!(finding.reason, Some(reason.to_string()));
    }
}

#[test]
fn capped_logits_are_not_taken_for_confident_ones() {
    for end in [End::Probabilities, End::Tanh, End::Clip] {
        all_are(end, Preset::Standard, Reason::Saturated);
    }
}

#[test]
fn a_model_without_gradients_says_nothing() {
    for preset in [Preset::Standard, Preset::Paper] {
        all_are(End::Sign, preset, Reason::NoGradient);
    }
}

#[test]
fn infinite_logits_are_no_margin() {
    all_are(End::Explosion, Preset::Standard, Reason::NotFinite);
}

#[test]
fn a_net_that_says_what_it_thinks_is_evidence() {
    for targets in [&[][..], &[3]] {
        for finding in searched(&net(targets, End::Logits), Preset::Standard, 1) {
            assert_eq!(
                (finding.state, finding.reason.as_deref()),
                (State::Reached, None)
            );
            let sensitivity = measure(&finding, "sensitivity");
            assert!(sensitivity > 0.5, "{sensitivity}");
        }
    }
}
