use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// The normalised channels of a pixel by the definition.
fn normalised(x: &[f64], epsilon: f64, scale: &[f32], offset: Option<&[f32]>) -> Vec<f64> {
    let count = x.len() as f64;
    let mean = x.iter().sum::<f64>() / count;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let each = (0..x.len()).map(|i| {
        let standard = (x[i] - mean) / (variance + epsilon).sqrt();
        standard * f64::from(scale[i]) + offset.map_or(0.0, |offset| f64::from(offset[i]))
    });
    each.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn output_is_that_of_the_definition_and_gradient_that_of_finite_differences(
        (height, width, channels) in (1usize..4, 1usize..4, 1usize..50),
        samples in 1usize..3,
        with_offset in any::<bool>(),
        middle in -3.0f32..3.0,
        seed in any::<u64>(),
    ) {
        let shape = MapShape { height, width, channels };
        let count = samples * shape.elements();
        let x: Vec<f32> = numbers(count, seed).iter().map(|x| x + middle).collect();
        let cotangent = numbers(count, !seed);
        let [scale, offset] = [seed ^ 1, seed ^ 2].map(|s| numbers(channels, s));
        let offset = with_offset.then_some(&offset[..]);
        let epsilon = 0.01;
        let (mut wanted, mut wanted_gradient) = (Vec::new(), Vec::new());
        for (x, g) in x.chunks(channels).zip(cotangent.chunks(channels)) {
            let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let y = |x: &[f64]| normalised(x, f64::from(epsilon), &scale, offset);
            wanted.extend(y(&x).iter().map(|&y| y as f32));
            for i in 0..channels {
                let step = 1e-5;
                let loss = |by: f64| {
                    let mut x = x.clone();
                    x[i] += by;
                    y(&x).iter().zip(g).map(|(y, g)| y * f64::from(*g)).sum::<f64>()
                };
                wanted_gradient.push(((loss(step) - loss(-step)) / (2.0 * step)) as f32);
            }
        }
        for isa in Isa::available() {
            let kernel = LayerNorm::new(shape, epsilon, &scale, offset).expect("it fits");
            let kernel = LayerNorm { isa, ..kernel };
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            // With few channels the deviation can be small, and its inverse, up to 10, magnifies
            // rounding.
            prop_assert_eq!(difference(&wanted, &given, 1e-5), None);
            prop_assert_eq!(difference(&wanted_gradient, &gradients[0], 1e-4), None);
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn numbers_that_do_not_fit() {
    let fits = |scale: &[f32], offset: Option<&[f32]>| {
        LayerNorm::new(MapShape::vector(3), 1e-5, scale, offset).is_some()
    };
    assert!(fits(&[1.0; 3], None));
    assert!(!fits(&[1.0; 2], None));
    assert!(!fits(&[1.0; 3], Some(&[1.0; 4])));
}
