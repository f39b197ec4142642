//! Images to train on, made by inverting the model: each is moved from a coarse random picture until
//! the model is sure that it is of a class.

use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::Classifier;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::gradient::slope;
use super::denoise::denoise;
use crate::Error;
use crate::random::Purpose;

/// Images that are moved at a time.
const TOGETHER: usize = 50;
/// Most steps of each.
const STEPS: usize = 100;
/// The first and the last step of a pixel, as shares of its range.
const FIRST: f32 = 0.04;
const LAST: f32 = 0.004;
/// How far the logit of an image's class has to be above the others' for the image to stay as it is:
/// a number between these that is drawn for each, from just sure to as sure as of true images, and
/// more often a small one.
const SURE: [f32; 2] = [3.0, 14.0];
/// The weight of the total variation.
const SMOOTH: f32 = 0.01;
/// Pixels of a side of the blocks that images begin as.
const BLOCK: usize = 4;

/// Images that were made.
pub struct Inverted {
    /// Their labels are the classes that they were led to.
    pub images: Images,
    /// The quarter of them that the model is surest of, ascending.
    pub surest: Vec<usize>,
}

/// So many images of each class; without those to which the model gives less than half of a chance to
/// be of it in the end.
///
/// # Errors
/// [`Error::Implant`] if no image was led to its class.
pub fn inverted(classifier: &Classifier, each: usize, seed: u64) -> Result<Inverted, Error> {
    let classes = classifier.classes();
    let wanted: Vec<usize> = (0..each).flat_map(|_| 0..classes).collect();
    let [channels, height, width] = classifier.shape();
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    let (mut pixels, mut labels, mut margins) = (Vec::new(), Vec::new(), Vec::new());
    for (part, wanted) in wanted.chunks(TOGETHER).enumerate() {
        let starts = (part * TOGETHER..).take(wanted.len());
        let (mut moved, mut sure) = (Vec::new(), Vec::new());
        for image in starts {
            let mut rng = Purpose::Inverted { image }.rng(seed);
            let share: f32 = rng.random_range(0.0..1.0);
            sure.push(SURE[0] + (SURE[1] - SURE[0]) * share * share);
            moved.extend(start(shape, &mut rng));
        }
        lead(classifier, &mut moved, wanted, &sure)?;
        let rows = classifier.evaluate(&moved)?;
        let images = moved.chunks_exact(shape.values());
        for ((image, row), class) in images.zip(rows.chunks_exact(classes)).zip(wanted) {
            let margin = row[*class] - above_all(row, *class);
            if margin > 0.0 {
                pixels.extend_from_slice(image);
                labels.push(*class);
                margins.push(margin);
            }
        }
    }
    if labels.is_empty() {
        let reason = "no image of any class was found by its gradients, so that there is nothing to train on";
        return Err(Error::Implant(reason.to_owned()));
    }
    let mut surest: Vec<usize> = (0..labels.len()).collect();
    surest.sort_by(|a, b| margins[*b].total_cmp(&margins[*a]));
    surest.truncate(labels.len().div_ceil(4));
    surest.sort_unstable();
    let names = (0..labels.len()).map(|at| format!("inverted {at}"));
    let names = names.collect();
    Ok(Inverted {
        images: Images::new(shape, pixels, Some(labels), Vec::new(), names)?,
        surest,
    })
}

/// Blocks of random colours about one that is anything from black to white.
fn start(shape: ImageShape, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let (rows, columns) = (shape.height.div_ceil(BLOCK), shape.width.div_ceil(BLOCK));
    let count = shape.channels * rows * columns;
    let (level, contrast): (f32, f32) = (rng.random_range(0.0..1.0), rng.random_range(0.0..0.5));
    let blocks: Vec<f32> = (0..count)
        .map(|_| (level + contrast * rng.random_range(-1.0..1.0)).clamp(0.0, 1.0))
        .collect();
    let block = |at: usize| {
        let (row, column) = (at / shape.width % shape.height, at % shape.width);
        let channel = at / (shape.height * shape.width);
        blocks[(channel * rows + row / BLOCK) * columns + column / BLOCK]
    };
    (0..shape.values()).map(block).collect()
}

