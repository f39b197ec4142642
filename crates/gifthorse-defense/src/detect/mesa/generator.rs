//! The generator of squares, and the critic that estimates how much a square tells of the noise
//! that it was made of.

use gifthorse_engine::Tensor;

use super::config::Config;
use super::dense::{Layer, Pass, batch_norm, leaky_relu, matrix};

/// Layers of a generator, each of which is given noise of its own.
pub const LAYERS: usize = 4;
/// Numbers that the critic makes of a square, and of noise.
const CODE: usize = 16;
/// The highest score of the critic.
const SURE: f32 = 6.0;

/// The layers of a generator of squares of so many values.
pub fn generator(config: &Config, values: usize) -> Vec<Layer> {
    let inner = [config.width + config.noise, config.width];
    vec![
        [config.noise, config.width],
        inner,
        inner,
        [config.width + config.noise, values],
    ]
}

/// The layers of a critic of such squares: of its net for noise, and after them of that for
/// squares.
pub fn critic(config: &Config, values: usize) -> Vec<Layer> {
    vec![
        [LAYERS * config.noise, config.width],
        [config.width, CODE],
        [values, config.width],
        [config.width, CODE],
    ]
}

/// Squares `[batch, values]` in [0, 1], from noise `[batch, 4 * noise]`. What is made of a row
/// depends on the others, by the batch norms.
pub fn squares(
    weights: Tensor<1>,
    noise: &Tensor<2>,
    (width, values): (usize, usize),
) -> Tensor<2> {
    let [_, all] = noise.dims();
    let each = all / LAYERS;
    let part = |layer: usize| noise.clone().narrow(1, layer * each, each);
    let mut pass = Pass::through(weights);
    let mut inner = leaky_relu(batch_norm(pass.layer(part(0), width)));
    for layer in 1..LAYERS - 1 {
        let input = Tensor::cat(vec![inner, part(layer)], 1);
        inner = leaky_relu(batch_norm(pass.layer(input, width)));
    }
    let input = Tensor::cat(vec![inner, part(LAYERS - 1)], 1);
    let last = pass.layer(input, values);
    // The logistic function.
    last.mul_scalar(0.5).tanh().mul_scalar(0.5).add_scalar(0.5)
}

/// The information that `squares` have of the `noise` that they were made of, row by row, in nats,
/// as the critic bounds it from below (Belghazi et al. 2018, equation 10). Its score of a square
/// and a noise is a product of what two small nets make of them, so that every square can be held
/// against the noise of every other.
pub fn information(
    weights: Tensor<1>,
    squares: Tensor<2>,
    noise: Tensor<2>,
    width: usize,
) -> Tensor<1> {
    let [rows, _] = squares.dims();
    let mut pass = Pass::through(weights);
    let mut code = |input: Tensor<2>| {
        let inner = leaky_relu(pass.layer(batch_norm(input), width));
        pass.layer(inner, CODE)
    };
    let (noise, squares) = (code(noise), code(squares));
    let scores = squares.matmul(noise.transpose());
    let scores = scores.div_scalar(SURE).tanh().mul_scalar(SURE);
    let own: Vec<f32> = (0..rows * rows)
        .map(|at| f32::from(u8::from(at % (rows + 1) == 0)))
        .collect();
    let own = matrix(own, rows, &scores.device()).autodiff();
    let count = rows.max(2) as f32;
    let together = scores.clone().mul(own.clone()).sum().div_scalar(count);
    let others = own.neg().add_scalar(1.0);
    let apart = scores
        .exp()
        .mul(others)
        .sum()
        .div_scalar(count * (count - 1.0));
    together.sub(apart.log())
}

#[cfg(test)]
mod tests {
    use gifthorse_engine::{Array, Device};

    use super::*;

    /// Noise of one number for each layer, another for each of four squares.
    fn noise() -> Tensor<2> {
        let values = (0..16).map(|at| ((at * 7) % 16) as f32 / 16.0).collect();
        matrix(values, 4, &Device::flex())
    }

    fn weights(count: usize, of: impl Fn(usize) -> f32) -> Tensor<1> {
        let values = (0..count).map(of).collect();
        Array::from_vec(values, &[count], &Device::flex()).into_tensor()
    }

    fn settings() -> Config {
        Config {
            width: 2,
            noise: 1,
            ..Config::preset(super::super::config::Preset::Standard)
        }
    }

    #[test]
    fn squares_of_other_noise_are_other_squares_in_range() {
        let layers = generator(&settings(), 3);
        let count = super::super::dense::count(&layers);
        assert_eq!(count, 2 * 2 + 4 * 2 + 4 * 2 + 4 * 3);
        let weights = weights(count, |at| ((at * 5) % 11) as f32 / 11.0 - 0.5);
        let made = squares(weights, &noise(), (2, 3));
        assert_eq!(made.dims(), [4, 3]);
        let made = Array::from_tensor(made).into_vec();
        assert!(made.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(made[..3] != made[3..6]);
    }

    #[test]
    fn a_critic_that_scores_all_pairs_alike_knows_nothing() {
        let count = super::super::dense::count(&critic(&settings(), 4));
        let weights = weights(count, |_| 0.0);
        let of = |input: Tensor<2>| input.autodiff();
        let known = information(weights.autodiff(), of(noise()), of(noise()), 2);
        let known = Array::from_tensor(known.inner()).into_vec();
        assert!(known[0].abs() < 1e-6, "{known:?}");
    }
}
