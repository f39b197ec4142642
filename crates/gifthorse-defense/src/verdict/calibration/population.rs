//! What clean models have in common, and how they differ: a hierarchical model of the values that
//! one method gives them.
//!
//! `value = location of the model + scale of the model * residual of the class`. Locations lie
//! around a line in 1 / classes and the logarithm of the pixels and are normal, variances scaled
//! inverse chi-squared (limma's prior), and the residuals of a model drawn are those of one
//! measured model, resampled and blurred a little: no shape is assumed, and that some models have
//! more unequal classes than others is kept.

mod location_line;
mod scale_fit;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use location_line::{LocationLine, Point};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StudentT};
use scale_fit::{ModelVariance, fit_prior};
use statrs::distribution::{ContinuousCDF, Normal};

use super::library::ClassValues;
use super::{NullModel, ScalePrior};
use crate::verdict::test::moments::cut_normal;

/// Standard deviation of the noise on a residual that is drawn, in scales: without it, a model of
/// 43 classes drawn from the residuals of ten would have each of them four times.
const BLUR: f64 = 0.3;
/// Models drawn have the residuals of one of so many measured models whose numbers of classes are
/// nearest to theirs: how far the classes of a model are from one another changes with their number.
const ALIKE: usize = 80;

/// What a method found in one model, its classes, and how many pixels its images have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub classes: usize,
    pub pixels: usize,
    pub values: &'a ClassValues,
}

/// What is known of clean models.
#[derive(Debug, Clone)]
pub(super) struct Population {
    comparable: bool,
    /// Whether each model has a single value, its location.
    of_model: bool,
    prior: Option<ScalePrior>,
    line: LocationLine,
    /// Scale of a further model's location beside the line.
    spread: f64,
    /// Degrees of freedom of that scale.
    degrees: f64,
    /// Of each model, by number of classes.
    residuals: Vec<Vec<f64>>,
}

/// Location and scale of one model, which its unreached classes do not shift.
struct Moments {
    point: Point,
    variance: ModelVariance,
}