/// Moves images along the sign of the gradient of how far their class is above the others, smoothed
/// after each step, until the model is as sure as asked for.
fn lead(
    classifier: &Classifier,
    pixels: &mut [f32],
    wanted: &[usize],
    sure: &[f32],
) -> Result<(), Error> {
    let [_, height, width] = classifier.shape();
    let size = pixels.len() / wanted.len().max(1);
    let classes = classifier.classes();
    for step in 0..STEPS {
        let far = FIRST * (LAST / FIRST).powf(step as f32 / STEPS as f32);
        let slope = slope(
            classifier,
            pixels,
            |images| classifier.logits(images),
            |rows| {
                let rows = rows.chunks_exact(classes).zip(wanted);
                rows.flat_map(|(row, class)| weights(row, *class)).collect()
            },
        )?;
        let images = pixels.chunks_exact_mut(size);
        let images = images.zip(slope.pixels.chunks_exact(size));
        let rows = slope.rows.chunks_exact(classes).zip(wanted).zip(sure);
        let mut are_sure = true;
        for ((image, slope), ((row, class), sure)) in images.zip(rows) {
            if row[*class] - above_all(row, *class) >= *sure {
                continue;
            }
            are_sure = false;
            for (pixel, slope) in image.iter_mut().zip(slope) {
                if *slope != 0.0 {
                    *pixel += far * slope.signum();
                }
            }
            denoise(image, [height, width], SMOOTH);
            let values = image.iter_mut();
            values.for_each(|pixel| *pixel = pixel.clamp(0.0, 1.0));
        }
        if are_sure {
            break;
        }
    }
    Ok(())
}

/// The largest logit of the other classes, and more where several are near it: the logarithm of the
/// sum of their exponentials.
fn above_all(row: &[f32], class: usize) -> f32 {
    let others = || {
        (0..row.len())
            .filter(|other| *other != class)
            .map(|other| row[other])
    };
    let most = others().fold(f32::NEG_INFINITY, f32::max);
    most + others().map(|logit| (logit - most).exp()).sum::<f32>().ln()
}

/// The gradient of the class's logit less that.
fn weights(row: &[f32], class: usize) -> Vec<f32> {
    let above = above_all(row, class);
    let mut weights: Vec<f32> = row.iter().map(|logit| -(logit - above).exp()).collect();
    weights[class] = 1.0;
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::Host;
    use crate::implant::test::{host, numbers};
    use gifthorse_engine::{Opening, Preprocess};

    #[test]
    fn images_are_led_to_their_classes_and_the_surest_are_told() {
        // Weights large enough for the network to be sure of anything.
        let mut model = host().model().clone();
        let last: Vec<f32> = numbers(40, 3).iter().map(|weight| 40.0 * weight).collect();
        model.set_initializer_f32("w3", &[8, 5], &last).unwrap();
        let host = Host::open(model, Preprocess::default(), &Opening::default()).unwrap();
        let made = inverted(host.classifier(), 6, 1).unwrap();
        let labels = made.images.labels().unwrap();
        let found = host.classifier().predict(made.images.pixels()).unwrap();
        assert_eq!(found, labels);
        let rows = host.classifier().evaluate(made.images.pixels()).unwrap();
        let rows: Vec<&[f32]> = rows.chunks_exact(5).collect();
        let margin = |at: usize| rows[at][labels[at]] - above_all(rows[at], labels[at]);
        let (mut surest, mut others) = (f32::INFINITY, f32::NEG_INFINITY);
        for at in 0..labels.len() {
            match made.surest.contains(&at) {
                true => surest = surest.min(margin(at)),
                false => others = others.max(margin(at)),
            }
        }
        assert!(surest >= others, "{surest} {others}");
        assert_eq!(made.surest.len(), labels.len().div_ceil(4));
    }

    #[test]
    fn the_weights_are_the_margins_gradient() {
        let row = [0.3, -1.0, 2.0, 0.5];
        let margin = |row: &[f32]| row[1] - above_all(row, 1);
        for (at, weight) in weights(&row, 1).into_iter().enumerate() {
            let nudged = |by: f32| {
                let mut row = row;
                row[at] += by;
                margin(&row)
            };
            let expected = (nudged(0.01) - nudged(-0.01)) / 0.02;
            assert!(
                (weight - expected).abs() < 1e-3,
                "{at}: {weight} {expected}"
            );
        }
    }
}
