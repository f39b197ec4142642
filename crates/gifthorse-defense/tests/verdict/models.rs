//! Models made of numbers.

use gifthorse_defense::verdict::{
    ClassEvidence, Confirmation, Decision, EqualClasses, Evidence, GradientHealth, LogSizes, Null,
    Scan, SetAside, decide,
};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

pub const PIXELS: usize = 1024;
pub const WORKS: Confirmation = Confirmation {
    successes: 198,
    trials: 200,
    worst_source: None,
};

/// All classes reached, with these norms; every trigger works on held-out images.
pub fn evidence(norms: &[f64]) -> Evidence {
    let found = |(class, &norm)| ClassEvidence {
        class,
        norm,
        reached: true,
        confirmation: Some(WORKS),
    };
    Evidence {
        classes: norms.iter().enumerate().map(found).collect(),
        set_aside: SetAside::default(),
        pixels: PIXELS,
        gradients: GradientHealth::Sound,
    }
}

pub fn verdict(evidence: &Evidence) -> Decision {
    decide(evidence, &EqualClasses::default(), 0.05, 1).unwrap()
}

/// A clean model's norms: lognormal around 80 pixels.
pub fn clean_norms(classes: usize, sigma: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let norm = LogNormal::new(80f64.ln(), sigma).unwrap();
    (0..classes).map(|_| norm.sample(rng)).collect()
}

/// Norms without any luck in them: evenly spaced quantiles, the spread of sigma 0.35.
pub fn even_norms(classes: usize) -> Vec<f64> {
    (0..classes)
        .map(|class| 80.0 * (1.2 * ((class as f64 + 0.5) / classes as f64 - 0.5)).exp())
        .collect()
}

pub fn model_p_value(scan: &Scan, null: &Null, evidence: &Evidence) -> f64 {
    let sizes = LogSizes::new(evidence).unwrap();
    let score = scan
        .steps(sizes.ascending())
        .iter()
        .map(|step| step.score)
        .fold(f64::NEG_INFINITY, f64::max);
    null.p_value(score)
}
