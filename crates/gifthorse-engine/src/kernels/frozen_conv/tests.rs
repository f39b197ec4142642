use burn::backend::ops::ConvOptions;
use burn::tensor::module::conv2d;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use proptest::prelude::*;

use super::*;

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32 values")
}

fn apply(conv: &FrozenConv, x: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(
        conv.apply(x.into_dispatch())
            .expect("a flex tensor that fits"),
    )
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

/// Largest difference, relative to the largest value.
fn error(wanted: &[f32], given: &[f32]) -> f32 {
    assert_eq!(wanted.len(), given.len());
    let scale = wanted.iter().fold(1e-3, |max: f32, x| max.max(x.abs()));
    let worst = wanted.iter().zip(given).map(|(w, g)| (w - g).abs());
    worst.fold(0.0, |max, d| if d <= max { max } else { d }) / scale
}

/// A convolution in both forms: ours, and Burn's on an explicitly padded input.
struct Case {
    weight: Tensor<4>,
    bias: Tensor<1>,
    pads: [(usize, usize); 2],
}

impl Case {
    fn random(outputs: usize, inputs: usize, pads: [(usize, usize); 2]) -> Self {
        let device = Device::flex();
        let weight = random([outputs, inputs, 3, 3], &device);
        let bias = Tensor::random([outputs], Distribution::Uniform(-1.0, 1.0), &device);
        Self { weight, bias, pads }
    }

    fn frozen(&self) -> FrozenConv {
        let bias: Vec<f32> = self
            .bias
            .clone()
            .into_data()
            .try_into_vec()
            .expect("f32 values");
        FrozenConv::new(
            &values(self.weight.clone()),
            self.weight.dims(),
            Some(&bias),
            self.pads,
        )
    }

    fn burn(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let x = x.pad(self.pads, 0.0);
        let weight = Tensor::from_data(self.weight.to_data(), &x.device());
        let bias = Tensor::from_data(self.bias.to_data(), &x.device());
        conv2d(x, weight, Some(bias), options)
    }
}

/// The gradient of `sum(f(x) * cotangent)` to `x`.
fn gradient(x: &Tensor<4>, cotangent: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Vec<f32> {
    let x = x.clone().require_grad();
    let cotangent = Tensor::from_data(cotangent.to_data(), &x.device());
    let loss = (f(x.clone()) * cotangent).sum();
    values(x.grad(&loss.backward()).expect("a gradient"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn output_and_gradient_are_those_of_burn(
        batch in 1usize..5,
        inputs in 1usize..20,
        outputs in 1usize..20,
        height in 3usize..20,
        width in 3usize..20,
        rows in (0usize..3, 0usize..3),
        columns in (0usize..3, 0usize..3),
        checkpointing in any::<bool>(),
    ) {
        let case = Case::random(outputs, inputs, [rows, columns]);
        let conv = case.frozen();
        let x = random([batch, inputs, height, width], &Device::flex());
        let wanted = case.burn(x.clone());
        let given = apply(&conv, x.clone());
        prop_assert_eq!(wanted.dims(), given.dims());
        prop_assert!(error(&values(wanted), &values(given.clone())) < 1e-5);

        let device = Device::flex().autodiff();
        let device = if checkpointing { device.gradient_checkpointing() } else { device };
        let cotangent = random(given.dims(), &Device::flex());
        let x = Tensor::from_data(x.into_data(), &device);
        let wanted = gradient(&x, &cotangent, |x| case.burn(x));
        let given = gradient(&x, &cotangent, |x| apply(&conv, x));
        prop_assert!(error(&wanted, &given) < 1e-5);
    }
}

#[test]
fn gradient_is_that_of_finite_differences() {
    let conv = Case::random(5, 4, [(1, 1), (0, 2)]).frozen();
    let device = Device::flex().autodiff();
    let x = random([2, 4, 6, 7], &device);
    let cotangent = random(apply(&conv, x.clone()).dims(), &Device::flex());
    let given = gradient(&x, &cotangent, |x| apply(&conv, x));

    let cotangent = values(cotangent);
    let loss = |x: &[f32]| -> f64 {
        let x = Tensor::from_data(TensorData::new(x.to_vec(), [2, 4, 6, 7]), &Device::flex());
        let y = values(apply(&conv, x));
        y.iter()
            .zip(&cotangent)
            .map(|(y, c)| f64::from(*y) * f64::from(*c))
            .sum()
    };
    let point = values(x);
    let wanted: Vec<f32> = (0..point.len())
        .map(|i| {
            // The map is affine, so a large step loses nothing.
            let (mut above, mut below) = (point.clone(), point.clone());
            above[i] += 1.0;
            below[i] -= 1.0;
            ((loss(&above) - loss(&below)) / 2.0) as f32
        })
        .collect();
    assert!(error(&wanted, &given) < 1e-4);
}

#[test]
fn gradients_of_two_uses_add_up() {
    let conv = Case::random(3, 3, [(1, 1), (1, 1)]).frozen();
    let x = random([1, 3, 5, 5], &Device::flex().autodiff());
    let cotangent = random([1, 3, 5, 5], &Device::flex());
    let once = gradient(&x, &cotangent, |x| apply(&conv, x));
    let twice = gradient(&x, &cotangent, |x| {
        apply(&conv, x.clone()) + apply(&conv, x)
    });
    let doubled: Vec<f32> = once.iter().map(|g| 2.0 * g).collect();
    assert!(error(&doubled, &twice) < 1e-5);
}

#[test]
fn untracked_inputs_stay_untracked() {
    let conv = Case::random(2, 2, [(1, 1), (1, 1)]).frozen();
    let y = apply(&conv, random([1, 2, 4, 4], &Device::flex().autodiff()));
    assert!(!y.is_require_grad());
    assert!(conv.0.backward.get().is_none());
}

#[test]
fn strided_inputs_are_read_right() {
    let case = Case::random(3, 2, [(1, 1), (1, 1)]);
    let whole = random([3, 6, 5, 4], &Device::flex());
    let view = whole.swap_dims(1, 2).slice([1..3, 1..3, 0..6, 1..4]);
    let wanted = values(case.burn(view.clone()));
    assert!(error(&wanted, &values(apply(&case.frozen(), view))) < 1e-5);
}

#[test]
fn threads_do_not_disturb_each_other() {
    let case = Case::random(20, 17, [(1, 1), (1, 1)]);
    let conv = case.frozen();
    let work = |size: usize| {
        let x = random([3, 17, size, size], &Device::flex().autodiff());
        let cotangent = random([3, 20, size, size], &Device::flex());
        let wanted = gradient(&x, &cotangent, |x| case.burn(x));
        for _ in 0..20 {
            let given = gradient(&x, &cotangent, |x| apply(&conv, x));
            assert!(error(&wanted, &given) < 1e-5);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| work(9));
        scope.spawn(|| work(16));
    });
}

#[test]
fn what_does_not_fit_is_left_to_the_caller() {
    let conv = Case::random(2, 3, [(0, 0), (0, 0)]).frozen();
    let flex = Device::flex();
    let refused = |x: Tensor<4>| conv.apply(x.into_dispatch()).is_err();
    assert!(
        refused(random([1, 2, 4, 4], &flex)),
        "another number of channels"
    );
    assert!(refused(random([1, 3, 2, 4], &flex)), "an empty output");
    assert!(
        refused(random([1, 3, 4, 4], &flex).cast(DType::F64)),
        "another type"
    );
    let flat = Tensor::<3>::zeros([3, 4, 4], &flex);
    assert!(conv.apply(flat.into_dispatch()).is_err(), "another rank");
    assert!(!refused(random([1, 3, 4, 4], &flex)));
}

#[test]
fn only_plain_three_by_three_with_enough_channels_is_supported() {
    let window = Window {
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [(1, 1), (1, 1)],
    };
    assert!(FrozenConv::supports([64, 64, 3, 3], &window, 1));
    assert!(FrozenConv::supports([32, 3, 3, 3], &window, 1));
    assert!(!FrozenConv::supports([2, 3, 3, 3], &window, 1));
    assert!(!FrozenConv::supports([0, 64, 3, 3], &window, 1));
    assert!(!FrozenConv::supports([64, 32, 3, 3], &window, 2));
    let strided = Window {
        stride: [2, 1],
        ..window.clone()
    };
    assert!(!FrozenConv::supports([64, 64, 3, 3], &strided, 1));
    let dilated = Window {
        dilation: [1, 2],
        ..window.clone()
    };
    assert!(!FrozenConv::supports([64, 64, 3, 3], &dilated, 1));
    let pointwise = Window {
        kernel: [1, 1],
        ..window
    };
    assert!(!FrozenConv::supports([64, 64, 1, 1], &pointwise, 1));
}
