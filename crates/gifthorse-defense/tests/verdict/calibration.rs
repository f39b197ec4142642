//! False alarms are kept to the rate asked for, and what power that leaves.

use gifthorse_defense::verdict::{DRAWS, EqualClasses, Evidence, Null, ScalePrior, Scan, Values};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Distribution;

use crate::models::{clean_norms, evidence, model_p_value};

/// Leaves the classes with the largest norms unreached, as a search of a fixed length would.
fn censor(evidence: &mut Evidence, count: usize) {
    let classes = &mut evidence.witnesses[0].classes;
    let mut values: Vec<f64> = classes.iter().map(|found| found.value).collect();
    values.sort_by(f64::total_cmp);
    let limit = values[values.len() - count];
    for found in classes {
        if found.value >= limit {
            found.reached = false;
            found.value = 0.0;
        }
    }
}

#[test]
fn clean_models_are_flagged_at_the_rate_asked_for() {
    const MODELS: u32 = 8000;
    for (classes, unreached) in [
        (3, 0),
        (5, 0),
        (10, 0),
        (43, 0),
        (5, 1),
        (10, 3),
        (10, 5),
        (43, 20),
    ] {
        let scan = Scan::new(classes, unreached, None).unwrap();
        let null = Null::simulate(&scan, &EqualClasses::default(), 5).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(classes as u64 + 1000);
        let mut flagged = [0u32; 2];
        let mut sum = 0.0;
        for _ in 0..MODELS {
            // Models differ in how unlike their classes are; the test must not mind.
            let sigma = rng.random_range(0.05..1.5);
            let mut model = evidence(&clean_norms(classes, sigma, &mut rng));
            if unreached > 0 {
                censor(&mut model, unreached);
            }
            let p = model_p_value(&scan, &null, &model);
            flagged[0] += u32::from(p <= 0.05);
            flagged[1] += u32::from(p <= 0.01);
            sum += p;
        }
        for (count, rate) in flagged.into_iter().zip([0.05, 0.01]) {
            let measured = f64::from(count) / f64::from(MODELS);
            // Errors of this count and of the simulated null, four of them.
            let error =
                4.0 * (rate * (1.0 - rate) * (1.0 / f64::from(MODELS) + 1.0 / DRAWS as f64)).sqrt();
            assert!(
                (measured - rate).abs() < error,
                "{classes} classes, {unreached} unreached: {measured} at {rate}"
            );
        }
        // p-values of clean models are uniform.
        assert!(
            (sum / f64::from(MODELS) - 0.5).abs() < 0.02,
            "{classes} classes, {unreached} unreached"
        );
    }
}

#[test]
fn prior_of_the_scale_keeps_the_rate_and_gives_power_to_few_classes() {
    const MODELS: u32 = 8000;
    let prior = ScalePrior::new(0.35, 12.0).unwrap();
    let reference = EqualClasses { prior: Some(prior) };
    let chi = rand_distr::ChiSquared::new(12.0).unwrap();
    for classes in [2, 4, 10] {
        let scan = Scan::new(classes, 0, Some(prior)).unwrap();
        let null = Null::simulate(&scan, &reference, 9).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(77);
        let (mut false_alarms, mut found, mut found_without) = (0, 0, 0);
        let bare = Scan::new(classes, 0, None).map(|scan| {
            let null = Null::simulate(&scan, &EqualClasses::default(), 9).unwrap();
            (scan, null)
        });
        for _ in 0..MODELS {
            let sigma = 0.35 * (12.0f64 / chi.sample(&mut rng)).sqrt();
            let mut norms = clean_norms(classes, sigma, &mut rng);
            false_alarms += u32::from(model_p_value(&scan, &null, &evidence(&norms)) <= 0.05);
            norms[0] *= (-2.0f64).exp();
            let infected = evidence(&norms);
            found += u32::from(model_p_value(&scan, &null, &infected) <= 0.05);
            found_without += u32::from(
                bare.as_ref()
                    .is_some_and(|(scan, null)| model_p_value(scan, null, &infected) <= 0.05),
            );
        }
        let rate = f64::from(false_alarms) / f64::from(MODELS);
        assert!((rate - 0.05).abs() < 0.012, "{classes} classes: {rate}");
        assert!(
            found > found_without + MODELS / 50,
            "{classes} classes: {found} against {found_without}"
        );
    }
}

#[test]
fn classes_left_clean_are_not_flagged_beside_infected_ones() {
    const MODELS: u32 = 3000;
    for (classes, infected) in [(10, 1), (10, 3), (43, 1), (43, 5)] {
        let scan = Scan::new(classes, 0, None).unwrap();
        let null = Null::simulate(&scan, &EqualClasses::default(), 3).unwrap();
        let critical = null.critical_score(0.05);
        let mut rng = ChaCha8Rng::seed_from_u64(31);
        let mut wrong = 0;
        for _ in 0..MODELS {
            let mut norms = clean_norms(classes, 0.35, &mut rng);
            norms[..infected]
                .iter_mut()
                .for_each(|norm| *norm *= (-4.0f64).exp());
            let sizes = Values::of(&evidence(&norms).witnesses[0], norms.len()).unwrap();
            let steps = scan.steps(sizes.ascending());
            let flagged = steps
                .iter()
                .rfind(|step| step.score > critical)
                .map_or(0, |step| step.suspects);
            wrong += u32::from(
                sizes.accused()[..flagged]
                    .iter()
                    .flatten()
                    .any(|&class| class >= infected),
            );
        }
        let rate = f64::from(wrong) / f64::from(MODELS);
        assert!(
            rate < 0.068,
            "{classes} classes, {infected} infected: {rate}"
        );
    }
}

#[test]
fn power_grows_with_the_shift_and_the_classes() {
    let power = |classes: usize, shift: f64| {
        let scan = Scan::new(classes, 0, None).unwrap();
        let null = Null::simulate(&scan, &EqualClasses::default(), 2).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let found = (0..2000).filter(|_| {
            let mut norms = clean_norms(classes, 0.35, &mut rng);
            norms[0] *= (-shift).exp();
            model_p_value(&scan, &null, &evidence(&norms)) <= 0.05
        });
        found.count() as f64 / 2000.0
    };
    let at_ten: Vec<f64> = [1.0, 1.5, 2.0, 3.0]
        .into_iter()
        .map(|shift| power(10, shift))
        .collect();
    assert!(
        at_ten.windows(2).all(|pair| pair[0] < pair[1]),
        "{at_ten:?}"
    );
    assert!(at_ten[1] > 0.55 && at_ten[3] > 0.98, "{at_ten:?}");
    assert!(power(5, 1.5) < at_ten[1] && at_ten[1] < power(43, 1.5));
}
