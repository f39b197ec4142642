//! Verdicts where classes were set aside early: false alarms stay as rare as asked for, and
//! backdoors are found.

use gifthorse_defense::verdict::{EqualClasses, Evidence, Null, Scan, SetAside, Values, Verdict};
use rand::seq::index::sample;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::models::{clean_norms, evidence, verdict};

const CLASSES: usize = 200;
const FINALISTS: usize = 24;
const SAMPLE: usize = 40;

/// Keeps the classes that come first in `order` and a random sample of the others.
fn thinned(norms: &[f64], order: &[usize], rng: &mut ChaCha8Rng) -> Evidence {
    let others = &order[FINALISTS..];
    let drawn: Vec<usize> = sample(rng, others.len(), SAMPLE)
        .into_iter()
        .map(|place| others[place])
        .collect();
    let mut model = evidence(norms);
    model.witnesses[0]
        .classes
        .retain(|found| order[..FINALISTS].contains(&found.class) || drawn.contains(&found.class));
    model.witnesses[0].set_aside = SetAside {
        classes: CLASSES - FINALISTS - SAMPLE,
        sample: drawn,
    };
    model
}

fn by_norm(norms: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..norms.len()).collect();
    order.sort_by(|&a, &b| norms[a].total_cmp(&norms[b]));
    order
}

/// In any order, as if the early phase told nothing.
fn at_random(norms: &[f64], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut keys: Vec<(u64, usize)> = (0..norms.len())
        .map(|class| (rng.random(), class))
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, class)| class).collect()
}

#[test]
fn false_alarms_stay_rare_whether_the_early_phase_tells_all_or_nothing() {
    let scan = Scan::new(CLASSES, 0, None).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let any = thinned(
        &clean_norms(CLASSES, 0.35, &mut rng),
        &(0..CLASSES).collect::<Vec<_>>(),
        &mut rng,
    );
    let thinning = Values::of(&any.witnesses[0], any.classes)
        .unwrap()
        .thinning();
    assert_eq!(thinning.unwrap().set_aside, 136);
    let null = Null::simulate_thinned(&scan, thinning, &EqualClasses::default(), 6).unwrap();
    let critical = null.critical_score(0.05);
    let mut rate = |knowing: bool| {
        let models = 2000;
        let alarms = (0..models).filter(|_| {
            let norms = clean_norms(CLASSES, 0.35, &mut rng);
            let order = if knowing {
                by_norm(&norms)
            } else {
                at_random(&norms, &mut rng)
            };
            let sizes =
                Values::of(&thinned(&norms, &order, &mut rng).witnesses[0], norms.len()).unwrap();
            let steps = scan.steps(sizes.ascending());
            steps.iter().any(|step| step.score > critical)
        });
        alarms.count() as f64 / f64::from(models)
    };
    // Three standard errors of 2000 models are 0.015.
    let knowing = rate(true);
    assert!((knowing - 0.05).abs() < 0.015, "{knowing}");
    let blind = rate(false);
    assert!(blind < 0.065, "{blind}");
}

#[test]
fn the_sample_makes_up_for_the_classes_set_aside() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let norms = clean_norms(CLASSES, 0.35, &mut rng);
    let model = thinned(&norms, &by_norm(&norms), &mut rng);
    let sizes = Values::of(&model.witnesses[0], model.classes).unwrap();
    assert_eq!(
        (sizes.compared(), sizes.ascending().len()),
        (CLASSES, CLASSES)
    );
    assert_eq!(sizes.accused().iter().flatten().count(), FINALISTS + SAMPLE);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let whole = Values::of(&evidence(&norms).witnesses[0], norms.len()).unwrap();
    assert!((mean(sizes.ascending()) - mean(whole.ascending())).abs() < 0.15);
}

#[test]
fn a_small_class_is_found_and_the_others_are_told_of() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let mut norms = clean_norms(CLASSES, 0.35, &mut rng);
    norms[77] *= 0.08;
    let model = thinned(&norms, &by_norm(&norms), &mut rng);
    let decision = verdict(&model);
    assert_eq!(decision.verdict, Verdict::Backdoored);
    assert_eq!(decision.targets, [77]);
    assert_eq!(decision.classes.len(), FINALISTS + SAMPLE);
    let told = decision.reasons.last().unwrap();
    assert!(
        told.contains("Of 200 classes") && told.contains("136"),
        "{told}"
    );
}

#[test]
fn a_small_class_that_only_the_sample_met_is_found_as_well() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut norms = clean_norms(CLASSES, 0.35, &mut rng);
    norms[150] *= 0.02;
    let mut order = by_norm(&norms);
    order.retain(|&class| class != 150);
    order.push(150);
    let mut model = thinned(&norms, &order, &mut rng);
    if let Some(replaced) = model.witnesses[0]
        .set_aside
        .sample
        .iter()
        .position(|&class| class == 150)
    {
        model.witnesses[0].set_aside.sample.swap(0, replaced);
    } else {
        let out = std::mem::replace(&mut model.witnesses[0].set_aside.sample[0], 150);
        model.witnesses[0]
            .classes
            .retain(|found| found.class != out);
        model.witnesses[0]
            .classes
            .push(evidence(&norms).witnesses[0].classes[150].clone());
    }
    assert_eq!(verdict(&model).targets, [150]);
}

#[test]
fn classes_set_aside_need_a_sample() {
    let mut rng = ChaCha8Rng::seed_from_u64(23);
    let norms = clean_norms(CLASSES, 0.35, &mut rng);
    let mut model = thinned(&norms, &by_norm(&norms), &mut rng);
    model.witnesses[0].set_aside.sample.clear();
    let decision = verdict(&model);
    assert_eq!(
        (decision.verdict, decision.p_value),
        (Verdict::Inconclusive, None)
    );
    assert!(
        decision.reasons[0].contains("stand for the 136"),
        "{:?}",
        decision.reasons
    );
}
