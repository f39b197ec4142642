//! Sums over all pixels of a group of samples, channel by channel.
//!
//! Short stretches of pixels are summed in f32, in vectors, and the stretches in f64.

use super::rounded;
use crate::lanes::{Isa, Lane, Lanes, Task};

/// Pixels of a stretch.
const STRETCH: usize = 128;

/// Groups of channels that are summed side by side: a sum waits for the one before it, others need
/// not.
const BLOCK: usize = 4;

/// Mean of each channel, and the sum of its squared deviations from it. (With entries beyond the
/// last channel, which mean nothing.)
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    /// Numbers of each channel.
    pub(crate) count: usize,
    pub(crate) mean: Vec<f64>,
    pub(crate) squares: Vec<f64>,
}

/// Of a gradient `g` to the output of a norm with input `x`, for each channel. (With entries beyond
/// the last channel.)
#[derive(Clone, Debug)]
pub(crate) struct GradientSums {
    /// Sum of `g`.
    pub(crate) plain: Vec<f64>,
    /// Sum of `g (x - mean)`.
    pub(crate) along: Vec<f64>,
}

impl Moments {
    /// Of nothing.
    pub(crate) fn none(groups: usize) -> Self {
        Self {
            count: 0,
            mean: vec![0.0; groups * Lane::LENGTH],
            squares: vec![0.0; groups * Lane::LENGTH],
        }
    }

    /// Of values `[pixel][group of channels]`.
    pub(crate) fn of(isa: Isa, groups: usize, values: &[Lane]) -> Self {
        let mut moments = Self::none(groups);
        isa.run(Gather {
            groups,
            values,
            moments: &mut moments,
        });
        moments
    }

    /// Takes in those of other pixels (Chan, Golub and LeVeque, 1979).
    pub(crate) fn join(&mut self, other: &Self) {
        let share = Share::of(self.count, other.count);
        let own = self.mean.iter_mut().zip(&mut self.squares);
        for ((mean, squares), (m, s)) in own.zip(other.mean.iter().zip(&other.squares)) {
            share.join(mean, squares, *m, *s);
        }
        self.count += other.count;
    }
}

/// How two sets of numbers of these sizes are joined.
#[derive(Clone, Copy)]
struct Share {
    /// Share of the second in the mean.
    mean: f64,
    /// What the squared distance of the means contributes.
    squares: f64,
}

impl Share {
    fn of(first: usize, second: usize) -> Self {
        let both = (first + second).max(1) as f64;
        let mean = second as f64 / both;
        Self {
            mean,
            squares: first as f64 * mean,
        }
    }

    #[inline(always)]
    fn join(self, mean: &mut f64, squares: &mut f64, m: f64, s: f64) {
        let apart = m - *mean;
        *mean += apart * self.mean;
        *squares += s + apart * apart * self.squares;
    }
}

impl GradientSums {
    /// Of no pixels.
    pub(crate) fn none(groups: usize) -> Self {
        Self {
            plain: vec![0.0; groups * Lane::LENGTH],
            along: vec![0.0; groups * Lane::LENGTH],
        }
    }

    /// Of some of the pixels whose moments these are.
    pub(crate) fn of(isa: Isa, moments: &Moments, input: &[Lane], gradient: &[Lane]) -> Self {
        let groups = moments.mean.len() / Lane::LENGTH;
        let mut sums = Self::none(groups);
        isa.run(GatherGradient {
            moments,
            input,
            gradient,
            sums: &mut sums,
        });
        // What was taken away is the mean in f32.
        let channels = sums.along.iter_mut().zip(&sums.plain);
        for ((along, plain), mean) in channels.zip(&moments.mean) {
            *along -= rounded(*mean).1 * plain;
        }
        sums
    }

    /// Adds those of other pixels.
    pub(crate) fn join(&mut self, other: &Self) {
        let lists = [
            (&mut self.plain, &other.plain),
            (&mut self.along, &other.along),
        ];
        for (own, other) in lists {
            own.iter_mut().zip(other).for_each(|(sum, v)| *sum += v);
        }
    }
}

struct Gather<'a> {
    groups: usize,
    values: &'a [Lane],
    moments: &'a mut Moments,
}

impl Task for Gather<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for stretch in self.values.chunks(STRETCH * self.groups) {
            let count = stretch.len() / self.groups;
            let share = Share::of(self.moments.count, count);
            let mut group = 0;
            while group + BLOCK <= self.groups {
                moments_of::<L, BLOCK>(l, stretch, (self.groups, group), share, self.moments);
                group += BLOCK;
            }
            while group < self.groups {
                moments_of::<L, 1>(l, stretch, (self.groups, group), share, self.moments);
                group += 1;
            }
            self.moments.count += count;
        }
    }
}

