//! What each filter flags on the bench models.

use gifthorse_defense::filter::{FILTERS, Given, Held, named};
use gifthorse_defense::repair::KnownTrigger;
use gifthorse_defense::trigger::{Patch, Trigger};

use crate::bench::{CLASSES, TARGET};
use crate::subject::{Subject, flagged, scores, threshold};

/// The share of stamped images that each filter flags at least, on a small net with a square that
/// leads images of all classes to one. The trigger is known, and the repaired model has unlearnt it.
fn least(name: &str) -> f64 {
    match name {
        "neuron_activation" | "cepa" => 0.99,
        "combined" | "repaired_disagreement" | "ted" | "sentinet" => 0.95,
        // Where the trigger is not known, it flags none: in this net bounds that clean images bear
        // leave the square its work.
        "mmdf" => 0.7,
        // Nothing of the square is left under a blend or more light, for which these pictures are
        // too bright; and the net has no normalisation, without which no scale takes clean images
        // their class. `by_hand` has a net on which these work.
        "strip" | "strip_clip" | "strip_alpha" | "scale_up" | "ibd_psc" => 0.0,
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
fn a_trigger_that_tells_little_does_not_drown_the_other() {
    let subject = Subject::new(true);
    let stamped = subject.stamped();
    // A faint veil over all of the image, which leads nowhere.
    let [channels, height, width] = subject.classifier.shape();
    let veil = KnownTrigger {
        target: Some(TARGET),
        source: None,
        trigger: Trigger::Patch(Patch {
            mask: vec![0.1; height * width],
            pattern: vec![0.5; channels * height * width],
        }),
    };
    let both = [veil, subject.known()[0].clone()];
    for name in ["neuron_activation", "cepa"] {
        let score = subject.fitted(name, &both);
        let threshold = threshold(&*score, &subject.bench.check);
        let caught = flagged(&*score, &threshold, &stamped);
        assert!(caught >= least(name), "{name} flags {caught}");
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
    for name in ["neuron_activation", "cepa", "mmdf", "sentinet", "combined"] {
        let score = subject.fitted(name, subject.known());
        let scored = score.score(&stamped).unwrap();
        let led = scored.iter().filter(|it| it.answer == TARGET);
        let safe: Vec<usize> = led.map(|it| it.safe_label.unwrap()).collect();
        assert!(2 * safe.len() > scored.len());
        let is_safe = |safe: &usize| *safe < CLASSES && *safe != TARGET;
        // The repaired model may be of the first one's opinion.
        let wrong = safe.iter().filter(|safe| !is_safe(safe)).count();
        let allowed = if name == "combined" {
            safe.len() / 20
        } else {
            0
        };
        assert!(wrong <= allowed, "{name} gives {wrong} images the target");
    }
}

#[test]
fn the_repaired_models_opinion_is_mostly_right() {
    let subject = Subject::new(true);
    let labels = subject.bench.proof.labels().unwrap();
    let wanted = labels.iter().filter(|&&label| label != TARGET);
    for name in ["repaired_disagreement", "combined"] {
        let scored = subject
            .fitted(name, subject.known())
            .score(&subject.stamped())
            .unwrap();
        let right = scored
            .iter()
            .zip(wanted.clone())
            .filter(|(it, label)| it.safe_label == Some(**label));
        let right = right.count();
        assert!(
            10 * right >= 9 * scored.len(),
            "{name}: {right} of {}",
            scored.len()
        );
    }
}

#[test]
fn several_together_ask_what_there_is() {
    let subject = Subject::new(true);
    let asked = |triggers: &[KnownTrigger], repaired: bool| {
        let given = Given {
            held: Held {
                repaired: repaired.then_some(&subject.repaired),
                ..subject.held()
            },
            images: &subject.bench.fit,
            triggers,
            seed: 7,
        };
        let notes = named("combined").unwrap().fit(&given).unwrap().notes();
        notes.first().cloned().unwrap()
    };
    assert_eq!(
        asked(subject.known(), true),
        "asks neuron_activation, repaired_disagreement, ted, ibd_psc"
    );
    assert_eq!(asked(&[], false), "asks mmdf, ted, ibd_psc");
}

#[test]
fn threads_change_no_bit() {
    let subject = Subject::new(true);
    let images = subject.bench.proof.subset(&(0..130).collect::<Vec<_>>());
    let with = |threads: usize, name: &str| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let score = subject.fitted(name, subject.known());
            let scores = scores(&*score, images.pixels());
            scores
                .iter()
                .map(|score| score.to_bits())
                .collect::<Vec<u64>>()
        })
    };
    for row in &FILTERS {
        let name = row.about.name;
        assert_eq!(with(1, name), with(3, name), "{name}");
    }
}

#[test]
fn a_filter_says_what_it_needs() {
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
    let given = Given {
        held: Held {
            repaired: None,
            ..subject.held()
        },
        ..given
    };
    for row in FILTERS.iter().filter(|row| row.about.needs_repaired) {
        let error = named(row.about.name).unwrap().fit(&given).err().unwrap();
        assert!(error.to_string().contains("repaired"), "{error}");
    }
    let error = named("strap").unwrap_err().to_string();
    assert!(error.contains("strip"), "{error}");
}
