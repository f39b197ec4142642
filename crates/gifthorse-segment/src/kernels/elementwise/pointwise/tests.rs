use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// `erf` by its Taylor series.
fn erf(x: f64) -> f64 {
    if x.abs() > 5.0 || x.is_nan() {
        return if x.is_nan() { x } else { x.signum() };
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..250 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

/// A function's value and slope by the definition.
fn exact(function: Function, x: f64) -> (f64, f64) {
    let sign = if x == 0.0 { 0.0 } else { x.signum() };
    let clip = |x: f64, min: f32, max: f32, slope: f64| {
        let (min, max) = (f64::from(min), f64::from(max));
        let outside = x < min || x > max;
        let value = if x.is_nan() { x } else { x.max(min).min(max) };
        (value, if outside { 0.0 } else { slope })
    };
    match function {
        Function::Neg => (-x, -1.0),
        Function::Abs => (x.abs(), sign),
        Function::Exp => (x.exp(), x.exp()),
        Function::Log => (x.ln(), 1.0 / x),
        Function::Sqrt | Function::PowScalar(0.5) => (x.sqrt(), 0.5 / x.sqrt()),
        Function::Reciprocal => (1.0 / x, -1.0 / (x * x)),
        Function::Tanh => (x.tanh(), 1.0 - x.tanh().powi(2)),
        Function::Sin => (x.sin(), x.cos()),
        Function::Cos => (x.cos(), -x.sin()),
        Function::Erf => (erf(x), std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()),
        Function::Sign => (sign, 0.0),
        Function::Floor => (x.floor(), 0.0),
        Function::Ceil => (x.ceil(), 0.0),
        Function::Round => (x.round_ties_even(), 0.0),
        Function::Clamp(Clamp::Relu) => {
            if x <= 0.0 {
                (0.0, 0.0)
            } else {
                (x, 1.0)
            }
        }
        Function::Clamp(Clamp::Clip { min, max }) => clip(x, min, max, 1.0),
        Function::Sigmoid => {
            let y = 1.0 / (1.0 + (-x).exp());
            (y, y * (1.0 - y))
        }
        Function::LeakyRelu(slope) => {
            let slope = if x < 0.0 { f64::from(slope) } else { 1.0 };
            (slope * x, slope)
        }
        Function::Elu { alpha, gamma } => {
            let (alpha, gamma) = (f64::from(alpha), f64::from(gamma));
            if x > 0.0 {
                (gamma * x, gamma)
            } else {
                (gamma * alpha * x.exp_m1(), gamma * alpha * x.exp())
            }
        }
        Function::Softplus => {
            let slope = if x == 0.0 {
                0.0
            } else {
                1.0 / (1.0 + (-x).exp())
            };
            (
                (-x.abs()).exp().ln_1p() + x * f64::from(u8::from(x > 0.0)),
                slope,
            )
        }
        Function::HardSigmoid { alpha, beta } => {
            // In f32: which side of a bound it is on depends on the rounding.
            let line = alpha * x as f32 + beta;
            clip(f64::from(line), 0.0, 1.0, f64::from(alpha))
        }
        Function::AddScalar(c) => (x + f64::from(c), 1.0),
        Function::MulScalar(c) => (x * f64::from(c), f64::from(c)),
        Function::PowScalar(c) => {
            let c = f64::from(c);
            (x.powf(c), c * x.powf(c - 1.0))
        }
        Function::Not => (f64::from(u8::from(x == 0.0)), 0.0),
    }
}

/// Where a function is finite.
fn positive_only(function: Function) -> bool {
    match function {
        Function::Log | Function::Sqrt => true,
        Function::PowScalar(c) => c.fract() != 0.0,
        _ => false,
    }
}

fn function() -> impl Strategy<Value = Function> {
    let plain = prop::sample::select(vec![
        Function::Neg,
        Function::Abs,
        Function::Exp,
        Function::Log,
        Function::Sqrt,
        Function::Reciprocal,
        Function::Tanh,
        Function::Sin,
        Function::Cos,
        Function::Erf,
        Function::Sign,
        Function::Floor,
        Function::Ceil,
        Function::Round,
        Function::Clamp(Clamp::Relu),
        Function::Sigmoid,
        Function::Softplus,
        Function::PowScalar(1.0),
        Function::PowScalar(2.0),
        Function::PowScalar(3.0),
        Function::PowScalar(0.5),
        Function::PowScalar(-1.0),
        Function::PowScalar(-2.0),
        Function::PowScalar(1.7),
        Function::Not,
    ]);
    prop_oneof![
        6 => plain,
        1 => (-1.0f32..2.0).prop_map(Function::LeakyRelu),
        1 => (-1.0f32..3.0, -1.0f32..2.0).prop_map(|(alpha, gamma)| Function::Elu { alpha, gamma }),
        1 => (-2.0f32..0.5, 0.5f32..6.0)
            .prop_map(|(min, max)| Function::Clamp(Clamp::Clip { min, max })),
        1 => (-1.0f32..1.0, -1.0f32..1.0)
            .prop_map(|(alpha, beta)| Function::HardSigmoid { alpha, beta }),
        1 => (-3.0f32..3.0).prop_map(Function::AddScalar),
        1 => (-3.0f32..3.0).prop_map(Function::MulScalar),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn output_and_gradient_are_those_of_the_definition(
        function in function(),
        (height, width, channels) in (1usize..4, 1usize..5, 1usize..40),
        samples in 1usize..4,
        scale in prop_oneof![Just(0.1f32), Just(3.0), Just(20.0)],
        seed in any::<u64>(),
    ) {
        let shape = MapShape { height, width, channels };
        let mut x: Vec<f32> = numbers(samples * shape.elements(), seed)
            .iter()
            .map(|v| v * scale)
            .collect();
        if positive_only(function) {
            x.iter_mut().for_each(|x| *x = x.abs());
        } else {
            // Ends of pieces and special numbers, wherever there is room.
            let special = [0.0, -0.0, 6.0, f32::NAN, 1.0, 0.5];
            for (x, special) in x.iter_mut().skip(1).step_by(3).zip(special) {
                *x = special;
            }
        }
        let cotangent = numbers(x.len(), !seed);
        let wanted: Vec<f32> = x.iter().map(|&x| exact(function, f64::from(x)).0 as f32).collect();
        let wanted_gradient: Vec<f32> = x
            .iter()
            .zip(&cotangent)
            .map(|(&x, g)| (exact(function, f64::from(x)).1 * f64::from(*g)) as f32)
            .collect();
        for isa in Isa::available() {
            let kernel = Pointwise { isa, ..Pointwise::new(shape, function) };
            let (given, gradients) = run(&kernel, samples, std::slice::from_ref(&x), &cotangent);
            let relative = 5e-6;
            prop_assert_eq!(difference(&wanted, &given, relative), None);
            for i in 0..x.len() {
                // A slope is only NaN where the function is; where it has none, NaN gives zero.
                if !x[i].is_nan() {
                    let given = &gradients[0][i..=i];
                    prop_assert_eq!(difference(&wanted_gradient[i..=i], given, relative), None, "at {}", x[i]);
                }
            }
            prop_assert_eq!(fused::check(&kernel, samples, std::slice::from_ref(&x), &cotangent), Ok(()));
        }
    }
}

#[test]
fn infinities() {
    let shape = MapShape::vector(2);
    let (most, least) = (f32::INFINITY, f32::NEG_INFINITY);
    let x = vec![least, most];
    for isa in Isa::available() {
        for (function, wanted, slopes) in [
            (Function::Exp, [0.0, most], [0.0, most]),
            (Function::Sigmoid, [0.0, 1.0], [0.0, 0.0]),
            (Function::Tanh, [-1.0, 1.0], [0.0, 0.0]),
            (Function::Erf, [-1.0, 1.0], [0.0, 0.0]),
            (Function::Softplus, [0.0, most], [0.0, 1.0]),
            (
                Function::Elu {
                    alpha: 2.0,
                    gamma: 1.0,
                },
                [-2.0, most],
                [0.0, 1.0],
            ),
            (
                Function::Clamp(Clamp::Clip {
                    min: least,
                    max: 3.0,
                }),
                [least, 3.0],
                [1.0, 0.0],
            ),
        ] {
            let kernel = Pointwise {
                isa,
                ..Pointwise::new(shape, function)
            };
            let (given, gradients) = run(&kernel, 1, std::slice::from_ref(&x), &[1.0; 2]);
            assert_eq!(given, wanted, "{function:?}");
            assert_eq!(gradients[0], slopes, "{function:?}");
        }
    }
}