impl Population {
    /// Fits the population to models. Unless their values are `comparable`, their locations mean
    /// nothing.
    pub(super) fn fit(models: &[Found<'_>], comparable: bool) -> Self {
        let moments: Vec<Moments> = models.iter().map(|&found| Moments::of(found)).collect();
        let variances: Vec<ModelVariance> = moments.iter().map(|of| of.variance).collect();
        let prior = fit_prior(&variances);
        let count = moments.len() as f64;
        let points: Vec<Point> = moments.iter().map(|of| of.point).collect();
        let line = LocationLine::fit(&points);
        let degrees = (count - line.parameters()).max(1.0);
        let squares: f64 = points.iter().map(|&point| line.beside(point).powi(2)).sum();
        let variance = squares / degrees;
        let mut residuals: Vec<Vec<f64>> = models
            .iter()
            .zip(&moments)
            .map(|(found, of)| residuals_of(found.values, of, prior))
            .collect();
        residuals.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| in_order(a, b)));
        Self {
            comparable,
            of_model: models.iter().any(|found| found.values.of_model),
            prior,
            line,
            spread: (variance * (1.0 + 1.0 / count)).sqrt(),
            degrees,
            residuals,
        }
    }

    /// The population that a few models come from: nearer to one another than clean models at
    /// large. Their locations give the location, and `spread` how far a further model may be from
    /// them, which so few cannot say; scales are drawn towards theirs. Their residuals are too few
    /// to have a shape.
    pub(super) fn near(&self, models: &[Found<'_>], spread: ScalePrior) -> Self {
        let moments: Vec<Moments> = models.iter().map(|&found| Moments::of(found)).collect();
        let points: Vec<Point> = moments.iter().map(|of| of.point).collect();
        let beside: Vec<f64> = points
            .iter()
            .map(|&point| self.line.beside(point))
            .collect();
        let found = ModelVariance::of(&beside);
        let count = points.len() as f64;
        let pooled = self.prior.and_then(|prior| {
            let weight = prior.degrees_of_freedom();
            let degrees: f64 = moments.iter().map(|of| of.variance.degrees).sum();
            let squares = moments
                .iter()
                .map(|of| of.variance.degrees * of.variance.variance);
            let squares = squares.sum::<f64>() + weight * prior.scale().powi(2);
            ScalePrior::new((squares / (weight + degrees)).sqrt(), weight).ok()
        });
        Self {
            comparable: self.comparable,
            of_model: self.of_model,
            prior: pooled.or(self.prior),
            line: self.line.through(&points),
            spread: (found.moderated(Some(spread)) * (1.0 + 1.0 / count)).sqrt(),
            degrees: spread.degrees_of_freedom() + found.degrees,
            residuals: self.residuals.clone(),
        }
    }

    /// How far the locations of models of one data set are from one another, over the data sets of
    /// the library. Models come with the name of theirs.
    pub(super) fn spread_within(models: &[(&str, Found<'_>)]) -> Option<ScalePrior> {
        let points = models.iter().map(|&(_, found)| Moments::of(found).point);
        let points: Vec<Point> = points.collect();
        let line = LocationLine::fit(&points);
        let mut data_sets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for ((data, _), &point) in models.iter().zip(&points) {
            let beside = data_sets.entry(data).or_default();
            beside.push(line.beside(point));
        }
        let variances = data_sets.values().map(|of| ModelVariance::of(of));
        fit_prior(&variances.collect::<Vec<_>>())
    }

    /// The residuals of a model drawn at random, of those with about as many classes.
    fn like(&self, classes: usize, rng: &mut ChaCha8Rng) -> &[f64] {
        let below = self.residuals.partition_point(|it| it.len() < classes);
        let not_above = self.residuals.partition_point(|it| it.len() <= classes);
        let count = self.residuals.len().min(ALIKE);
        let first = usize::midpoint(below, not_above).saturating_sub(count / 2);
        let first = first.min(self.residuals.len() - count);
        &self.residuals[rng.random_range(first..first + count)]
    }
}

impl NullModel for Population {
    fn scale_prior(&self) -> Option<ScalePrior> {
        self.prior
    }

    fn draw(&self, rng: &mut ChaCha8Rng, classes: usize, values: &mut [f64]) {
        let standard = match StudentT::new(self.degrees) {
            Ok(student) => student.sample(rng),
            Err(_) => 0.0,
        };
        let location = self.line.at(classes) + self.spread * standard;
        if self.of_model {
            values.fill(location);
            return;
        }
        let scale = self.prior.map_or(1.0, |prior| prior.draw(rng));
        let width = (1.0 + BLUR * BLUR).sqrt();
        let model = self.like(values.len(), rng);
        for value in values {
            let noise: f64 = StandardNormal.sample(rng);
            let residual = model.get(rng.random_range(0..model.len()));
            *value = location + scale * (residual.unwrap_or(&0.0) + BLUR * noise) / width;
        }
    }

    fn location(&self, classes: usize) -> Option<f64> {
        self.comparable.then(|| self.line.at(classes))
    }

    fn shift(&self, pixels: usize) -> f64 {
        self.line.shift(pixels)
    }
}

impl Moments {
    fn of(
        Found {
            classes,
            pixels,
            values: model,
        }: Found<'_>,
    ) -> Self {
        let values = model.ascending();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let (shift, stretch) = cut_normal(model.unreached() as f64 / model.compared() as f64);
        let found = ModelVariance::of(&values);
        let variance = found.variance * stretch * stretch;
        Self {
            point: Point {
                classes,
                pixels,
                location: mean + shift * variance.sqrt(),
            },
            variance: ModelVariance { variance, ..found },
        }
    }
}

/// The order of two lists of numbers, first differences first.
fn in_order(a: &[f64], b: &[f64]) -> Ordering {
    let mut differences = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
    differences
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The residuals of a model's classes, as wide as those of a model with many classes; those of
/// unreached classes are where a normal distribution has its largest.
fn residuals_of(model: &ClassValues, of: &Moments, prior: Option<ScalePrior>) -> Vec<f64> {
    let scale = of.variance.moderated(prior).sqrt();
    let classes = model.compared() as f64;
    if model.of_model {
        return vec![0.0];
    }
    // Deviations from a mean that they are part of are too small by this.
    let width = (classes / (classes - 1.0)).sqrt() / scale.max(f64::MIN_POSITIVE);
    let ascending = model.ascending();
    let reached = ascending
        .iter()
        .map(|value| (value - of.point.location) * width);
    let normal = Normal::standard();
    let unreached =
        (0..model.unreached()).map(|rank| normal.inverse_cdf(1.0 - (rank as f64 + 0.5) / classes));
    reached.chain(unreached).collect()
}
