//! What a layer gives for an image, pooled.

use gifthorse_engine::Layer;

/// Parts that the height and the width of a map are cut into, the most that leave no more numbers
/// than there may be.
const PARTS: [usize; 3] = [4, 2, 1];
/// Numbers that are left of an image, at most; a layer of more channels is seen channel by channel.
const MOST: usize = 512;

/// Which of the pooled numbers each number of a layer's value goes into: channels by themselves, and
/// of maps of few channels each part.
pub(super) struct Places {
    of_value: Vec<usize>,
    /// How many numbers go into each.
    counts: Vec<f64>,
}

impl Places {
    pub fn of(layer: &Layer) -> Self {
        let size: usize = layer.shape().iter().product();
        let channels = layer.channels().max(1);
        let behind = layer.shape().get(layer.channel_axis()..);
        let inner = behind.unwrap_or_default().iter().product::<usize>().max(1);
        let (cells, cell_of) = cells(layer.shape());
        let place = |value: usize| {
            let channel = value / inner % channels;
            channel * cells + cell_of.get(value % inner).copied().unwrap_or_default()
        };
        let of_value: Vec<usize> = (0..size).map(place).collect();
        let mut counts = vec![0.0; channels * cells];
        for &place in &of_value {
            counts[place] += 1.0;
        }
        Self { of_value, counts }
    }

    /// How many numbers are left of an image.
    pub fn numbers(&self) -> usize {
        self.counts.len()
    }

    /// What is left of one of the images of a layer's values, `[images, ...]`.
    pub fn pooled(&self, values: &[f32], image: usize) -> Vec<f32> {
        let size = self.of_value.len();
        let mut sums = vec![0.0f64; self.numbers()];
        let values = values.get(image * size..(image + 1) * size);
        for (value, &place) in values.unwrap_or_default().iter().zip(&self.of_value) {
            sums[place] += f64::from(*value);
        }
        let means = sums.iter().zip(&self.counts);
        means.map(|(sum, count)| (sum / count) as f32).collect()
    }
}

/// The number of parts that a map `[channels, height, width]` is cut into, and the part of each
/// place; one part for what is no map or has many channels.
fn cells(shape: &[usize]) -> (usize, Vec<usize>) {
    let &[channels, height, width] = shape else {
        return (1, Vec::new());
    };
    let parts = PARTS
        .into_iter()
        .find(|parts| channels * parts * parts <= MOST);
    let parts = parts.unwrap_or(1);
    let (rows, columns) = (parts.min(height), parts.min(width));
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let cell = |(y, x): (usize, usize)| y * rows / height * columns + x * columns / width;
    (rows * columns, places.map(cell).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_few_channels_is_cut_into_parts() {
        let (count, of) = cells(&[100, 2, 4]);
        assert_eq!((count, of), (4, vec![0, 0, 1, 1, 2, 2, 3, 3]));
        assert_eq!(cells(&[100, 1, 3]), (2, vec![0, 0, 1]));
        let counts = [32, 33, 128, 129].map(|channels| cells(&[channels, 8, 8]).0);
        assert_eq!(counts, [16, 4, 4, 1]);
        assert_eq!(cells(&[12]).0, 1);
    }
}
