//! Moves that could be a trigger's, and the one that tells stamped images best.

use gifthorse_engine::{Classifier, Layer};

use crate::detect::cepa::{CommonMove, Config, Preset, layers};
use crate::error::Error;
use crate::filter::Given;
use crate::filter::pass::{Passed, in_parts};
use crate::filter::scale::Scale;
use crate::repair::KnownTrigger;
use crate::roc::auroc;
use crate::subject::{CleanImages, Facts, Subject};

/// Another move than the first is taken only if it lessens the chance that a stamped image lies
/// less far along it than a clean one by more than this.
const WORTH: f64 = 0.002;

/// The move by which images under a trigger are told from clean ones, and where clean ones lie
/// along it; `None` if it moves none.
///
/// # Errors
/// Images that it is not for; a model that cannot be run, or passes no gradient back.
pub fn best(known: &KnownTrigger, given: &Given<'_>) -> Result<Option<(CommonMove, Scale)>, Error> {
    let classifier = given.held.classifier;
    // The last in front: an early layer sees more of what a trigger looks like than of what it does.
    let layers: Vec<Layer> = layers(classifier)?.into_iter().rev().collect();
    let (clean, stamped) = given.stamped(known)?;
    let mut moves = Vec::new();
    if let (Some(target), Some(last)) = (known.target, layers.first()) {
        moves.push(searched(given, target, last)?);
    }
    moves.extend(means(classifier, &layers, &clean, &stamped)?);
    moves.retain(CommonMove::is_sound);
    let of_clean = shifts(classifier, &moves, given.images.pixels())?;
    let of_stamped = shifts(classifier, &moves, &stamped)?;
    let mut best: Option<(f64, Scale, CommonMove)> = None;
    for (at, one) in moves.into_iter().enumerate() {
        let along = |rows: &[Vec<f64>]| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
        let clean = along(&of_clean);
        let area = auroc(&clean, &along(&of_stamped)).map_or(0.0, |auroc| auroc.area);
        if best.as_ref().is_none_or(|(most, ..)| area > most + WORTH) {
            best = Some((area, Scale::of(clean), one));
        }
    }
    Ok(best.map(|(_, scale, one)| (one, scale)))
}

/// The consensus of moves to the target, as the detector searches it.
fn searched(given: &Given<'_>, target: usize, layer: &Layer) -> Result<CommonMove, Error> {
    let subject = Subject {
        classifier: given.held.classifier,
        images: Some(CleanImages {
            search: given.images,
            holdout: given.images,
        }),
        seed: given.seed,
        facts: &Facts::default(),
    };
    let config = Config::preset(Preset::Standard);
    CommonMove::search(subject, &config, target, layer.clone())
}

/// The mean move of each layer's values from clean images to the same under the trigger.
fn means(
    classifier: &Classifier,
    layers: &[Layer],
    clean: &[f32],
    stamped: &[f32],
) -> Result<Vec<CommonMove>, Error> {
    let from = mean_values(classifier, layers, clean)?;
    let to = mean_values(classifier, layers, stamped)?;
    let moves = layers.iter().zip(from.iter().zip(&to));
    let moves = moves.filter_map(|(layer, (from, to))| {
        let values = to.iter().zip(from).map(|(to, from)| (to - from) as f32);
        let at_rest: Vec<f32> = from.iter().map(|&value| value as f32).collect();
        CommonMove::from(layer.clone(), values.collect(), &at_rest)
    });
    Ok(moves.collect())
}

/// The mean of each layer's values over images, number by number.
fn mean_values(
    classifier: &Classifier,
    layers: &[Layer],
    pixels: &[f32],
) -> Result<Vec<Vec<f64>>, Error> {
    // The sums of a part, not its values: those of all images of a wide layer would not fit.
    let sums = in_parts(classifier, layers, pixels, |passed| {
        let of_layer = |values: &Vec<f32>| {
            let size = values.len() / passed.images.max(1);
            let mut sums = vec![0.0f64; size];
            for row in values.chunks_exact(size.max(1)) {
                let both = sums.iter_mut().zip(row);
                both.for_each(|(sum, value)| *sum += f64::from(*value));
            }
            sums
        };
        let sums: Vec<Vec<f64>> = passed.features.iter().map(of_layer).collect();
        Ok(vec![(passed.images, sums)])
    })?;
    let images: usize = sums.iter().map(|(images, _)| images).sum();
    let sizes = layers.iter().map(|layer| layer.shape().iter().product());
    let mut means: Vec<Vec<f64>> = sizes.map(|size| vec![0.0; size]).collect();
    for (_, sums) in &sums {
        for (mean, sum) in means.iter_mut().flatten().zip(sums.iter().flatten()) {
            *mean += sum / images.max(1) as f64;
        }
    }
    Ok(means)
}

/// How far each image lies along each of some moves, `[images][moves]`.
fn shifts(
    classifier: &Classifier,
    moves: &[CommonMove],
    pixels: &[f32],
) -> Result<Vec<Vec<f64>>, Error> {
    let layers: Vec<Layer> = moves.iter().map(|one| one.layer().clone()).collect();
    in_parts(classifier, &layers, pixels, |passed| {
        let of_image = |image: usize| of_image(moves.iter(), passed, image);
        Ok((0..passed.images).map(of_image).collect())
    })
}

/// How far one image of a pass lies along each of some moves, whose layers are the pass's features.
pub fn of_image<'a>(
    moves: impl Iterator<Item = &'a CommonMove>,
    passed: &Passed,
    image: usize,
) -> Vec<f64> {
    let of_moves = moves.zip(&passed.features).map(|(one, values)| {
        let size = one.values().len();
        one.shift(&values[image * size..(image + 1) * size])
    });
    of_moves.collect()
}
