//! A space of images: the way into it, and the exact way back.

/// A map of images that can be undone, whatever its numbers are; with all of them 0 it changes
/// nothing.
///
/// First each channel goes through a curve that leaves 0 and 1 where they are, `x / (x + (1 - x)
/// exp(-a))`, of which the one with `-a` is the inverse. Then come steps of lifting: each adds to
/// some of the values a weighted sum of others, which it leaves as they are, so that to subtract the
/// sum undoes it. To the pixels on the even fields of a chequerboard is added what all channels have
/// above, below, to the left and to the right of them; to those on the odd fields likewise; then to
/// one channel after the other what the other channels have there. Beyond the edge there is nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space<'a> {
    shape: [usize; 3],
    /// The `a` of each channel, then the weights of each step.
    numbers: &'a [f32],
}

/// Which values are added to which others.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The neighbours of each pixel whose row and column make this remainder by 2.
    Around(usize),
    /// The other channels of this one.
    Channel(usize),
}

/// Values that are added to others with one weight.
struct Line {
    to: usize,
    from: usize,
    count: usize,
    stride: usize,
    weight: usize,
}

impl Line {
    /// The places of the values, to and from.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (to, from) = (self.to, self.from);
        (0..self.count * self.stride)
            .step_by(self.stride)
            .map(move |by| (to + by, from + by))
    }
}

/// How many numbers a space of images with so many channels has.
pub(super) const fn count(channels: usize) -> usize {
    // A curve for each channel, four neighbours twice, and the other channels of each.
    channels + 8 * channels * channels + channels * (channels - 1)
}

/// The steps, each with the place of its first weight.
fn steps(channels: usize) -> impl DoubleEndedIterator<Item = (Step, usize)> {
    let around = 4 * channels * channels;
    (0..2 + channels).map(move |place| match place {
        0 | 1 => (Step::Around(place), channels + place * around),
        _ => {
            let channel = place - 2;
            let first = channels + 2 * around + channel * (channels - 1);
            (Step::Channel(channel), first)
        }
    })
}

impl<'a> Space<'a> {
    /// The space of images of `shape` that these numbers say; there are [`count`] of them.
    pub fn new(shape: [usize; 3], numbers: &'a [f32]) -> Self {
        Self { shape, numbers }
    }

    /// Calls `see` with the lines of a step.
    fn lines(&self, (step, first): (Step, usize), mut see: impl FnMut(&Line)) {
        let [channels, height, width] = self.shape;
        let plane = height * width;
        match step {
            Step::Channel(to) => {
                let others = (0..channels).filter(|&from| from != to);
                for (place, from) in others.enumerate() {
                    see(&Line {
                        to: to * plane,
                        from: from * plane,
                        count: plane,
                        stride: 1,
                        weight: first + place,
                    });
                }
            }
            Step::Around(remainder) => {
                for row in 0..height {
                    let column = (row + remainder) % 2;
                    // How far the neighbour is, and the columns that have one.
                    let sides = [
                        (row > 0).then_some((-1, 0, column..width)),
                        (row + 1 < height).then_some((1, 0, column..width)),
                        Some((0, -1, column + 2 * usize::from(column == 0)..width)),
                        Some((0, 1, column..width - 1)),
                    ];
                    for pair in 0..channels * channels {
                        let (to, from) = (pair / channels * plane, pair % channels * plane);
                        for (side, at) in sides.iter().enumerate() {
                            let Some((down, right, columns)) = at else {
                                continue;
                            };
                            let place = row * width + columns.start;
                            let beside = place
                                .wrapping_add_signed(down * width as isize)
                                .wrapping_add_signed(*right);
                            see(&Line {
                                to: to + place,
                                from: from + beside,
                                count: columns.len().div_ceil(2),
                                stride: 2,
                                weight: first + 4 * pair + side,
                            });
                        }
                    }
                }
            }
        }
    }

    /// Adds what a step adds, `sign` times.
    fn lift(&self, step: (Step, usize), sign: f32, values: &mut [f32]) {
        self.lines(step, |line| {
            let weight = sign * self.numbers[line.weight];
            for (to, from) in line.places() {
                values[to] += weight * values[from];
            }
        });
    }

    /// Takes slopes along the values that [`Self::lift`] has given back to those before it, adds up
    /// those along the weights, and undoes it.
    fn pull(
        &self,
        step: (Step, usize),
        sign: f32,
        (values, slopes): (&mut [f32], &mut [f32]),
        total: &mut [f64],
    ) {
        self.lines(step, |line| {
            let weight = sign * self.numbers[line.weight];
            let mut along = 0.0;
            for (to, from) in line.places() {
                along += slopes[to] * values[from];
                slopes[from] += weight * slopes[to];
            }
            total[line.weight] += f64::from(sign * along);
        });
        self.lift(step, -sign, values);
    }

    /// Calls `see` with each value's place, and `exp(-a)` of its channel and the channel.
    fn curves(&self, mut see: impl FnMut(usize, f32, usize)) {
        let [channels, height, width] = self.shape;
        for channel in 0..channels {
            let bend = (-self.numbers[channel]).exp();
            let plane = channel * height * width..(channel + 1) * height * width;
            plane.for_each(|place| see(place, bend, channel));
        }
    }

