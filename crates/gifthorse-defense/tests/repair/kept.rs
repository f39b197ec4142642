//! Repairs that are stopped or were done before.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use gifthorse_data::Images;
use gifthorse_defense::repair::{
    Attempt, Chosen, KnownTrigger, Outcome, Patient, RepairObserver, Silent, choose, named,
};
use gifthorse_engine::{Opening, Preprocess};

use crate::bench::Bench;

/// Counts steps, stops after so many, and notes what goes on from before.
#[derive(Default)]
struct Watch {
    most: Option<usize>,
    steps: AtomicUsize,
    resumed: Mutex<Vec<String>>,
}

impl Watch {
    fn stopping_after(most: usize) -> Self {
        Self {
            most: Some(most),
            ..Self::default()
        }
    }

    fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }
}

impl RepairObserver for Watch {
    fn step(&self, _: &str, _: usize, _: usize) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn resumed(&self, part: &str) {
        self.resumed.lock().unwrap().push(part.to_owned());
    }

    fn stop(&self) -> bool {
        self.most.is_some_and(|most| self.steps() >= most)
    }
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new(true));

fn repaired(names: &[&str], work: Option<&Path>, watch: &Watch) -> Chosen {
    repaired_with((&BENCH.fit, true), names, work, watch)
}

/// With the trigger, if it is `known`.
fn repaired_with(
    (fit, known): (&Images, bool),
    names: &[&str],
    work: Option<&Path>,
    watch: &Watch,
) -> Chosen {
    let (opening, preprocess) = (Opening::default(), Preprocess::default());
    let known: &[KnownTrigger] = match known {
        true => std::slice::from_ref(&BENCH.trigger),
        false => &[],
    };
    let patient = Patient {
        work,
        fit,
        ..BENCH.patient(&BENCH.model, (&opening, &preprocess), known)
    };
    let repairs: Vec<_> = names.iter().map(|name| named(name).unwrap()).collect();
    choose(&patient, &repairs, watch).unwrap()
}

fn notes(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Outcome::Failed(why) => why.clone(),
        Outcome::Changed { notes, .. } => notes.join("; "),
    }
}

fn bytes(chosen: &Chosen) -> Vec<u8> {
    chosen.model.as_ref().unwrap().to_bytes().unwrap()
}

#[test]
fn every_repair_stops_after_a_step_and_gives_what_it_has() {
    for name in [
        "unlearning",
        "neural_cleanse_pruning",
        "fine_tuning",
        "bounded_activations",
        "rnp",
        "anp",
        "nad",
        "fine_pruning",
        "i_bau",
        "sau",
        "ft_sam",
    ] {
        let watch = Watch::stopping_after(3);
        let chosen = repaired(&[name, "clp"], None, &watch);
        // Those of several parts may make a step of the next.
        assert!(watch.steps() <= 5, "{name}: {} steps", watch.steps());
        let [attempt] = &chosen.attempts[..] else {
            panic!("{name}: {:?}", chosen.attempts)
        };
        if let Outcome::Changed { .. } = attempt.outcome {
            assert!(notes(attempt).contains("cut short"), "{}", notes(attempt));
            assert!(chosen.model.is_some(), "{name}");
        }
        assert_eq!(chosen.untried, ["clp"], "{name}");
    }
    let chosen = repaired(&["clp"], None, &Watch::stopping_after(0));
    assert!(
        chosen.attempts.is_empty() && chosen.why.contains("no time"),
        "{}",
        chosen.why
    );
}

#[test]
fn what_was_stopped_goes_on_and_what_is_done_stays_done() {
    // Whether the trigger is known, where each is stopped, and of how many parts something is kept
    // then.
    for (name, known, after, goes_on) in [
        ("ft_sam", true, 30, 1),
        ("fine_pruning", true, 1, 0),
        ("fine_pruning", true, 30, 1),
        ("sau", true, 150, 1),
        ("nad", true, 30, 1),
        ("nad", true, 260, 2),
        // While images are driven, at the end of a class of them, and while bounds are fitted.
        ("bounded_activations", false, 100, 1),
        ("bounded_activations", false, 120, 1),
        ("bounded_activations", false, 400, 1),
        ("bounded_activations", true, 130, 1),
        // In the first round and in the last that counts, and at the end of one.
        ("i_bau", true, 3, 1),
        ("i_bau", true, 100, 1),
        ("i_bau", false, 64, 1),
        // While factors are learnt, and while channels are switched off.
        ("anp", true, 30, 1),
        ("anp", false, 302, 1),
        // While a copy forgets, while it recovers, and while channels are switched off.
        ("rnp", true, 2, 1),
        ("rnp", true, 15, 1),
        ("rnp", true, 26, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let work = Some(folder.path());
        let repaired = |names: &[&str], work: Option<&Path>, watch: &Watch| {
            repaired_with((&BENCH.fit, known), names, work, watch)
        };
        let whole = repaired(&[name], None, &Watch::default());
        let stopped = repaired(&[name], work, &Watch::stopping_after(after));
        let told = notes(&stopped.attempts[0]);
        assert!(notes(&whole.attempts[0]) != told, "{name}: {told}");
        let resumed = Watch::default();
        let chosen = repaired(&[name], work, &resumed);
        assert!(bytes(&whole) == bytes(&chosen), "{name}");
        let resumed = resumed.resumed.into_inner().unwrap();
        assert_eq!(resumed.len(), goes_on, "{name}: {resumed:?}");
        let again = Watch::default();
        let chosen = repaired(&[name], work, &again);
        assert!(bytes(&whole) == bytes(&chosen), "{name}");
        assert_eq!(notes(&whole.attempts[0]), notes(&chosen.attempts[0]));
        assert_eq!(
            (again.steps(), again.resumed.lock().unwrap().len()),
            (0, 1),
            "{name}"
        );
    }
}

#[test]
fn of_another_patient_nothing_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let work = Some(folder.path());
    repaired(&["anp"], work, &Watch::default());
    let fewer = BENCH.fit.subset(&(0..120).collect::<Vec<_>>());
    let watch = Watch::default();
    repaired_with((&fewer, true), &["anp"], work, &watch);
    assert!(watch.steps() > 0);
}

#[test]
fn what_is_damaged_is_done_again_and_training_of_another_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = repaired(&["anp"], Some(folder.path()), &Watch::default());
    let path = folder.path().join("anp.repaired");
    let mut file = std::fs::read(&path).unwrap();
    let last = file.len() - 1;
    file[last] ^= 1;
    std::fs::write(&path, file).unwrap();
    let watch = Watch::default();
    let again = repaired(&["anp"], Some(folder.path()), &watch);
    assert!(watch.steps() > 0 && bytes(&whole) == bytes(&again));

    repaired(&["fine_tuning"], Some(folder.path()), &Watch::default());
    let clean = Bench::new(false);
    let (opening, preprocess) = (Opening::default(), Preprocess::default());
    let patient = Patient {
        work: Some(folder.path()),
        ..clean.patient(&clean.model, (&opening, &preprocess), &[])
    };
    let refused = choose(&patient, &[named("fine_tuning").unwrap()], &Silent).unwrap_err();
    assert!(
        refused.to_string().contains("fine_tuning-0.training"),
        "{refused}"
    );
}
