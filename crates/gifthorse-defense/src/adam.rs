//! Adam on one tensor that is not part of a Burn module.

use gifthorse_engine::{Array, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::exact;

const EPSILON: f32 = 1e-8;

/// First and second moments of one tensor's gradient (Kingma and Ba, 2015).
#[derive(Debug)]
pub struct Adam<const D: usize> {
    rate: f32,
    betas: (f32, f32),
    steps: i32,
    moments: Option<(Tensor<D>, Tensor<D>)>,
}

/// Moments and steps, to be kept; no values before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    pub steps: i32,
    #[serde(with = "exact::singles")]
    pub first: Vec<f32>,
    #[serde(with = "exact::singles")]
    pub second: Vec<f32>,
}

impl Moments {
    /// Whether they are those of so many values.
    pub fn fits(&self, values: usize) -> bool {
        let values = if self.steps == 0 { 0 } else { values };
        self.steps >= 0 && self.first.len() == values && self.second.len() == values
    }
}

impl<const D: usize> Adam<D> {
    /// Fresh moments.
    pub fn new(rate: f32, betas: (f32, f32)) -> Self {
        Self {
            rate,
            betas,
            steps: 0,
            moments: None,
        }
    }

    /// Goes on with moments of a tensor of the given shape.
    pub fn resume(
        rate: f32,
        betas: (f32, f32),
        moments: Moments,
        shape: [usize; D],
        device: &Device,
    ) -> Self {
        let tensor = |values| Array::from_vec(values, &shape, device).into_tensor();
        Self {
            rate,
            betas,
            steps: moments.steps,
            moments: (moments.steps > 0).then(|| (tensor(moments.first), tensor(moments.second))),
        }
    }

    /// What has to be kept to go on later.
    pub fn moments(&self) -> Moments {
        let values = |tensor: &Tensor<D>| Array::from_tensor(tensor.clone()).into_vec();
        let (first, second) = match &self.moments {
            Some((first, second)) => (values(first), values(second)),
            None => (Vec::new(), Vec::new()),
        };
        Moments {
            steps: self.steps,
            first,
            second,
        }
    }

    /// Moves an untracked tensor one step against its gradient.
    pub fn step(&mut self, value: Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        let (b1, b2) = self.betas;
        self.steps += 1;
        let first = gradient.clone().mul_scalar(1.0 - b1);
        let second = gradient.clone().mul(gradient).mul_scalar(1.0 - b2);
        let (first, second) = match self.moments.take() {
            Some((m, v)) => (m.mul_scalar(b1).add(first), v.mul_scalar(b2).add(second)),
            None => (first, second),
        };
        let unbiased_first = first.clone().div_scalar(1.0 - b1.powi(self.steps));
        let unbiased_second = second.clone().div_scalar(1.0 - b2.powi(self.steps));
        self.moments = Some((first, second));
        let direction = unbiased_first.div(unbiased_second.sqrt().add_scalar(EPSILON));
        value.sub(direction.mul_scalar(self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PyTorch's `torch.optim.Adam([x], lr=0.1, betas=(0.5, 0.9))` on `x^2` from `x = 1`:
    /// 0.9, then 0.8008... (first two moments worked out by hand below).
    #[test]
    fn two_steps_agree_with_the_formula() {
        let device = Device::flex();
        let mut adam = Adam::<1>::new(0.1, (0.5, 0.9));
        let mut x: Tensor<1> = Array::from_vec(vec![1.0], &[1], &device).into_tensor();
        let mut expected = 1.0f64;
        let (mut m, mut v) = (0.0f64, 0.0f64);
        for t in 1..=5 {
            let gradient = 2.0 * expected;
            m = 0.5 * m + 0.5 * gradient;
            v = 0.9 * v + 0.1 * gradient * gradient;
            let step = m / (1.0 - 0.5f64.powi(t)) / ((v / (1.0 - 0.9f64.powi(t))).sqrt() + 1e-8);
            expected -= 0.1 * step;
            x = adam.step(x.clone(), x.mul_scalar(2.0));
            let value = Array::from_tensor(x.clone()).into_vec()[0];
            assert!(
                (f64::from(value) - expected).abs() < 1e-5,
                "step {t}: {value} {expected}"
            );
        }
    }
}
