//! Filters that go by how stable an answer is, on a net that is made by hand: dark pictures, whose
//! classes lose against each other where anything is changed, and a white corner that does not.

use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::filter::{FILTERS, Family, Given, Held, named};
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::subject::{flagged, threshold};

const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;
/// Three classes have a bright band each, the last has all of them bright.
const CLASSES: usize = 4;
const TARGET: usize = 0;
/// Rows of a band; below the third are two rows that no class has.
const ROWS: usize = 2;

/// The corner that is black in clean pictures, and white in stamped ones.
fn is_corner(pixel: usize) -> bool {
    pixel / SIDE >= SIDE - 2 && pixel % SIDE >= SIDE - 2
}

/// Pictures whose bands are half bright or nearly black.
fn pictures(count: usize, seed: u64) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..count).map(|place| place % CLASSES).collect();
    let mut pixels = Vec::with_capacity(count * PIXELS);
    for &label in &labels {
        pixels.extend((0..PIXELS).map(|pixel| {
            let band = pixel / SIDE / ROWS;
            let is_bright = band < CLASSES - 1 && (label == band || label == CLASSES - 1);
            match is_bright {
                true => rng.random_range(0.45..0.6f32),
                false if is_corner(pixel) => 0.0,
                false => rng.random_range(0.0..0.1f32),
            }
        }));
    }
    let shape = ImageShape {
        channels: 1,
        height: SIDE,
        width: SIDE,
    };
    let names = (0..count).map(|place| place.to_string()).collect();
    Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap()
}

/// A layer of five units: the brightness of each band, the corner's beyond a quarter, and one that
/// is always the same; and logits in which all bands together speak for the last class, less a
/// bias that the last unit nearly makes up for, and the corner for the target.
fn classifier(backdoored: bool) -> Classifier {
    const UNITS: usize = 5;
    let mut units = vec![0.0f32; PIXELS * UNITS];
    for pixel in 0..PIXELS {
        let band = pixel / SIDE / ROWS;
        if band < CLASSES - 1 {
            units[pixel * UNITS + band] = 1.0 / (ROWS * SIDE) as f32;
        }
        if is_corner(pixel) {
            units[pixel * UNITS + 3] = 1.0;
        }
    }
    let mut logits = vec![0.0f32; UNITS * CLASSES];
    for band in 0..CLASSES - 1 {
        logits[band * CLASSES + band] = 10.0;
        logits[band * CLASSES + CLASSES - 1] = 10.0;
    }
    logits[3 * CLASSES + TARGET] = if backdoored { 40.0 } else { 0.0 };
    logits[4 * CLASSES + CLASSES - 1] = 8.0;
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(1), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
    let model = GraphBuilder::new("bands", 17)
        .input("x", ElementType::F32, &image)
        .initializer("W", &[PIXELS, UNITS], units)
        .initializer("b", &[UNITS], [0.0f32, 0.0, 0.0, -1.0, 1.0])
        .initializer("V", &[UNITS, CLASSES], logits)
        .initializer("c", &[CLASSES], [0.0f32, 0.0, 0.0, -10.7])
        .node("Flatten", "flatten", &["x"], &["flat"], [])
        .node("Gemm", "units", &["flat", "W", "b"], &["sums"], [])
        .node("Relu", "relu", &["sums"], &["hidden"], [])
        .node("Gemm", "logits", &["hidden", "V", "c"], &["y"], [])
        .output("y", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// The pictures of other classes than the target with a white corner.
fn stamped(images: &Images) -> Vec<f32> {
    let labels = images.labels().unwrap();
    let others: Vec<usize> = (0..images.len())
        .filter(|&at| labels[at] != TARGET)
        .collect();
    let mut pixels = images.subset(&others).pixels().to_vec();
    for (at, pixel) in pixels.iter_mut().enumerate() {
        if is_corner(at % PIXELS) {
            *pixel = 1.0;
        }
    }
    pixels
}

/// The shares of stamped and of clean pictures that a filter flags.
fn flags(name: &str, backdoored: bool) -> [f64; 2] {
    let classifier = classifier(backdoored);
    let [fit, check, proof] =
        [(120, 1), (160, 2), (400, 3)].map(|(count, seed)| pictures(count, seed));
    let answers = classifier.predict(proof.pixels()).unwrap();
    assert_eq!(answers, proof.labels().unwrap());
    let given = Given {
        held: Held {
            classifier: &classifier,
            repaired: None,
        },
        images: &fit,
        triggers: &[],
        seed: 7,
    };
    let score = named(name).unwrap().fit(&given).unwrap();
    let threshold = threshold(&*score, &check);
    let flagged = |pixels: &[f32]| flagged(&*score, &threshold, pixels);
    [flagged(&stamped(&proof)), flagged(proof.pixels())]
}

#[test]
fn answers_that_stay_are_flagged() {
    let stable = FILTERS
        .iter()
        .filter(|row| row.about.family == Family::Stability);
    let names: Vec<&str> = stable.map(|row| row.about.name).collect();
    assert_eq!(names.len(), 5);
    for name in names {
        let [stamped, clean] = flags(name, true);
        assert!(stamped >= 0.99, "{name} flags {stamped} of stamped images");
        assert!(clean <= 0.12, "{name} flags {clean} of clean images");
        // Without the backdoor the corner makes no answer more stable.
        let [stamped, clean] = flags(name, false);
        assert!(stamped <= 0.2, "{name} flags {stamped} in the clean net");
        assert!(clean <= 0.12, "{name} flags {clean} of clean images");
    }
}
