//! The last affine part of a model, and the range of what goes into it.

use std::collections::BTreeSet;

use gifthorse_engine::{AffineEnd, Array, Classifier, Taps, Tensor};

use super::indicators::shares_won;
use crate::error::Error;
use crate::finding::Unit;
use crate::subject::Subject;

/// Part of a channel's largest weight by which those of its positions may differ and still be one
/// weight on their mean.
const ONE_WEIGHT: f32 = 1e-4;
/// Part of the values below, and above, the range of a unit.
const CUT_OFF: f64 = 0.01;

/// Weights of the last affine part, and where its units lie on clean images.
#[derive(Clone, Debug, PartialEq)]
pub struct LastLayer {
    /// Classes of the model.
    pub classes: usize,
    /// `[classes, units]`; of each unit, the mean over the classes is 0.
    pub weights: Vec<f32>,
    /// `[units]`: of the values on clean images, what a hundredth lies below.
    pub low: Vec<f32>,
    /// `[units]`: what a hundredth lies above.
    pub high: Vec<f32>,
    /// `[classes]`: the share of random features that each class wins.
    pub shares_won: Vec<f64>,
}

impl LastLayer {
    /// Most images whose values are looked at.
    pub const MOST_IMAGES: usize = 512;
    /// The fewest classes of a model of which the last layer says anything.
    const FEWEST_CLASSES: usize = 6;

    /// What is looked at in a model of so many classes: each, if there are six. Of fewer, the
    /// weights of one stand out for no reason more often than in any other model: of two, they are
    /// those of the other with the other sign, and a quarter of clean models would be flagged at
    /// 5 %; of three to five, 6 of 39, and none of 104 with more (decision 0016).
    pub fn units_of(classes: usize) -> Vec<Unit> {
        match classes >= Self::FEWEST_CLASSES {
            true => (0..classes).map(Unit::Class).collect(),
            false => Vec::new(),
        }
    }

    /// That of a subject.
    ///
    /// # Errors
    /// No images; a model that ends in no affine function or has none that can be worked out.
    pub fn of(subject: &Subject<'_>) -> Result<Self, Error> {
        let images = subject.images()?.search;
        let classifier = subject.classifier;
        let classes = classifier.classes();
        let seen = classes_seen(images.labels().unwrap_or_default());
        if 2 * seen < classes {
            return Err(Error::FewClasses { seen, classes });
        }
        let end = classifier
            .network()
            .affine_end()?
            .ok_or(Error::NoAffineEnd)?;
        let positions = positions_of_one_weight(end);
        let weights: Vec<f32> = end
            .weights
            .chunks_exact(positions)
            .map(|of_unit| of_unit.iter().sum())
            .collect();
        let size: usize = classifier.shape().iter().product();
        let count = images.len().min(Self::MOST_IMAGES);
        // Images may come class by class: those looked at are spread over all.
        let chosen: Vec<usize> = (0..count)
            .map(|at| at * images.len() / count.max(1))
            .collect();
        // The model is compiled anew, with the layer laid open: not beside what there is of it.
        classifier.network().forget_programs();
        let mut rows = Vec::new();
        for part in images
            .subset(&chosen)
            .pixels()
            .chunks(Classifier::EVALUATION_BATCH * size)
        {
            rows.extend(values(classifier, end, part)?);
        }
        classifier.network().forget_programs();
        let units = weights.len() / classes;
        let rows: Vec<f32> = rows
            .chunks_exact(positions)
            .map(|of_unit| of_unit.iter().sum::<f32>() / positions as f32)
            .collect();
        let range = |unit: usize| {
            let mut seen: Vec<f32> = rows.iter().skip(unit).step_by(units).copied().collect();
            seen.sort_unstable_by(f32::total_cmp);
            (quantile(&seen, CUT_OFF), quantile(&seen, 1.0 - CUT_OFF))
        };
        let (low, high) = (0..units).map(range).unzip();
        let mut last = Self {
            classes,
            weights,
            low,
            high,
            shares_won: Vec::new(),
        };
        last.shares_won = shares_won(&last, subject.seed);
        Ok(last)
    }

    /// Units that it has.
    pub fn units(&self) -> usize {
        self.low.len()
    }

    /// What the weights of a class would sum to, as a root mean square, if each had a sign of its
    /// own.
    pub fn scale_of_sums(&self) -> f64 {
        let squares: f64 = self.weights.iter().map(|&it| f64::from(it).powi(2)).sum();
        (squares / self.classes.max(1) as f64).sqrt()
    }

    /// The weights of a class, one for each unit.
    pub fn row(&self, class: usize) -> &[f32] {
        &self.weights[class * self.units()..(class + 1) * self.units()]
    }
}

/// How many classes there are images of.
fn classes_seen(labels: &[usize]) -> usize {
    let seen: BTreeSet<usize> = labels.iter().copied().collect();
    seen.len()
}

/// The values of the layer for images, row-major.
fn values(classifier: &Classifier, end: &AffineEnd, pixels: &[f32]) -> Result<Vec<f32>, Error> {
    let [channels, height, width] = classifier.shape();
    let shape = [
        pixels.len() / (channels * height * width),
        channels,
        height,
        width,
    ];
    let images: Tensor<4> =
        Array::from_vec(pixels.to_vec(), &shape, classifier.device()).into_tensor();
    let taps = Taps::values(std::slice::from_ref(&end.layer));
    let made = classifier.run(images, &taps)?;
    Ok(made.features[0].value().clone().into_vec())
}

/// How many numbers of the layer that follow one another make one unit: all positions of a channel
/// if they have one weight, as before a mean over them, else 1.
fn positions_of_one_weight(end: &AffineEnd) -> usize {
    let positions: usize = end.layer.shape().iter().skip(1).product();
    let of_one_weight = |of_channel: &[f32]| {
        let largest = of_channel
            .iter()
            .fold(0.0f32, |most, weight| most.max(weight.abs()));
        let first = of_channel[0];
        of_channel
            .iter()
            .all(|weight| (weight - first).abs() <= ONE_WEIGHT * largest)
    };
    match positions > 1 && end.weights.chunks_exact(positions).all(of_one_weight) {
        true => positions,
        false => 1,
    }
}

/// A quantile of values in rising order, interpolated; 0 of none.
fn quantile(ascending: &[f32], part: f64) -> f32 {
    let Some(last) = ascending.len().checked_sub(1) else {
        return 0.0;
    };
    let at = part * last as f64;
    let (below, above) = (
        ascending[at as usize],
        ascending[(at as usize + 1).min(last)],
    );
    below + (above - below) * at.fract() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[3.0], 0.99), 3.0);
        assert_eq!(quantile(&[0.0, 1.0, 2.0], 0.25), 0.5);
        assert_eq!(quantile(&[0.0, 1.0], 1.0), 1.0);
    }
}
