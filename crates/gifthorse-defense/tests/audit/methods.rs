//! What each audit comes to on a poisoned set and on a clean one.

use gifthorse_defense::Error;
use gifthorse_defense::audit::{AUDITS, Audited, Given, named};

use crate::subject::{CLASSES, Subject, TARGET};

/// Share of what was removed that was poisoned, and of what was poisoned that was removed.
fn worth(subject: &Subject, audited: &Audited) -> (f64, f64) {
    let removed = audited.removed();
    let hits = removed
        .iter()
        .filter(|&&place| subject.poisoned[place])
        .count() as f64;
    let poisoned = subject.poisoned.iter().filter(|is| **is).count() as f64;
    (hits / removed.len() as f64, hits / poisoned)
}

fn finds(name: &str) {
    let subject = Subject::new(12);
    let audited = subject.audited(name);
    for of_class in &audited.classes {
        let is_target = of_class.class == TARGET;
        assert_eq!(of_class.suspicious, is_target, "{name}: {of_class:?}");
        assert_eq!(of_class.removed > 0, is_target);
    }
    let (precision, recall) = worth(subject, &audited);
    assert!(
        precision > 0.95 && recall > 0.95,
        "{name}: {precision} {recall}"
    );
    let mean = |poisoned: bool| {
        let own = subject.poisoned.iter().zip(&audited.images);
        let own = own.filter(|(is, _)| **is == poisoned);
        let scores: Vec<f64> = own.map(|(_, image)| image.score).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    };
    assert!(mean(true) > 3.0 * mean(false).abs(), "{name}");
}

#[test]
fn spectral_signatures_finds_poison() {
    finds("spectral_signatures");
}

#[test]
fn activation_clustering_finds_poison() {
    finds("activation_clustering");
}

#[test]
fn nothing_is_removed_from_a_clean_set() {
    let subject = Subject::new(0);
    for row in &AUDITS {
        let audited = subject.audited(row.about.name);
        assert_eq!(audited.classes.len(), CLASSES);
        assert!(audited.removed().is_empty(), "{}", row.about.name);
        assert!(audited.images.iter().all(|image| image.score.is_finite()));
        assert!(audited.belonging > 0.8, "{}", audited.belonging);
    }
}

#[test]
fn an_audit_is_the_same_on_any_number_of_threads() {
    let subject = Subject::new(12);
    for row in &AUDITS {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| subject.audited(row.about.name))
        };
        assert!(on(1) == on(3), "{}", row.about.name);
    }
}

#[test]
fn a_share_that_is_known_says_how_many_are_removed() {
    let subject = Subject::new(12);
    let spectral = named("spectral_signatures").unwrap();
    let audited = spectral.audit(&subject.given(Some(0.2))).unwrap();
    let target = &audited.classes[TARGET];
    assert!(target.suspicious);
    assert_eq!(target.removed, (0.3 * target.images as f64).ceil() as usize);
    for share in [0.0, 0.6, f64::NAN] {
        let error = spectral.audit(&subject.given(Some(share))).unwrap_err();
        assert!(matches!(error, Error::CannotAudit(_)), "{error}");
    }
}

#[test]
fn what_cannot_be_audited_is_said() {
    let subject = Subject::new(0);
    let audit = named("activation_clustering").unwrap();
    let one = subject.images.subset(&[0, 4, 8]);
    let given = Given {
        images: &one,
        ..subject.given(None)
    };
    assert!(matches!(audit.audit(&given), Err(Error::CannotAudit(_))));
    let labels = vec![CLASSES; subject.images.len()];
    let others = subject.images.clone().with_labels(labels).unwrap();
    let given = Given {
        images: &others,
        ..subject.given(None)
    };
    assert!(matches!(
        audit.audit(&given),
        Err(Error::NoSuchClass { .. })
    ));
    let error = named("nothing").unwrap_err();
    assert!(error.to_string().contains("spectral_signatures"), "{error}");
}