/// Joins the moments of groups `group..group + N` of `groups`.
#[inline(always)]
fn moments_of<L: Lanes, const N: usize>(
    l: L,
    stretch: &[Lane],
    (groups, group): (usize, usize),
    share: Share,
    moments: &mut Moments,
) {
    let count = (stretch.len() / groups) as f32;
    let mut sums = [l.splat(0.0); N];
    for pixel in stretch.chunks_exact(groups) {
        for (sum, value) in sums.iter_mut().zip(&pixel[group..group + N]) {
            *sum = l.add(*sum, l.load(&value.0));
        }
    }
    // Not `map`, here and below: what it calls would not be compiled for the instruction set.
    let mut means = sums;
    for mean in &mut means {
        *mean = l.mul(*mean, l.splat(1.0 / count));
    }
    // What the rounded mean is off by.
    let mut off = [l.splat(0.0); N];
    let mut squares = [l.splat(0.0); N];
    for pixel in stretch.chunks_exact(groups) {
        for n in 0..N {
            let apart = l.sub(l.load(&pixel[group + n].0), means[n]);
            off[n] = l.add(off[n], apart);
            squares[n] = l.mul_add(apart, apart, squares[n]);
        }
    }
    for n in 0..N {
        let [mut mean, mut off_by, mut squared] = [[0.0; Lane::LENGTH]; 3];
        l.store(&mut mean, means[n]);
        l.store(&mut off_by, off[n]);
        l.store(&mut squared, squares[n]);
        let channels = (group + n) * Lane::LENGTH..(group + n + 1) * Lane::LENGTH;
        let own_means = &mut moments.mean[channels.clone()];
        let own_squares = &mut moments.squares[channels];
        for i in 0..Lane::LENGTH {
            let off = f64::from(off_by[i]);
            let mean = f64::from(mean[i]) + off / f64::from(count);
            let squares = f64::from(squared[i]) - off * off / f64::from(count);
            share.join(&mut own_means[i], &mut own_squares[i], mean, squares);
        }
    }
}

struct GatherGradient<'a> {
    moments: &'a Moments,
    input: &'a [Lane],
    gradient: &'a [Lane],
    sums: &'a mut GradientSums,
}

impl Task for GatherGradient<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let groups = self.moments.mean.len() / Lane::LENGTH;
        let stretches = self.input.chunks(STRETCH * groups);
        for stretch in stretches.zip(self.gradient.chunks(STRETCH * groups)) {
            let mut group = 0;
            while group + BLOCK <= groups {
                sums_of::<L, BLOCK>(l, stretch, group, self.moments, self.sums);
                group += BLOCK;
            }
            while group < groups {
                sums_of::<L, 1>(l, stretch, group, self.moments, self.sums);
                group += 1;
            }
        }
    }
}

/// Adds the sums of groups `group..group + N`.
#[inline(always)]
fn sums_of<L: Lanes, const N: usize>(
    l: L,
    (input, gradient): (&[Lane], &[Lane]),
    group: usize,
    moments: &Moments,
    sums: &mut GradientSums,
) {
    let groups = moments.mean.len() / Lane::LENGTH;
    let mut means = [l.splat(0.0); N];
    for n in 0..N {
        let mut numbers = [0.0; Lane::LENGTH];
        let wide = &moments.mean[(group + n) * Lane::LENGTH..][..Lane::LENGTH];
        for (number, mean) in numbers.iter_mut().zip(wide) {
            *number = *mean as f32;
        }
        means[n] = l.load(&numbers);
    }
    let mut plain = [l.splat(0.0); N];
    let mut along = [l.splat(0.0); N];
    let pixels = input.chunks_exact(groups);
    for (pixel, gradient) in pixels.zip(gradient.chunks_exact(groups)) {
        for n in 0..N {
            let g = l.load(&gradient[group + n].0);
            let apart = l.sub(l.load(&pixel[group + n].0), means[n]);
            plain[n] = l.add(plain[n], g);
            along[n] = l.mul_add(g, apart, along[n]);
        }
    }
    for n in 0..N {
        let from = (group + n) * Lane::LENGTH;
        for (list, sum) in [(&mut sums.plain, plain[n]), (&mut sums.along, along[n])] {
            let mut numbers = [0.0; Lane::LENGTH];
            l.store(&mut numbers, sum);
            for (total, number) in list[from..][..Lane::LENGTH].iter_mut().zip(numbers) {
                *total += f64::from(number);
            }
        }
    }
}