    /// An image in [0, 1], led into the space.
    pub fn inside(&self, image: &[f32]) -> Vec<f32> {
        let mut values = image.to_vec();
        self.curves(|place, bend, _| values[place] = curve(values[place], bend));
        for step in steps(self.shape[0]) {
            self.lift(step, 1.0, &mut values);
        }
        values
    }

    /// Values of the space, led back to an image; what lies outside [0, 1] before the last curve
    /// ([`Self::unlifted`]) is brought to its ends.
    pub fn outside(&self, unlifted: &[f32]) -> Vec<f32> {
        let mut image = unlifted.to_vec();
        self.curves(|place, bend, _| {
            image[place] = curve(image[place].clamp(0.0, 1.0), bend.recip());
        });
        image
    }

    /// Values of the space, led back but for the curves.
    pub fn unlifted(&self, mut values: Vec<f32>) -> Vec<f32> {
        for step in steps(self.shape[0]).rev() {
            self.lift(step, -1.0, &mut values);
        }
        values
    }

    /// The slopes along values of the space, from those along the image that they lead to; adds to
    /// `total` those along the numbers. `unlifted` are the values, led back but for the curves. A
    /// value outside [0, 1] has no slope.
    pub fn pull_outside(
        &self,
        mut unlifted: Vec<f32>,
        mut slopes: Vec<f32>,
        total: &mut [f64],
    ) -> Vec<f32> {
        self.curves(|place, bend, channel| {
            let value = unlifted[place];
            if (0.0..=1.0).contains(&value) {
                let pixel = curve(value, bend.recip());
                total[channel] -= f64::from(slopes[place] * pixel * (1.0 - pixel));
                slopes[place] *= steepness(value, bend.recip());
            } else {
                slopes[place] = 0.0;
            }
        });
        for step in steps(self.shape[0]) {
            self.pull(step, -1.0, (&mut unlifted, &mut slopes), total);
        }
        slopes
    }

    /// Adds to `total` the slopes along the numbers, from those along the values of the space that
    /// an image led to.
    pub fn pull_inside(&self, mut values: Vec<f32>, mut slopes: Vec<f32>, total: &mut [f64]) {
        for step in steps(self.shape[0]).rev() {
            self.pull(step, 1.0, (&mut values, &mut slopes), total);
        }
        self.curves(|place, _, channel| {
            let value = values[place];
            total[channel] += f64::from(slopes[place] * value * (1.0 - value));
        });
    }
}

/// The curve, of which `bend` is `exp(-a)`.
fn curve(x: f32, bend: f32) -> f32 {
    x / (x + (1.0 - x) * bend)
}

/// How steep the curve is.
fn steepness(x: f32, bend: f32) -> f32 {
    bend / (x + (1.0 - x) * bend).powi(2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::transformation::test::uneven;
    use super::*;

    fn image(shape: [usize; 3]) -> Vec<f32> {
        let values = uneven(shape.iter().product(), 0.2).into_iter();
        values.map(|u| 0.5 * (u + 1.0)).collect()
    }

    fn there_and_back(space: &Space<'_>, image: &[f32]) -> Vec<f32> {
        space.outside(&space.unlifted(space.inside(image)))
    }

    #[test]
    fn nothing_is_changed_by_numbers_of_0() {
        let shape = [3, 5, 4];
        let numbers = vec![0.0; count(3)];
        let image = image(shape);
        let inside = Space::new(shape, &numbers).inside(&image);
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(inside.iter().zip(&image).all(near));
    }

    #[test]
    fn a_weight_adds_the_neighbour_that_it_is_for() {
        let shape = [2, 4, 3];
        let mut numbers = vec![0.0; count(2)];
        // To the even fields of the second channel, what the first has below: behind two curves,
        // the third pair of channels, the second side.
        numbers[2 + 4 * 2 + 1] = 0.5;
        let image = image(shape);
        let inside = Space::new(shape, &numbers).inside(&image);
        let at = |values: &[f32], channel: usize, row: usize, column: usize| {
            values[channel * 12 + row * 3 + column]
        };
        for (row, column) in (0..4).flat_map(|row| (0..3).map(move |column| (row, column))) {
            let below = if row < 3 && (row + column) % 2 == 0 {
                0.5 * at(&image, 0, row + 1, column)
            } else {
                0.0
            };
            let added = at(&inside, 1, row, column) - at(&image, 1, row, column);
            assert!((added - below).abs() < 1e-6, "{row} {column}");
            assert!((at(&inside, 0, row, column) - at(&image, 0, row, column)).abs() < 1e-6);
        }
    }

    proptest! {
        #[test]
        fn the_way_back_undoes_the_way_in(
            channels in 1_usize..4,
            height in 1_usize..7,
            width in 1_usize..7,
            seed in 0.0_f32..100.0,
            size in 0.0_f32..0.3,
        ) {
            let shape = [channels, height, width];
            let numbers: Vec<f32> = uneven(count(channels), seed).iter().map(|n| size * n).collect();
            let image = image(shape);
            let back = there_and_back(&Space::new(shape, &numbers), &image);
            for (after, before) in back.iter().zip(&image) {
                prop_assert!((after - before).abs() < 1e-5, "{after} {before}");
            }
        }
    }
}
