//! A library of clean models in the place of equal classes.

use gifthorse_defense::stats::{Reference, Verdict, decide};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::models::{PIXELS, even_norms, evidence, verdict};

/// A library of clean models in miniature: whole models' log sizes, drawn at random, with absolute
/// evidence.
struct Library {
    models: Vec<Vec<f64>>,
}

impl Library {
    /// Models of which a tenth of the classes is naturally half as hard to reach as the others.
    fn unequal(count: usize, classes: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let models = (0..count)
            .map(|_| {
                (0..classes)
                    .map(|class| {
                        let easy = if class < classes / 10 {
                            -std::f64::consts::LN_2
                        } else {
                            0.0
                        };
                        let noise: f64 = StandardNormal.sample(&mut rng);
                        -2.5 + easy + 0.2 * noise
                    })
                    .collect()
            })
            .collect();
        Self { models }
    }
}

impl Reference for Library {
    fn calibration(&self) -> &str {
        "clean models"
    }

    fn draw(&self, rng: &mut ChaCha8Rng, log_sizes: &mut [f64]) {
        let model = &self.models[rng.random_range(0..self.models.len())];
        log_sizes.copy_from_slice(&model[..log_sizes.len()]);
    }

    fn smallest_p_value(&self) -> f64 {
        1.0 / (1 + self.models.len()) as f64
    }

    fn absolute_p_value(&self, log_sizes: &[f64]) -> Option<f64> {
        let least = log_sizes.first()?;
        let minimum = |model: &Vec<f64>| model.iter().copied().fold(f64::INFINITY, f64::min);
        let as_small = self
            .models
            .iter()
            .filter(|model| minimum(model) <= *least)
            .count();
        Some((1 + as_small) as f64 / (1 + self.models.len()) as f64)
    }
}

#[test]
fn a_library_of_clean_models_takes_the_place_of_equal_classes() {
    // The clean model's own easy class, e^-0.9 of the others, is an outlier among equal classes,
    // but not among models like it.
    let library = Library::unequal(400, 20);
    let norms: Vec<f64> = library.models[7]
        .iter()
        .map(|size| size.exp() * PIXELS as f64)
        .collect();
    let mut model = evidence(&norms);
    model.classes[0].norm = 80.0 * (-0.9f64).exp();
    model.classes[1].norm = 80.0 * (-0.9f64).exp();
    let with = decide(&model, &library, 0.05, 1).unwrap();
    assert_eq!(
        (verdict(&model).verdict, with.verdict),
        (Verdict::Backdoored, Verdict::Clean)
    );
    assert_eq!(with.calibration, "clean models");
    // A real backdoor is beyond both, but the library vouches for no p-value below its own number,
    // corrected for two tests.
    model.classes[5].norm = 1.0;
    let decision = decide(&model, &library, 0.05, 1).unwrap();
    assert_eq!(
        (decision.verdict, decision.targets[0]),
        (Verdict::Backdoored, 5)
    );
    assert!((decision.p_value.unwrap() - 2.0 / 401.0).abs() < 1e-12);
}

#[test]
fn absolute_evidence_carries_two_classes_and_all_classes_infected() {
    let library = Library::unequal(400, 20);
    let two = decide(&evidence(&[70.0, 80.0]), &library, 0.05, 1).unwrap();
    assert_eq!((two.verdict, two.statistic), (Verdict::Clean, None));
    let two = decide(&evidence(&[70.0, 1.0]), &library, 0.05, 1).unwrap();
    assert_eq!(
        (two.verdict, two.targets.as_slice()),
        (Verdict::Backdoored, &[1][..])
    );
    assert!((two.p_value.unwrap() - 1.0 / 401.0).abs() < 1e-12);
    let all: Vec<f64> = even_norms(20).iter().map(|norm| norm / 40.0).collect();
    assert_eq!(
        decide(&evidence(&all), &library, 0.05, 1).unwrap().verdict,
        Verdict::Backdoored
    );
}

#[test]
fn a_library_too_small_for_the_rate_never_says_clean() {
    let library = Library::unequal(15, 20);
    let decision = decide(&evidence(&even_norms(20)), &library, 0.05, 1).unwrap();
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(
        decision.reasons[0].contains("too few clean models"),
        "{:?}",
        decision.reasons
    );
}
