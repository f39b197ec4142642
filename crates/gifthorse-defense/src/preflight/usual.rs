//! The preprocessings that trained models usually expect.

use gifthorse_engine::{Channels, Classifier, PixelRange, Preprocess};

/// Mean and standard deviation of each channel, red first, in units of [0, 1].
type Normalisation = ([f32; 3], [f32; 3]);

/// Photographs of the ImageNet training set.
const IMAGENET: Normalisation = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
/// CIFAR-10, with the deviation over all pixels,
const CIFAR: Normalisation = ([0.4914, 0.4822, 0.4465], [0.247, 0.243, 0.261]);
/// and with the mean of the images' own deviations, which is as common.
const CIFAR_BY_IMAGE: Normalisation = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201]);
/// MNIST.
const MNIST: (f32, f32) = (0.1307, 0.3081);
/// What the first ImageNet models take off pixels from 0 to 255, blue first; they divide by
/// nothing.
const CAFFE: [f32; 3] = [103.939, 116.779, 123.68];

/// The usual preprocessings that do something else than the classifier's own: the three ranges, the
/// normalisations of ImageNet, CIFAR-10 or MNIST, and for colour each with red first and with blue
/// first.
///
/// (0.5, 0.5) on [0, 1] is the range -1 to 1, and so not listed again. The layout stays the
/// classifier's.
pub fn usual_preprocessings(classifier: &Classifier) -> Vec<Preprocess> {
    let channels = classifier.shape()[0];
    let current = classifier.preprocess();
    let mut distinct: Vec<Preprocess> = Vec::new();
    for candidate in candidates(channels) {
        let candidate = Preprocess {
            layout: current.layout,
            ..candidate
        };
        let known = std::iter::once(current).chain(&distinct);
        if !known
            .into_iter()
            .any(|known| same(known, &candidate, channels))
        {
            distinct.push(candidate);
        }
    }
    distinct
}

fn candidates(channels: usize) -> Vec<Preprocess> {
    let ranges = [PixelRange::Unit, PixelRange::Byte, PixelRange::Signed];
    let plain = ranges.map(|range| Preprocess {
        range,
        ..Preprocess::default()
    });
    if channels == 1 {
        let mnist = Preprocess {
            mean: vec![MNIST.0],
            std: vec![MNIST.1],
            ..Preprocess::default()
        };
        return plain.into_iter().chain([mnist]).collect();
    }
    let normalised = [IMAGENET, CIFAR, CIFAR_BY_IMAGE].map(|(mean, std)| Preprocess {
        mean: mean.to_vec(),
        std: std.to_vec(),
        ..Preprocess::default()
    });
    let red_first: Vec<Preprocess> = plain.into_iter().chain(normalised).collect();
    let caffe = Preprocess {
        range: PixelRange::Byte,
        mean: CAFFE.to_vec(),
        channels: Channels::Bgr,
        ..Preprocess::default()
    };
    let blue_first: Vec<Preprocess> = red_first.iter().map(blue_first).collect();
    red_first
        .into_iter()
        .chain(blue_first)
        .chain([caffe])
        .collect()
}

/// The same with the channels in the other order, each with its own mean and deviation.
fn blue_first(preprocess: &Preprocess) -> Preprocess {
    let reversed = |values: &[f32]| values.iter().rev().copied().collect();
    Preprocess {
        mean: reversed(&preprocess.mean),
        std: reversed(&preprocess.std),
        channels: Channels::Bgr,
        ..preprocess.clone()
    }
}

/// Whether two preprocessings do the same to every image, but for rounding.
fn same(a: &Preprocess, b: &Preprocess, channels: usize) -> bool {
    let close = |a: Vec<f32>, b: Vec<f32>| {
        let pairs = a.into_iter().zip(b);
        pairs
            .into_iter()
            .all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs().max(1.0))
    };
    let (scale_a, offset_a) = a.affine(channels);
    let (scale_b, offset_b) = b.affine(channels);
    (channels == 1 || a.channels == b.channels)
        && close(scale_a, scale_b)
        && close(offset_a, offset_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_signed_range() {
        let halves = Preprocess {
            mean: vec![0.5],
            std: vec![0.5],
            ..Preprocess::default()
        };
        let signed = Preprocess {
            range: PixelRange::Signed,
            ..Preprocess::default()
        };
        assert!(same(&halves, &signed, 3));
        assert!(!same(&Preprocess::default(), &signed, 3));
        assert!(!same(&signed, &blue_first(&signed), 3));
        assert!(same(&signed, &blue_first(&signed), 1));
    }

    #[test]
    fn no_two_candidates_are_the_same() {
        for (channels, count) in [(1, 4), (3, 13)] {
            let all = candidates(channels);
            assert_eq!(all.len(), count);
            for (i, a) in all.iter().enumerate() {
                assert!(all[..i].iter().all(|b| !same(a, b, channels)), "{a:?}");
                assert!(a.check(channels).is_ok());
            }
        }
    }
}
