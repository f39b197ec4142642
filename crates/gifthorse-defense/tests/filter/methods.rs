//! What each filter flags on the bench models.

use gifthorse_defense::filter::{FILTERS, Given, named};

use crate::subject::{Subject, flagged, threshold};

/// The share of stamped images that each filter flags at least, on a small net with a square that
/// leads images of all classes to one.
fn least(name: &str) -> f64 {
    match name {
        "neuron_activation" => 0.99,
        // The grey pictures of this net leave nothing of the white square under a blend.
        "strip" | "strip_add" | "strip_alpha" => 0.0,
        _ => panic!("what does {name} flag?"),
    }
}

#[test]
fn stamped_images_are_flagged_and_clean_ones_are_not() {
    let subject = Subject::new(true);
    let stamped = subject.stamped();
    for row in &FILTERS {
        let name = row.about.name;
        let score = subject.fitted(name, subject.known());
        let threshold = threshold(&*score, &subject.bench.check);
        let caught = flagged(&*score, &threshold, &stamped);
        assert!(
            caught >= least(name),
            "{name} flags {caught} of stamped images"
        );
        // 160 images set the threshold: Beta(8, 153), of which 99.9 % lie below 0.12.
        let alarms = flagged(&*score, &threshold, subject.bench.proof.pixels());
        assert!(alarms <= 0.12, "{name} flags {alarms} of clean images");
    }
}

#[test]
fn a_clean_model_has_no_more_false_alarms() {
    let subject = Subject::new(false);
    for row in &FILTERS {
        let name = row.about.name;
        let score = subject.fitted(name, subject.known());
        let threshold = threshold(&*score, &subject.bench.check);
        let alarms = flagged(&*score, &threshold, subject.bench.proof.pixels());
        assert!(alarms <= 0.12, "{name} flags {alarms} of clean images");
    }
}

#[test]
fn the_safe_label_is_not_the_target() {
    let subject = Subject::new(true);
    let stamped = subject.stamped();
    let score = subject.fitted("neuron_activation", subject.known());
    let scored = score.score(&stamped).unwrap();
    let at_target =
        |scored: &gifthorse_defense::filter::Scored| scored.answer == crate::bench::TARGET;
    assert!(scored.iter().filter(|it| at_target(it)).count() > scored.len() / 2);
    for it in scored {
        let safe = it.safe_label.unwrap();
        assert!(safe < crate::bench::CLASSES && safe != crate::bench::TARGET);
    }
}

#[test]
fn a_filter_that_needs_a_trigger_says_so() {
    let subject = Subject::new(false);
    let given = Given {
        held: subject.held(),
        images: &subject.bench.fit,
        triggers: &[],
        seed: 7,
    };
    for row in FILTERS.iter().filter(|row| row.about.needs_trigger) {
        let error = named(row.about.name).unwrap().fit(&given).err().unwrap();
        assert!(error.to_string().contains("trigger"), "{error}");
    }
    let error = named("strap").unwrap_err().to_string();
    assert!(error.contains("strip"), "{error}");
}
