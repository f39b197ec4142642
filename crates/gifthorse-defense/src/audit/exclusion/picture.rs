//! A picture as the linear classifier sees it.

use gifthorse_data::ImageShape;

/// Numbers that a picture is made small to, at most.
const NUMBERS: usize = 200;

/// A picture made small, less its mean and in units of its own contrast, and a 1 behind it.
pub(super) fn small(pixels: &[f32], shape: ImageShape) -> Vec<f32> {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    let side = (1..)
        .take_while(|side| channels * side * side <= NUMBERS)
        .last()
        .unwrap_or(1);
    let (rows, columns) = (side.min(height), side.min(width));
    let cells = rows * columns;
    let mut sums = vec![0.0f32; channels * cells];
    let mut counts = vec![0.0f32; channels * cells];
    for (at, &pixel) in pixels.iter().enumerate() {
        let (channel, y, x) = (at / (height * width), at / width % height, at % width);
        let cell = channel * cells + y * rows / height * columns + x * columns / width;
        sums[cell] += pixel;
        counts[cell] += 1.0;
    }
    let mut picture: Vec<f32> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| sum / count)
        .collect();
    let count = picture.len() as f32;
    let mean = picture.iter().sum::<f32>() / count;
    let variance = picture
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f32>()
        / count;
    // A thousandth of the range, below which there is nothing to be seen.
    let contrast = variance.sqrt() + 1e-3;
    picture
        .iter_mut()
        .for_each(|value| *value = (*value - mean) / contrast);
    picture.push(1.0);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 8,
        width: 8,
    };

    #[test]
    fn a_small_picture_says_nothing_of_light() {
        let dark: Vec<f32> = (0..64).map(|at| 0.2 + 0.002 * at as f32).collect();
        let light: Vec<f32> = dark.iter().map(|value| 3.0 * value - 0.3).collect();
        let [dark, light] = [dark, light].map(|pixels| small(&pixels, SHAPE));
        assert_eq!((dark.len(), dark[64]), (65, 1.0));
        assert!(dark.iter().zip(&light).all(|(a, b)| (a - b).abs() < 0.05));
        let shape = ImageShape {
            channels: 3,
            height: 224,
            width: 100,
        };
        assert_eq!(small(&vec![0.5; shape.values()], shape).len(), 3 * 64 + 1);
    }
}
