use super::*;

fn set(count: usize, seed: u64, size: usize, channels: usize) -> Images {
    signs(&SignOptions {
        count,
        seed,
        size,
        channels,
    })
    .unwrap()
}

fn labels(images: &Images) -> &[usize] {
    images.labels().unwrap()
}

/// Mean over the images of one class, `[channels, height, width]`.
fn class_mean(images: &Images, class: usize) -> Vec<f64> {
    let mut sum = vec![0.0; images.shape().values()];
    let mut members = 0.0;
    for (index, _) in labels(images)
        .iter()
        .enumerate()
        .filter(|(_, label)| **label == class)
    {
        members += 1.0;
        for (total, value) in sum.iter_mut().zip(images.image(index)) {
            *total += f64::from(*value);
        }
    }
    sum.into_iter().map(|total| total / members).collect()
}

fn squared_distance(image: &[f32], mean: &[f64]) -> f64 {
    image
        .iter()
        .zip(mean)
        .map(|(a, b)| (f64::from(*a) - b).powi(2))
        .sum()
}

#[test]
fn same_seed_same_bytes_whatever_the_threads() {
    let with_threads = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| set(100, 7, 32, 3))
    };
    let once = with_threads(1);
    assert_eq!(once, with_threads(3));
    assert_eq!(once, set(100, 7, 32, 3));
}

#[test]
fn other_seeds_give_other_images_and_another_order() {
    let (first, second) = (set(120, 1, 32, 3), set(120, 2, 32, 3));
    assert_ne!(labels(&first), labels(&second));
    for index in 0..first.len() {
        assert_ne!(first.image(index), second.image(index));
    }
}

#[test]
fn no_image_comes_twice() {
    let images = set(240, 3, 16, 1);
    for index in 1..images.len() {
        assert!((0..index).all(|earlier| images.image(earlier) != images.image(index)));
    }
}

#[test]
fn classes_are_balanced_named_and_in_shuffled_order() {
    let images = set(126, 5, 32, 3);
    let counts: Vec<usize> = (0..12)
        .map(|class| {
            labels(&images)
                .iter()
                .filter(|label| **label == class)
                .count()
        })
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 126);
    assert!(counts.iter().all(|count| matches!(count, 10 | 11)));
    assert_eq!(images.class_names().len(), 12);
    let in_table_order = (0..126)
        .filter(|index| labels(&images)[*index] == index % 12)
        .count();
    assert!(
        in_table_order < 40,
        "{in_table_order} of 126 labels are where they were before shuffling"
    );
}

#[test]
fn pixels_are_eight_bit_values_that_use_the_range() {
    for channels in [1, 3] {
        let images = set(60, 11, 28, channels);
        assert_eq!(images.pixels().len(), 60 * channels * 28 * 28);
        let mut seen = [false; 256];
        for &value in images.pixels() {
            let step = (value * 255.0).round();
            assert_eq!(value, step / 255.0);
            seen[step as usize] = true;
        }
        assert!(seen.into_iter().filter(|seen| *seen).count() > 250);
    }
}

#[test]
fn sizes_and_channels_are_as_asked_or_refused() {
    for size in [16, 17, 28, 64] {
        let shape = set(3, 0, size, 1).shape();
        assert_eq!((shape.channels, shape.height, shape.width), (1, size, size));
    }
    assert!(set(0, 0, 32, 3).is_empty());
    let refused = |count, size, channels| {
        signs(&SignOptions {
            count,
            seed: 0,
            size,
            channels,
        })
        .unwrap_err()
    };
    assert!(matches!(refused(1, 15, 3), SignError::TooSmall(15)));
    assert!(matches!(refused(1, 32, 2), SignError::Channels(2)));
    assert!(matches!(
        refused(usize::MAX, 32, 3),
        SignError::TooLarge { .. }
    ));
    assert!(matches!(
        refused(1, usize::MAX, 3),
        SignError::TooLarge { .. }
    ));
}

/// Class means tell classes apart better than chance, but place, turn and light keep them far from
/// enough.
#[test]
fn the_nearest_class_mean_is_better_than_chance_and_far_from_right() {
    for channels in [1, 3] {
        let (train, test) = (set(2400, 21, 32, channels), set(600, 22, 32, channels));
        let means: Vec<Vec<f64>> = (0..12).map(|class| class_mean(&train, class)).collect();
        for (index, mean) in means.iter().enumerate() {
            for other in &means[..index] {
                let rms = mean
                    .iter()
                    .zip(other)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>()
                    / mean.len() as f64;
                assert!(rms.sqrt() > 0.01, "two class means are nearly equal");
            }
        }
        let right = (0..test.len())
            .filter(|&index| {
                let distances = means
                    .iter()
                    .map(|mean| squared_distance(test.image(index), mean));
                let nearest = distances
                    .enumerate()
                    .min_by(|(_, a), (_, b)| a.total_cmp(b));
                nearest.map(|(class, _)| class) == Some(labels(&test)[index])
            })
            .count();
        let accuracy = right as f64 / test.len() as f64;
        assert!(
            (0.14..0.6).contains(&accuracy),
            "{channels} channels: accuracy {accuracy}"
        );
    }
}

/// Within each class every pixel varies, and so does the brightness of whole images.
#[test]
fn images_of_one_class_vary() {
    let images = set(1200, 31, 32, 3);
    for class in 0..12 {
        let members: Vec<&[f32]> = (0..images.len())
            .filter(|index| labels(&images)[*index] == class)
            .map(|index| images.image(index))
            .collect();
        let deviation = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (values
                .iter()
                .map(|value| (value - mean).powi(2))
                .sum::<f64>()
                / values.len() as f64)
                .sqrt()
        };
        let plane = images.shape().height * images.shape().width;
        for pixel in 0..plane {
            let grey: Vec<f64> = members
                .iter()
                .map(|image| {
                    (0..3)
                        .map(|channel| f64::from(image[channel * plane + pixel]))
                        .sum::<f64>()
                        / 3.0
                })
                .collect();
            assert!(
                deviation(&grey) > 0.1,
                "class {class}, pixel {pixel} hardly varies"
            );
        }
        let brightness: Vec<f64> = members
            .iter()
            .map(|image| {
                image.iter().map(|value| f64::from(*value)).sum::<f64>() / image.len() as f64
            })
            .collect();
        assert!(
            deviation(&brightness) > 0.05,
            "class {class} is always equally bright"
        );
    }
}
