//! Masks are trained first, on images alone, and stay (Nguyen and Tran 2020, section 3.4): small,
//! and different for different images.

use gifthorse_data::Images;
use gifthorse_train::net::Net;
use gifthorse_train::{Error, Optimiser, OptimiserState, Pullback};
use rand::RngExt;

use super::GeneratorSettings;
use super::loss::{apart, distance, excess};
use super::nets::Part;
use crate::random::Purpose;

/// Pairs of images of an update.
const PAIRS: usize = 16;
/// Images are held apart from -1 to 1, as the authors' program has those of MNIST, masks from 0 to 1.
const RANGE: f64 = 2.0;
/// What the weights of the last layer are multiplied with at first.
const QUIET: f32 = 0.1;

/// As in the authors' program.
pub const ADAM: Optimiser = Optimiser::Adam {
    beta1: 0.5,
    beta2: 0.9,
    epsilon: 1e-8,
    weight_decay: 0.0,
};

/// Trains the part of a generator that gives masks.
///
/// # Errors
/// What the engine refuses.
pub fn train(
    settings: &GeneratorSettings,
    net: &Net,
    mask: &mut Part,
    images: &Images,
    seed: u64,
) -> Result<(), Error> {
    let shape = images.shape();
    let (plane, values) = (shape.height * shape.width, shape.values());
    let row = plane + values;
    let pullback = Pullback::new(net.model(), &mask.names, shape, 2 * PAIRS)?;
    let mut adam = OptimiserState::new(ADAM, &mask.values);
    let mut rng = Purpose::Masks.rng(seed);
    quieten(mask);
    for step in 0..settings.mask_steps {
        let mut pixels = Vec::with_capacity(2 * PAIRS * values);
        for _ in 0..2 * PAIRS {
            pixels.extend_from_slice(images.image(rng.random_range(0..images.len())));
        }
        let gradients = pullback.gradients(&mask.values, &pixels, |rows| {
            let mut to = vec![0.0; rows.len()];
            let weight = f64::from(settings.bound) / (2 * PAIRS) as f64;
            for (row, to) in rows.chunks_exact(row).zip(to.chunks_exact_mut(row)) {
                excess(&row[..plane], settings.density, weight, &mut to[..plane]);
            }
            let weight = f64::from(settings.diversity) / PAIRS as f64;
            let (first, second) = to.split_at_mut(PAIRS * row);
            for pair in 0..PAIRS {
                let image = |which: usize| &pixels[which * values..][..values];
                let made = |which: usize| &rows[which * row..][..plane];
                let between = RANGE * distance(image(pair), image(PAIRS + pair));
                let to = [&mut *first, &mut *second].map(|to| &mut to[pair * row..][..plane]);
                let made = [made(pair), made(PAIRS + pair)];
                apart(between, made, weight, to);
            }
            Ok(to)
        })?;
        let left = 1.0 - step as f32 / settings.mask_steps as f32;
        let rate = settings.learning_rate * left;
        adam.step(&mut mask.values, &[&gradients], rate);
    }
    Ok(())
}

/// Lets masks begin near one half everywhere, where they are not yet decided and their gradients are
/// largest.
fn quieten(mask: &mut Part) {
    let last = mask.names.iter().zip(&mut mask.values);
    for (_, values) in last.filter(|(name, _)| name.starts_with("mask.last")) {
        values.iter_mut().for_each(|value| *value *= QUIET);
    }
}
