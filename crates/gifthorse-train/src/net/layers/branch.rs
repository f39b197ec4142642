//! Paths that part and meet again, and the normalisation on them.

use super::Layers;
use crate::net::Running;

/// A place in a network to come back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    value: String,
    shape: Vec<usize>,
}

impl Point {
    /// Name of the ONNX value there.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl Layers {
    /// The place after the last layer.
    #[must_use]
    pub fn here(&self) -> Point {
        Point {
            value: self.last.clone(),
            shape: self.shape.clone(),
        }
    }

    /// Goes on from another place, so that the next layer reads what that place gives.
    pub fn from(&mut self, point: &Point) -> &mut Self {
        self.last.clone_from(&point.value);
        self.shape.clone_from(&point.shape);
        self
    }

    /// Adds what another place gives, which has the same shape.
    pub fn add(&mut self, name: &str, other: &Point) -> &mut Self {
        if self.misfit.is_some() {
            return self;
        }
        if self.shape != other.shape {
            let shapes = (&self.shape, &other.shape);
            return self.mistake(format!(
                "`{name}` would add {:?} and {:?}",
                shapes.0, shapes.1
            ));
        }
        self.node("Add", name, &[&other.value], [])
    }

    /// The channels of another place in front of those here; both have the same height and width.
    pub fn behind(&mut self, name: &str, other: &Point) -> &mut Self {
        if self.misfit.is_some() {
            return self;
        }
        if self.shape[1..] != other.shape[1..] {
            let shapes = (self.shape.clone(), &other.shape);
            return self.mistake(format!(
                "`{name}` would put {:?} behind {:?}",
                shapes.0, shapes.1
            ));
        }
        let last = std::mem::replace(&mut self.last, other.value.clone());
        self.shape[0] += other.shape[0];
        self.node("Concat", name, &[&last], [("axis", 1.into())])
    }

    /// Batch normalisation over each channel or feature: with the batch's own mean and variance in
    /// training, with running ones in inference, which are kept in the file.
    pub fn batch_norm(&mut self, name: &str) -> &mut Self {
        let channels = self.shape[0];
        let scale = self.filled(format!("{name}.scale"), &[channels], 1.0);
        let bias = self.bias(name, channels);
        let (mean, variance) = (format!("{name}.mean"), format!("{name}.variance"));
        if self.rng.is_some() {
            self.constant(&mean, &[channels], &vec![0.0; channels]);
            self.constant(&variance, &[channels], &vec![1.0; channels]);
        }
        let settings = [("epsilon", 1e-5.into()), ("momentum", 0.9.into())];
        self.node(
            "BatchNormalization",
            name,
            &[&scale, &bias, &mean, &variance],
            settings,
        );
        self.running.push(Running { mean, variance });
        self
    }
}
