//! Models made of numbers.

use std::collections::BTreeMap;

use gifthorse_defense::verdict::{
    ClassByWitness, ClassEvidence, ClassValues, Confirmation, Decision, EqualClasses, Evidence,
    Library, LibraryModel, Method, MethodTraits, Null, Scan, SetAside, Soundness, Statistic,
    Values, Witness, WitnessSays, decide,
};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use crate::population::{method, statistic};

pub const PIXELS: usize = 1024;
pub const WORKS: Confirmation = Confirmation {
    successes: 198,
    trials: 200,
    worst_source: None,
};

/// How the norms of [`evidence`] are read.
pub fn norms() -> Statistic {
    statistic(true, PIXELS)
}

/// The value of a norm, of which less than a grey level of a pixel is as much as that.
pub fn size(norm: f64) -> f64 {
    norms().value(norm.max(1.0 / 255.0))
}

/// All classes reached, with these norms; every trigger works on held-out images.
pub fn evidence(norms: &[f64]) -> Evidence {
    let values: Vec<f64> = norms.iter().map(|&norm| size(norm)).collect();
    let mut witness = witness(0, &values);
    for found in &mut witness.classes {
        found.confirmation = Some(WORKS);
    }
    together(vec![witness])
}

/// What the method with a number ([`method`]) found, all classes reached.
pub fn witness(number: usize, values: &[f64]) -> Witness {
    let found = |(class, &value)| ClassEvidence {
        also: Vec::new(),
        source: None,
        class,
        value,
        reached: true,
        confirmation: None,
    };
    Witness {
        method: method(number),
        statistic: statistic(number == 0, PIXELS),
        classes: values.iter().enumerate().map(found).collect(),
        set_aside: SetAside::default(),
        soundness: Soundness::Sound,
    }
}

/// The evidence of some witnesses, without any doubt.
pub fn together(witnesses: Vec<Witness>) -> Evidence {
    let classes = witnesses.iter().map(|witness| witness.classes.len()).max();
    Evidence {
        classes: classes.unwrap_or(0),
        witnesses,
        doubts: Vec::new(),
        pixels: PIXELS,
    }
}

/// What the only witness says of a class that it reached.
pub fn of_class(decision: &Decision, class: usize) -> ClassByWitness {
    decision.classes[class].witnesses[0].unwrap()
}

/// A model of a library that went through the first method alone.
pub fn library_model(name: String, values: Vec<Option<f64>>) -> LibraryModel {
    let classes = values.len();
    let found = ClassValues {
        values,
        of_model: false,
        leads_to: Vec::new(),
        confirmed: Vec::new(),
    };
    LibraryModel {
        name,
        recipe: String::new(),
        data: String::new(),
        pixels: PIXELS,
        classes,
        detectors: BTreeMap::from([(method(0), found)]),
    }
}

/// What the first method found in a model of a library.
pub fn found_in(model: &mut LibraryModel) -> &mut ClassValues {
    model.detectors.get_mut(&method(0)).unwrap()
}

/// A library of models that went through the first method alone.
pub fn library_of(models: Vec<LibraryModel>) -> Library {
    Library::new(one_method(), models).unwrap()
}

/// The first method.
pub fn one_method() -> BTreeMap<Method, MethodTraits> {
    BTreeMap::from([(
        method(0),
        MethodTraits {
            comparable: true,
            of_model: false,
        },
    )])
}

/// The evidence of a scan that found what a model of a library has, with the first so many methods.
pub fn scan_of(model: &LibraryModel, methods: usize) -> Evidence {
    let all: Vec<Method> = (0..methods).map(method).collect();
    let with = all.iter().enumerate();
    let with: Vec<_> = with
        .map(|(number, method)| (method, statistic(number == 0, model.pixels)))
        .collect();
    model.evidence(&with)
}

/// What the only witness says.
pub fn says(decision: &Decision) -> WitnessSays {
    let heard = decision.witnesses[0].said.clone();
    heard.unwrap_or(WitnessSays {
        p_value: 1.0,
        statistic: None,
        threshold: None,
        value_threshold: None,
    })
}

/// The norm below which a class is too small by the only witness.
pub fn norm_threshold(decision: &Decision) -> Option<f64> {
    let value = says(decision).value_threshold;
    value.map(|value| norms().number(value))
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
    let sizes = Values::of(&evidence.witnesses[0], evidence.classes).unwrap();
    let score = scan
        .steps(sizes.ascending())
        .iter()
        .map(|step| step.score)
        .fold(f64::NEG_INFINITY, f64::max);
    null.p_value(score)
}
