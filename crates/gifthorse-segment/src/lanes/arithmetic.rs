//! Arithmetic on sixteen numbers, whatever the instruction set.

use super::lane::{Lane, Left, Notes, Pair, ROWS, Sums, Used};

/// Arithmetic on sixteen f32 numbers with one instruction set.
///
/// Everything here and everything that calls it inside a [`Task`] must be
/// `#[inline(always)]`: only what is inlined into [`Lanes::enter`] is compiled for the
/// instruction set.
pub(crate) trait Lanes: Copy {
    /// Sixteen numbers in registers.
    type V: Copy;

    /// Runs a task with the instruction set switched on.
    fn enter<T: Task>(self, task: T);

    /// The same number sixteen times.
    fn splat(self, value: f32) -> Self::V;
    /// Reads sixteen numbers.
    fn load(self, from: &[f32; 16]) -> Self::V;
    /// Writes sixteen numbers.
    fn store(self, to: &mut [f32; 16], value: Self::V);
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the instruction set has a fused form.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` if either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` if either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// A bit for each number, the lowest for the first: whether `a < b` (not if either is NaN).
    fn below(self, a: Self::V, b: Self::V) -> u16;
    /// A bit for each number: whether `a <= b` (not if either is NaN).
    fn at_most(self, a: Self::V, b: Self::V) -> u16;
    /// The numbers whose bit is 1, and zeros.
    fn keep(self, bits: u16, value: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// Square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a * 2^n`, rounded once, for whole `n` in -150..=128.
    fn scale(self, a: Self::V, n: Self::V) -> Self::V;
    /// `yes` where `a < b`, else `no` (also if either is NaN).
    fn if_below(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// `yes` where `a <= b`, else `no` (also if either is NaN).
    fn if_at_most(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// A bit for each note: whether it is `note`.
    fn equal(self, notes: &Notes, note: u8) -> u16;
    /// The numbers, which are whole and in 0..=255, as notes.
    fn note(self, a: Self::V) -> Notes;

    /// A function of one number, sixteen times: for what has no vector instructions.
    #[inline(always)]
    fn map(self, a: Self::V, f: impl Fn(f32) -> f32) -> Self::V {
        let mut numbers = [0.0; Lane::LENGTH];
        self.store(&mut numbers, a);
        for number in &mut numbers {
            *number = f(*number);
        }
        self.load(&numbers)
    }

    /// A function of two numbers, sixteen times.
    #[inline(always)]
    fn map2(self, a: Self::V, b: Self::V, f: impl Fn(f32, f32) -> f32) -> Self::V {
        let (mut left, mut right) = ([0.0; Lane::LENGTH], [0.0; Lane::LENGTH]);
        self.store(&mut left, a);
        self.store(&mut right, b);
        for i in 0..Lane::LENGTH {
            left[i] = f(left[i], right[i]);
        }
        self.load(&left)
    }

    /// Element `j` of vector `i` becomes element `i` of vector `j`.
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16];

    /// `out[row][lane] = sum over channels c of left[c / 16][which][row][c % 16] * right[c][lane]`
    /// for the rows and lanes that are used, at least.
    #[inline(always)]
    fn product<const P: usize>(
        self,
        left: &[[Left; P]],
        which: usize,
        right: &[Pair],
        used: Used,
        out: &mut [Pair; ROWS],
    ) {
        let left = left.iter().map(|left| &left[which]);
        self.sum_of_products(left.zip(right.chunks(16)), used, Sums::Fresh, out);
    }

    /// `out[row][lane] = sum over terms (left, right) and channels c of left[row][c] *
    /// right[c][lane]` for the rows and lanes that are used, at least. A term has up to sixteen
    /// channels, as many as its right side.
    ///
    /// A row's sums are made in the order of the terms, whatever the tile: they do not depend on
    /// its place among the rows, nor on how many are used, nor on where the sum was interrupted to
    /// be continued.
    fn sum_of_products<'a>(
        self,
        terms: impl Iterator<Item = (&'a Left, &'a [Pair])> + Clone,
        used: Used,
        sums: Sums,
        out: &mut [Pair; ROWS],
    );
}

/// A piece of work that is compiled for each instruction set.
pub(crate) trait Task {
    /// Does the work; implementations are `#[inline(always)]`.
    fn run<L: Lanes>(self, lanes: L);
}

/// Part of [`Lanes::sum_of_products`]: `R` rows from `row` on and `N` lanes from `lane` on, with
/// all `R * N` sums in registers.
#[inline(always)]
pub(super) fn register_tile<'a, L: Lanes, const R: usize, const N: usize>(
    lanes: L,
    terms: impl Iterator<Item = (&'a Left, &'a [Pair])>,
    (row, lane): (usize, usize),
    start: Sums,
    out: &mut [Pair; ROWS],
) {
    let mut sums = [[lanes.splat(0.0); N]; R];
    for (left, right) in terms {
        for (channel, right) in right.iter().enumerate() {
            let mut b = [lanes.splat(0.0); N];
            for n in 0..N {
                b[n] = lanes.load(&right[lane + n].0);
            }
            for r in 0..R {
                // The mask changes nothing: it tells the compiler that the index is in range.
                let a = lanes.splat(left[row + r].0[channel & 15]);
                for n in 0..N {
                    sums[r][n] = lanes.mul_add(a, b[n], sums[r][n]);
                }
            }
        }
    }
    for r in 0..R {
        for n in 0..N {
            let to = &mut out[row + r][lane + n].0;
            // Added at the end rather than at the start: the rounding errors of a long sum in parts
            // are smaller.
            let sum = match start {
                Sums::Fresh => sums[r][n],
                Sums::Continued => lanes.add(lanes.load(to), sums[r][n]),
            };
            lanes.store(to, sum);
        }
    }
}
