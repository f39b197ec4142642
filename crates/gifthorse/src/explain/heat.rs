//! What answers rest on, in pictures.

use gifthorse_data::{Images, balanced_sample};
use gifthorse_defense::explain::grad_cam;
use gifthorse_engine::{Classifier, Layer};
use gifthorse_report::evidence::{HeatExample, Heated, Picture};

use crate::Error;

/// Images that are shown.
const EXAMPLES: usize = 6;
/// How much of a pixel its heat covers, where it is greatest.
const STRONGEST: f32 = 0.75;

/// A few images of other classes than the target, drawn evenly over these, each without and with
/// the trigger and with what the model's answer rests on. They are of those that the trigger leads
/// to the target, if there are any.
///
/// # Errors
/// A model that cannot be run, or through which no gradient comes back.
pub fn examples(
    classifier: &Classifier,
    layer: &Layer,
    images: &Images,
    stamped: &[f32],
    target: usize,
    seed: u64,
) -> Result<Vec<HeatExample>, Error> {
    let size: usize = classifier.shape().iter().product();
    let labels = images.labels().unwrap_or_default();
    let answers = classifier.predict(stamped)?;
    let others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != target).collect();
    let led = others.iter().copied().filter(|&i| answers[i] == target);
    let led: Vec<usize> = led.collect();
    let from = if led.is_empty() { others } else { led };
    let of_from: Vec<usize> = from.iter().map(|&i| labels[i]).collect();
    let chosen = balanced_sample(&of_from, EXAMPLES, seed);
    let chosen: Vec<usize> = chosen.into_iter().map(|i| from[i]).collect();
    let after: Vec<f32> = chosen
        .iter()
        .flat_map(|&i| &stamped[i * size..(i + 1) * size])
        .copied()
        .collect();
    let before = heated(classifier, layer, images.subset(&chosen).pixels())?;
    let after = heated(classifier, layer, &after)?;
    let pairs = before.into_iter().zip(after).zip(&chosen);
    Ok(pairs
        .map(|((clean, stamped), &place)| HeatExample {
            label: labels[place],
            clean,
            stamped,
        })
        .collect())
}

/// Pictures with what the model's own answer on each rests on.
pub fn heated(
    classifier: &Classifier,
    layer: &Layer,
    pixels: &[f32],
) -> Result<Vec<Heated>, Error> {
    let shape = classifier.shape();
    let answers = classifier.predict(pixels)?;
    let maps = grad_cam(classifier, layer, pixels, &answers)?;
    let pictures = pixels.chunks_exact(shape.iter().product());
    let all = pictures.zip(&maps).zip(answers);
    all.map(|((picture, map), answer)| {
        let [_, height, width] = shape;
        Ok(Heated {
            picture: Picture::new(shape, picture.to_vec())?,
            heat: Picture::new([3, height, width], over(picture, map))?,
            answer,
        })
    })
    .collect()
}

/// A picture in grey, `[channels, height, width]`, below its heat `[height, width]`, which goes
/// from nothing over red and yellow to white; `[3, height, width]`.
fn over(picture: &[f32], heat: &[f32]) -> Vec<f32> {
    let plane = heat.len().max(1);
    let channels = picture.len() / plane;
    let grey = |at: usize| {
        let sum: f32 = (0..channels)
            .map(|channel| picture[channel * plane + at])
            .sum();
        sum / channels as f32
    };
    let colour = |channel: usize, at: usize| {
        // Red comes first, then green, then blue.
        let hot = (3.0 * heat[at] - channel as f32).clamp(0.0, 1.0);
        let cover = STRONGEST * heat[at].clamp(0.0, 1.0);
        ((1.0 - cover) * grey(at) + cover * hot).clamp(0.0, 1.0)
    };
    (0..3 * plane)
        .map(|at| colour(at / plane, at % plane))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_covers_a_grey_picture_from_red_to_white() {
        // Two channels of three pixels: grey 0.5, 0.5 and 0; cold, half and hot.
        let shown = over(&[0.4, 0.6, 0.0, 0.6, 0.4, 0.0], &[0.0, 0.5, 1.0]);
        let pixel = |at: usize| [shown[at], shown[3 + at], shown[6 + at]];
        assert_eq!(pixel(0), [0.5; 3]);
        assert_eq!(pixel(1), [0.6875, 0.5, 0.3125]);
        assert_eq!(pixel(2), [0.75; 3]);
    }
}
