use proptest::prelude::*;

use super::*;
use crate::kernels::convolutions::gather_conv::bench;
use crate::kernels::convolutions::naive;
use crate::kernels::window::Window;
use crate::testing::{difference, fused, numbers, run};

fn any_depthwise() -> impl Strategy<Value = ConvSpec> {
    let size = (1usize..=24, 1usize..=24, 1usize..=40);
    (size, naive::any_window(), any::<bool>()).prop_filter_map(
        "no window fits",
        |((height, width, channels), window, turn)| {
            let spec = naive::convolution([height, width, channels], channels, window, channels)?;
            Some(if turn { naive::transposed(spec) } else { spec })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_depthwise_convolution_is_as_defined(
        spec in any_depthwise(),
        samples in 1usize..=3,
        seed in 0u64..1000,
    ) {
        let weight = numbers(spec.weight_length(), seed);
        let bias = numbers(spec.output.channels, seed + 1);
        let input = numbers(samples * spec.input.elements(), seed + 2);
        let cotangent = numbers(samples * spec.output.elements(), seed + 3);
        let wanted = naive::forward(&spec, samples, &weight, Some(&bias), &input);
        let wanted_back = naive::backward(&spec, samples, &weight, &cotangent);
        for isa in Isa::available() {
            let mut kernel = Depthwise::new(&spec, &weight, Some(&bias));
            kernel.isa = isa;
            let (output, gradients) = run(&kernel, samples, std::slice::from_ref(&input), &cotangent);
            prop_assert_eq!(difference(&wanted, &output, 1e-5), None, "{:?}", isa);
            let back = difference(&wanted_back, &gradients[0], 1e-5);
            prop_assert_eq!(back, None, "backward, {:?}", isa);
        }
        let kernel = Depthwise::new(&spec, &weight, Some(&bias));
        prop_assert_eq!(fused::check(&kernel, samples, &[input], &cotangent), Ok(()));
    }
}

#[test]
#[ignore = "measures speed"]
fn speed_of_depthwise_convolutions() {
    let window = |kernel: usize, stride: usize| Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [(kernel / 2, kernel / 2); 2],
    };
    for (what, size, channels, window, samples) in [
        ("depthwise 3x3 s1 32 @112", 112, 32, window(3, 1), 2),
        ("depthwise 3x3 s2 96 @112", 112, 96, window(3, 2), 2),
        ("depthwise 3x3 s1 144 @56", 56, 144, window(3, 1), 4),
        ("depthwise 3x3 s1 192 @28", 28, 192, window(3, 1), 8),
        ("depthwise 3x3 s1 576 @14", 14, 576, window(3, 1), 1),
        ("depthwise 3x3 s1 960 @7", 7, 960, window(3, 1), 1),
        ("depthwise 7x7 s1 96 @56", 56, 96, window(7, 1), 1),
    ] {
        let spec = naive::convolution([size, size, channels], channels, window, channels).unwrap();
        let kernel = Depthwise::new(&spec, &numbers(spec.weight_length(), 3), None);
        bench::measure(what, &kernel, &spec, samples);
    }
}
