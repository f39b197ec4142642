//! Numbers that are searched, with their optimiser.

use gifthorse_engine::{Array, Device, Tensor};

use super::snapshot::Numbers;
use crate::adam::Adam;

/// Numbers that Adam moves.
pub struct Searched {
    values: Vec<f32>,
    adam: Adam<1>,
}

impl Searched {
    /// At its beginning.
    pub fn new(values: Vec<f32>, rate: f32, betas: (f32, f32)) -> Self {
        Self {
            values,
            adam: Adam::new(rate, betas),
        }
    }

    /// Where it was left.
    pub fn resume(kept: Numbers, rate: f32, betas: (f32, f32), device: &Device) -> Self {
        let count = kept.values.len();
        Self {
            values: kept.values,
            adam: Adam::resume(rate, betas, kept.moments, [count], device),
        }
    }

    /// To be kept.
    pub fn kept(&self) -> Numbers {
        Numbers {
            values: self.values.clone(),
            moments: self.adam.moments(),
        }
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Moves them one step against their slopes.
    pub fn step(&mut self, slopes: Vec<f32>, device: &Device) {
        let count = slopes.len();
        let tensor = |values: Vec<f32>| -> Tensor<1> {
            Array::from_vec(values, &[count], device).into_tensor()
        };
        let before = tensor(std::mem::take(&mut self.values));
        let after = self.adam.step(before, tensor(slopes));
        self.values = Array::from_tensor(after).into_vec();
    }
}
