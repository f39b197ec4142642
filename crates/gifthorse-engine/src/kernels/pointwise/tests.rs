use burn::tensor::{DType, Device, Tensor};
use proptest::prelude::*;

use super::*;
use crate::array::Array;
use crate::kernels::testing::{Pair, difference, numbers, outcome, tensor};
use crate::program::Primitive;

fn function() -> impl Strategy<Value = Unary> {
    prop_oneof![
        Just(Unary::Relu),
        Just(Unary::Sigmoid),
        Just(Unary::Tanh),
        (-1.0f32..2.0).prop_map(Unary::LeakyRelu),
        (0.0f32..3.0, 0.1f32..2.0).prop_map(|(alpha, gamma)| Unary::Elu { alpha, gamma }),
        (0.0f32..3.0).prop_map(|alpha| Unary::Elu { alpha, gamma: 1.0 }),
        (-2.0f32..0.5, 0.0f32..6.0).prop_map(|(min, max)| Unary::Clip { min, max }),
        Just(Unary::Clip {
            min: f32::NEG_INFINITY,
            max: 0.0
        }),
        (-1.0f32..1.0, -1.0f32..1.0).prop_map(|(alpha, beta)| Unary::HardSigmoid { alpha, beta }),
    ]
}

fn pair(
    function: Unary,
    shape: [usize; 4],
) -> Pair<impl Fn(DispatchTensor) -> Result<DispatchTensor, DispatchTensor>> {
    let kernel = Pointwise::new(function).expect("a supported function");
    Pair {
        kernel: move |x| kernel.apply(x),
        primitive: Primitive::Unary(function),
        shape: shape.to_vec(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn output_and_gradient_are_those_of_the_reference(
        function in function(),
        shape in [1usize..4, 1usize..4, 1usize..9, 1usize..9],
        scale in prop_oneof![Just(0.1f32), Just(3.0), Just(30.0), Just(200.0)],
        seed in any::<u64>(),
    ) {
        let count = shape.iter().product();
        let mut x: Vec<f32> = numbers(count, seed).iter().map(|v| v * scale).collect();
        // Ends of pieces and special numbers, wherever there is room.
        let special = [0.0, -0.0, 6.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for (value, special) in x.iter_mut().skip(1).step_by(3).zip(special) {
            *value = special;
        }
        let [ours, wanted] =
            pair(function, shape).outcomes(&tensor(x, shape), &numbers(count, !seed));
        prop_assert_eq!(&ours.shape, &wanted.shape);
        let tolerance = if pair_is_exact(function) { 0.0 } else { 2e-6 };
        prop_assert_eq!(difference(&wanted.output, &ours.output, tolerance), None);
        prop_assert_eq!(difference(&wanted.gradient, &ours.gradient, 2e-6), None);
    }

    #[test]
    fn gradient_is_that_of_finite_differences(function in function(), seed in any::<u64>()) {
        let shape = [1, 2, 3, 5];
        let x: Vec<f32> = numbers(30, seed).iter().map(|v| 3.0 * v).collect();
        let cotangent = numbers(30, !seed);
        let pair = pair(function, shape);
        let [ours, _] = pair.outcomes(&tensor(x.clone(), shape), &cotangent);
        let step = 1.0 / 256.0;
        let shifted = |by: f32| {
            let x = x.iter().map(|v| v + by).collect();
            outcome(&tensor(x, shape), &cotangent, |x| pair.ours(x)).output
        };
        let (above, at, below) = (shifted(step), &ours.output, shifted(-step));
        for i in 0..30 {
            // Where the slopes to both sides differ there is a corner in between.
            let (right, left) = ((above[i] - at[i]) / step, (at[i] - below[i]) / step);
            if (right - left).abs() < 0.02 {
                let wanted = 0.5 * (right + left) * cotangent[i];
                prop_assert!(
                    (ours.gradient[i] - wanted).abs() < 1e-2,
                    "{} instead of {wanted} at {}", ours.gradient[i], x[i]
                );
            }
        }
    }
}

fn pair_is_exact(function: Unary) -> bool {
    Pointwise::new(function).is_some_and(|kernel| kernel.is_exact())
}

#[test]
fn values_that_others_hold_stay() {
    let kernel = Pointwise::new(Unary::Relu).expect("relu");
    let x = tensor(vec![-1.0, 2.0, -3.0, 4.0], [1, 1, 2, 2]);
    let view = x.clone().slice([0..1, 0..1, 1..2, 0..2]);
    for (input, wanted) in [
        (x.clone(), vec![0.0, 2.0, 0.0, 4.0]),
        (view, vec![0.0, 4.0]),
        (x.clone().swap_dims(2, 3), vec![0.0, 0.0, 2.0, 4.0]),
    ] {
        let y = kernel.apply(input.into_dispatch()).expect("a flex tensor");
        assert_eq!(Array::from_dispatch(y).into_vec(), wanted);
    }
    assert_eq!(Array::from_tensor(x).into_vec(), [-1.0, 2.0, -3.0, 4.0]);
}

#[test]
fn a_gradient_that_others_hold_stays() {
    // Both addends get the same gradient; one of them goes through the kernel in place.
    let kernel = Pointwise::new(Unary::LeakyRelu(0.25)).expect("leaky relu");
    let x = tensor(vec![-1.0, 2.0, -3.0, 4.0], [1, 1, 2, 2]);
    let given = outcome(&x, &[1.0, 2.0, 3.0, 4.0], |x| {
        let y = kernel
            .apply(x.clone().into_dispatch())
            .expect("a flex tensor");
        x.add(Array::from_dispatch(y))
    });
    assert_eq!(given.gradient, [1.25, 4.0, 3.75, 8.0]);
}

#[test]
fn tanh_and_sigmoid_are_accurate() {
    for (function, exact) in [
        (Unary::Tanh, f64::tanh as fn(f64) -> f64),
        (Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    ] {
        let kernel = Pointwise::new(function).expect("supported");
        let x: Vec<f32> = (-40_000..40_000).map(|i| i as f32 / 4000.0).collect();
        let given = Array::from_vec(x.clone(), &[x.len()], &Device::flex());
        let given = kernel.apply(given.into_dispatch()).expect("a flex tensor");
        for (x, y) in x.iter().zip(Array::from_dispatch(given).into_vec()) {
            let wanted = exact(f64::from(*x));
            let error = (f64::from(y) - wanted).abs();
            assert!(error <= 5e-7 * wanted.abs(), "{function:?}({x}) = {y}");
        }
    }
}

#[test]
fn what_does_not_fit_is_given_back() {
    assert!(Pointwise::new(Unary::Erf).is_none());
    let negative = Unary::Elu {
        alpha: -1.0,
        gamma: 1.0,
    };
    assert!(Pointwise::new(negative).is_none());
    let kernel = Pointwise::new(Unary::Relu).expect("relu");
    let double: Tensor<4> = tensor(vec![1.0], [1; 4]).cast(DType::F64);
    assert!(kernel.apply(double.into_dispatch()).is_err());
}
