use burn::tensor::{DType, Device, Tensor};
use proptest::prelude::*;

use super::*;
use crate::kernels::testing::{Pair, difference, numbers, outcome, tensor};
use crate::program::Primitive;

fn window() -> impl Strategy<Value = Window> {
    let any = (
        [1usize..5, 1usize..5],
        [1usize..4, 1usize..4],
        [1usize..3, 1usize..3],
        [(0usize..3, 0usize..3), (0usize..3, 0usize..3)],
    );
    prop_oneof![
        Just(square(2, 2, 0)),
        Just(square(3, 2, 1)),
        Just(square(3, 1, 1)),
        any.prop_map(|(kernel, stride, dilation, pads)| Window {
            kernel,
            stride,
            dilation,
            pads,
        }),
    ]
}

fn square(kernel: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [(pad, pad); 2],
    }
}

fn pair(
    window: &Window,
) -> Pair<impl Fn(DispatchTensor) -> Result<DispatchTensor, DispatchTensor>> {
    let kernel = MaxPool::new(window).expect("a supported window");
    Pair {
        kernel: move |x| kernel.apply(x),
        primitive: Primitive::MaxPool(window.clone()),
        shape: vec![],
    }
}

/// Number of outputs for an input, if any window fits.
fn outputs(window: &Window, shape: [usize; 4]) -> Option<usize> {
    let sizes = MaxPool::new(window)?.plan(&shape)?;
    Some(sizes.shape(sizes.output).iter().product())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn output_and_gradient_are_those_of_the_reference(
        window in window(),
        shape in [1usize..3, 1usize..4, 2usize..14, 2usize..14],
        // Few levels make equal entries; then the first of them gets the gradient.
        levels in prop_oneof![Just(2.0f32), Just(5.0), Just(1e5)],
        odd in prop_oneof![Just(None), Just(Some(f32::NAN)), Just(Some(f32::INFINITY))],
        seed in any::<u64>(),
    ) {
        let count = shape.iter().product();
        let mut x: Vec<f32> =
            numbers(count, seed).iter().map(|v| (v * levels).round()).collect();
        if let Some(odd) = odd {
            x.iter_mut().step_by(7).for_each(|value| *value = odd);
        }
        let Some(outputs) = outputs(&window, shape) else { return Ok(()) };
        let [ours, wanted] = pair(&window).outcomes(&tensor(x, shape), &numbers(outputs, !seed));
        prop_assert_eq!(&ours.shape, &wanted.shape);
        prop_assert_eq!(difference(&wanted.output, &ours.output, 0.0), None);
        prop_assert_eq!(difference(&wanted.gradient, &ours.gradient, 1e-6), None);
    }

    #[test]
    fn gradient_is_that_of_finite_differences(window in window(), seed in any::<u64>()) {
        let shape = [1, 2, 5, 6];
        let Some(outputs) = outputs(&window, shape) else { return Ok(()) };
        // A shuffle of whole numbers: a step below a half changes no order.
        let order = numbers(60, seed);
        let rank = |v: &f32| order.iter().filter(|w| w.total_cmp(v).is_lt()).count() as f32;
        let x: Vec<f32> = order.iter().map(rank).collect();
        let cotangent = numbers(outputs, !seed);
        let pair = pair(&window);
        let loss = |x: Vec<f32>| -> f32 {
            let y = outcome(&tensor(x, shape), &cotangent, |x| pair.ours(x)).output;
            // A window in the padding altogether gives the same huge number always.
            y.iter().zip(&cotangent).filter(|(y, _)| **y >= 0.0).map(|(y, c)| y * c).sum()
        };
        let [ours, _] = pair.outcomes(&tensor(x.clone(), shape), &cotangent);
        for i in 0..60 {
            let (mut above, mut below) = (x.clone(), x.clone());
            above[i] += 0.25;
            below[i] = (below[i] - 0.25).max(0.0);
            let step = above[i] - below[i];
            let wanted = (loss(above) - loss(below)) / step;
            prop_assert!((ours.gradient[i] - wanted).abs() < 1e-2);
        }
    }
}

#[test]
fn infinite_entries_count_more_than_padding() {
    let x = tensor(vec![f32::NEG_INFINITY; 9], [1, 1, 3, 3]);
    let given = outcome(&x, &[1.0; 4], |x| pair(&square(3, 2, 1)).ours(x));
    assert_eq!(given.output, [f32::NEG_INFINITY; 4]);
    let gradient = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(given.gradient, gradient);
}

#[test]
fn strided_inputs_are_read_right() {
    let whole = tensor(numbers(2 * 3 * 6 * 5, 3), [2, 3, 6, 5]);
    let view = whole.swap_dims(2, 3).slice([1..2, 0..3, 1..5, 0..6]);
    let copied: Vec<f32> = view.to_data().iter::<f32>().collect();
    let window = square(2, 2, 0);
    let pair = pair(&window);
    let given = pair.ours(crate::array::Array::from_tensor(view)).into_vec();
    let copied = crate::array::Array::from_tensor(tensor(copied, [1, 3, 4, 6]));
    assert_eq!(given, pair.reference(copied).into_vec());
}

#[test]
fn what_does_not_fit_is_given_back() {
    assert!(MaxPool::new(&square(15, 1, 0)).is_some());
    assert!(MaxPool::new(&square(16, 1, 0)).is_none());
    assert!(MaxPool::new(&square(2, 0, 0)).is_none());
    let kernel = MaxPool::new(&square(3, 2, 0)).expect("supported");
    let refused = |x: Tensor<4>| kernel.apply(x.into_dispatch()).is_err();
    assert!(
        refused(tensor(vec![0.0; 4], [1, 1, 2, 2])),
        "no window fits"
    );
    assert!(refused(tensor(vec![0.0; 9], [1, 1, 3, 3]).cast(DType::F64)));
    let flat = Tensor::<3>::zeros([3, 4, 4], &Device::flex());
    assert!(kernel.apply(flat.into_dispatch()).is_err(), "another rank");
    assert!(!refused(tensor(vec![0.0; 9], [1, 1, 3, 3])));
}
