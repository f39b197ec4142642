use gifthorse_engine::{Array, Device, PixelRange};
use half::{bf16, f16};
use proptest::prelude::*;

use super::*;

/// What the engine makes of images `[1, channels, height, width]`, in the layout of a tensor.
fn forward(pixels: &[f32], image: [usize; 3], preprocess: &Preprocess, layout: Layout) -> Vec<f32> {
    let [channels, height, width] = image;
    let device = Device::default();
    let pixels = Array::from_vec(pixels.to_vec(), &[1, channels, height, width], &device);
    let raw = preprocess.apply(pixels).into_vec();
    match layout {
        Layout::Nchw => raw,
        Layout::Nhwc => {
            let plane = height * width;
            let place = |at: usize| raw[at % channels * plane + at / channels];
            (0..raw.len()).map(place).collect()
        }
    }
}

fn preprocessing(channels: usize) -> impl Strategy<Value = Preprocess> {
    let range = prop_oneof![
        Just(PixelRange::Unit),
        Just(PixelRange::Byte),
        Just(PixelRange::Signed)
    ];
    let order = prop_oneof![Just(Channels::Rgb), Just(Channels::Bgr)];
    let mean = prop::collection::vec(-1.0f32..1.0, channels);
    let std = prop::collection::vec(0.1f32..2.0, channels);
    (range, order, mean, std).prop_map(|(range, channels, mean, std)| Preprocess {
        range,
        mean,
        std,
        channels,
        layout: None,
    })
}

proptest! {
    #[test]
    fn undoes_what_the_engine_does(
        preprocess in preprocessing(3),
        is_nhwc in any::<bool>(),
        pixels in prop::collection::vec(0.0f32..=1.0, 3 * 2 * 4),
    ) {
        let (layout, shape) = if is_nhwc {
            (Layout::Nhwc, [1, 2, 4, 3])
        } else {
            (Layout::Nchw, [1, 3, 2, 4])
        };
        let raw = forward(&pixels, [3, 2, 4], &preprocess, layout);
        let form = Form::new([3, 2, 4], &preprocess, layout).unwrap();
        let back = form.images(&shape, &raw).unwrap();
        for (pixel, back) in pixels.iter().zip(back) {
            prop_assert!((pixel - back).abs() < 1e-4, "{pixel} became {back}");
        }
    }

    #[test]
    fn rounding_to_16_bits_is_no_reason_to_refuse(
        pixels in prop::collection::vec(prop_oneof![Just(0.0f32), Just(1.0), 0.0f32..=1.0], 3),
    ) {
        let preprocess = imagenet();
        let raw = forward(&pixels, [3, 1, 1], &preprocess, Layout::Nchw);
        let form = Form::new([3, 1, 1], &preprocess, Layout::Nchw).unwrap();
        let halves: Vec<f32> = raw.iter().map(|&number| f16::from_f32(number).to_f32()).collect();
        let brains: Vec<f32> = raw.iter().map(|&number| bf16::from_f32(number).to_f32()).collect();
        for rounded in [halves, brains] {
            let back = form.images(&[1, 3, 1, 1], &rounded).unwrap();
            for (pixel, back) in pixels.iter().zip(back) {
                prop_assert!((0.0..=1.0).contains(&back) && (pixel - back).abs() < 1.0 / 255.0);
            }
        }
    }
}

fn imagenet() -> Preprocess {
    Preprocess {
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
        ..Preprocess::default()
    }
}

#[test]
fn a_grey_image_comes_back_and_colours_do_not() {
    let preprocess = Preprocess {
        channels: Channels::Grey,
        ..imagenet()
    };
    let form = Form::new([3, 1, 2], &preprocess, Layout::Nchw).unwrap();
    let grey = [0.2, 0.7, 0.2, 0.7, 0.2, 0.7];
    let raw = forward(&grey, [3, 1, 2], &preprocess, Layout::Nchw);
    let back = form.images(&[1, 3, 1, 2], &raw).unwrap();
    assert!(grey.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-5));

    // What the engine never gives for grey: other planes.
    let colours = forward(
        &[0.2, 0.7, 0.3, 0.7, 0.2, 0.7],
        [3, 1, 2],
        &imagenet(),
        Layout::Nchw,
    );
    let error = form.images(&[1, 3, 1, 2], &colours).unwrap_err();
    assert!(error.to_string().contains("grey"), "{error}");
}

#[test]
fn several_images_and_one_without_a_batch_axis() {
    let form = Form::new([1, 1, 2], &Preprocess::default(), Layout::Nhwc).unwrap();
    let two = form.images(&[2, 1, 2, 1], &[0.0, 0.25, 0.5, 1.0]).unwrap();
    assert_eq!(two, [0.0, 0.25, 0.5, 1.0]);
    for shape in [&[1, 2, 1][..], &[1, 1, 2], &[1, 2]] {
        assert_eq!(form.images(shape, &[0.5, 1.0]).unwrap(), [0.5, 1.0]);
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let form = Form::new([1, 1, 2], &Preprocess::default(), Layout::Nchw).unwrap();
    for (shape, numbers, says) in [
        (&[1, 1, 2, 1][..], &[0.0, 0.0][..], "shape"),
        (&[2, 1], &[0.0, 0.0], "shape"),
        (&[], &[0.0, 0.0], "shape"),
        (&[1, 1, 1, 2], &[0.0, 0.0, 0.0], "3 numbers"),
        (&[usize::MAX, 1, 1, 2], &[0.0, 0.0], "2 numbers"),
        (&[1, 1, 1, 2], &[0.0, 1.01], "outside"),
        (&[1, 1, 1, 2], &[-0.01, 1.0], "outside"),
        (&[1, 1, 1, 2], &[f32::NAN, 1.0], "outside"),
        (&[1, 1, 1, 2], &[f32::INFINITY, 1.0], "outside"),
    ] {
        let error = form.images(shape, numbers).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(
        form.images(&[1, 1, 1, 2], &[1.001, -0.001]).unwrap(),
        [1.0, 0.0]
    );
}

#[test]
fn preprocessing_that_does_not_fit_is_told() {
    let preprocess = Preprocess {
        std: vec![0.0],
        ..Preprocess::default()
    };
    assert!(Form::new([3, 1, 1], &preprocess, Layout::Nchw).is_err());
    assert!(Form::new([2, 1, 1], &imagenet(), Layout::Nchw).is_err());
    assert!(Form::new([3, 0, 1], &Preprocess::default(), Layout::Nchw).is_err());
}
