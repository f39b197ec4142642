use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

fn function() -> impl Strategy<Value = Arithmetic> {
    use Arithmetic::{Add, Div, Max, Min, Mul, Pow, Sub};
    prop::sample::select(vec![Add, Sub, Mul, Div, Pow, Max, Min])
}

/// Value and both slopes by the definition.
fn exact(function: Arithmetic, a: f64, b: f64) -> (f64, [f64; 2]) {
    match function {
        Arithmetic::Add => (a + b, [1.0, 1.0]),
        Arithmetic::Sub => (a - b, [1.0, -1.0]),
        Arithmetic::Mul => (a * b, [b, a]),
        Arithmetic::Div => (a / b, [1.0 / b, -a / (b * b)]),
        Arithmetic::Pow => (a.powf(b), [b * a.powf(b - 1.0), a.powf(b) * a.ln()]),
        Arithmetic::Max if a >= b => (a, [1.0, 0.0]),
        Arithmetic::Min if a <= b => (a, [1.0, 0.0]),
        Arithmetic::Max | Arithmetic::Min => (b, [0.0, 1.0]),
    }
}

/// Which element of an operand stands for an element of the result.
fn standing(shape: MapShape, extent: Extent, element: usize) -> usize {
    let (pixel, channel) = (element / shape.channels, element % shape.channels);
    let channels = if extent.channels { shape.channels } else { 1 };
    let pixel = if extent.pixels { pixel } else { 0 };
    pixel * channels + if extent.channels { channel } else { 0 }
}

fn count(shape: MapShape, extent: Extent) -> usize {
    standing(shape, extent, shape.elements() - 1) + 1
}

fn extent() -> impl Strategy<Value = Extent> {
    any::<(bool, bool)>().prop_map(|(pixels, channels)| Extent { pixels, channels })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn output_and_gradients_are_those_of_the_definition(
        function in function(),
        (height, width, channels) in (1usize..5, 1usize..5, 1usize..40),
        extents in [extent(), extent()],
        constant in prop_oneof![Just(None), Just(Some(0)), Just(Some(1))],
        samples in 1usize..4,
        ties in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let shape = MapShape { height, width, channels };
        // Positive and not small: powers and quotients stay finite.
        let operands: [Vec<f32>; 2] = [0, 1].map(|i| {
            let samples = if constant == Some(i) { 1 } else { samples };
            let values = numbers(samples * count(shape, extents[i]), seed ^ i as u64);
            let rounded = |x: f32| if ties { (2.0 * x).round() / 2.0 } else { x };
            values.iter().map(|&x| 1.5 + rounded(x)).collect()
        });
        let elements = shape.elements();
        let cotangent = numbers(samples * elements, !seed);
        let mut wanted = Vec::new();
        let mut slopes = [0, 1].map(|i: usize| vec![0.0f64; operands[i].len()]);
        for at in 0..samples * elements {
            let (sample, element) = (at / elements, at % elements);
            let places = [0, 1].map(|i| {
                let sample = if constant == Some(i) { 0 } else { sample };
                sample * count(shape, extents[i]) + standing(shape, extents[i], element)
            });
            let [a, b] = [0, 1].map(|i| f64::from(operands[i][places[i]]));
            let (value, slope) = exact(function, a, b);
            wanted.push(value as f32);
            for i in 0..2 {
                slopes[i][places[i]] += slope[i] * f64::from(cotangent[at]);
            }
        }
        let given_operands = [0, 1].map(|i| match constant {
            Some(constant) if constant == i => {
                Operand::Constant(extents[i], operands[i].clone())
            }
            _ => Operand::Value(extents[i]),
        });
        let values: Vec<usize> = (0..2).filter(|&i| constant != Some(i)).collect();
        let inputs: Vec<Vec<f32>> = values.iter().map(|&i| operands[i].clone()).collect();
        for isa in Isa::available() {
            let kernel = Binary::new(shape, function, given_operands.clone()).expect("it fits");
            let kernel = Binary { isa, ..kernel };
            let (given, gradients) = run(&kernel, samples, &inputs, &cotangent);
            prop_assert_eq!(difference(&wanted, &given, 1e-6), None);
            for (i, gradient) in values.iter().zip(&gradients) {
                let wanted: Vec<f32> = slopes[*i].iter().map(|&g| g as f32).collect();
                // Sums of up to 640 numbers, of which the sizes add up to more than their sum.
                prop_assert_eq!(difference(&wanted, gradient, 2e-5), None);
            }
            prop_assert_eq!(fused::check(&kernel, samples, &inputs, &cotangent), Ok(()));
        }
    }
}

#[test]
fn nan_is_taken_only_from_the_right() {
    let shape = MapShape::vector(2);
    let operands = [Operand::Value(Extent::ALL), Operand::Value(Extent::ALL)];
    let inputs = [vec![f32::NAN, 1.0], vec![2.0, f32::NAN]];
    for function in [Arithmetic::Max, Arithmetic::Min] {
        let kernel = Binary::new(shape, function, operands.clone()).expect("it fits");
        let (given, gradients) = run(&kernel, 1, &inputs, &[1.0, 1.0]);
        assert_eq!(given[0], 2.0);
        assert!(given[1].is_nan());
        assert_eq!(gradients, [[0.0, 0.0], [1.0, 1.0]]);
    }
}

#[test]
fn what_does_not_fit() {
    let shape = MapShape::vector(3);
    let constant = |count| Operand::Constant(Extent::ALL, vec![0.0; count]);
    let value = || Operand::Value(Extent::ALL);
    let fits = |operands| Binary::new(shape, Arithmetic::Add, operands).is_some();
    assert!(fits([value(), constant(3)]));
    assert!(!fits([value(), constant(4)]));
    assert!(!fits([constant(3), constant(3)]));
    let empty = MapShape::vector(0);
    assert!(Binary::new(empty, Arithmetic::Add, [value(), constant(0)]).is_none());
}
