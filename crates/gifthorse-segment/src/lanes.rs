//! Sixteen f32 numbers at a time, on whatever vector unit the machine has.
//!
//! The program is built for plain x86-64, so the vector unit is chosen when it runs
//! ([`Isa::detect`]): AVX-512, AVX2 with FMA, or plain Rust that the compiler turns
//! into the vectors of the build target (SSE2 on x86-64, NEON on AArch64). A stage of a
//! kernel is a [`Task`], written once over [`Lanes`] and compiled for each of them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use portable::Portable;

use crate::kernel::Notes;

/// Rows of the left operand of a product that lie side by side: the height of the largest
/// register tile.
pub(crate) const ROWS: usize = 12;

/// Sixteen numbers on a cache line of their own.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f32; 16]);

impl Lane {
    /// Numbers in a lane.
    pub(crate) const LENGTH: usize = 16;
}

/// Sixteen channels of each of [`ROWS`] rows.
pub(crate) type Left = [Lane; ROWS];

/// Two lanes, that is 32 output channels: the width of the largest register tile.
pub(crate) type Pair = [Lane; 2];

/// The part of a register tile that somebody will read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// 1 to [`ROWS`]
    pub(crate) rows: usize,
    /// 1 or 2
    pub(crate) lanes: usize,
}

/// What becomes of the sums of a register tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// They replace the output.
    Fresh,
    /// They are added to the output.
    Continued,
}

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

    /// `out[row][lane] = sum over terms (left, right) and channels c of left[row][c] * right[c][lane]`
    /// for the rows and lanes that are used, at least. A term has up to sixteen channels, as many
    /// as its right side.
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

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isa {
    /// AVX-512 (F, BW, CD, DQ, VL).
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    /// What the build target always has.
    Portable(Portable),
}

impl Isa {
    /// The fastest instruction set of this machine.
    pub(crate) fn detect() -> Self {
        Self::available()
            .into_iter()
            .next()
            .unwrap_or(Self::Portable(Portable))
    }

    /// All instruction sets of this machine, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(avx512::Avx512::detect().map(Self::Avx512));
            found.extend(avx2::Avx2::detect().map(Self::Avx2));
        }
        found.push(Self::Portable(Portable));
        found
    }

    /// Runs a task with this instruction set.
    pub(crate) fn run<T: Task>(self, task: T) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.enter(task),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.enter(task),
            Self::Portable(lanes) => lanes.enter(task),
        }
    }
}

/// Part of [`Lanes::sum_of_products`]: `R` rows from `row` on and `N` lanes from `lane` on, with
/// all `R * N` sums in registers.
#[inline(always)]
fn register_tile<'a, L: Lanes, const R: usize, const N: usize>(
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose<'a>(&'a mut [Lane; 16]);

    impl Task for Transpose<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) {
            let mut rows = [lanes.splat(0.0); 16];
            for i in 0..16 {
                rows[i] = lanes.load(&self.0[i].0);
            }
            let columns = lanes.transpose(rows);
            for i in 0..16 {
                lanes.store(&mut self.0[i].0, columns[i]);
            }
        }
    }

    #[test]
    fn transpose_swaps_vector_and_element() {
        for isa in Isa::available() {
            let mut lanes = [Lane::default(); 16];
            for (i, lane) in lanes.iter_mut().enumerate() {
                for (j, value) in lane.0.iter_mut().enumerate() {
                    *value = (100 * i + j) as f32;
                }
            }
            isa.run(Transpose(&mut lanes));
            for (i, lane) in lanes.iter().enumerate() {
                for (j, value) in lane.0.iter().enumerate() {
                    assert_eq!(
                        *value,
                        (100 * j + i) as f32,
                        "{isa:?}, vector {i}, element {j}"
                    );
                }
            }
        }
    }

    struct Product<'a> {
        left: &'a [[Left; 2]],
        right: &'a [Pair],
        used: Used,
        out: &'a mut [Pair; ROWS],
    }

    impl Task for Product<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) {
            lanes.product(self.left, 1, self.right, self.used, self.out);
        }
    }

    #[test]
    fn product_sums_over_channels() {
        let channels = 19;
        let mut left = vec![[[Lane([f32::NAN; 16]); ROWS]; 2]; 2];
        let mut right = vec![[Lane::default(); 2]; channels];
        for c in 0..channels {
            for r in 0..ROWS {
                left[c / 16][1][r].0[c % 16] = (c * 7 + r * 3) as f32 % 11.0;
            }
            for k in 0..32 {
                right[c][k / 16].0[k % 16] = (c + 5 * k) as f32 % 13.0 - 6.0;
            }
        }
        for isa in Isa::available() {
            for (rows, lanes) in (1..=ROWS).flat_map(|rows| [(rows, 1), (rows, 2)]) {
                let mut out = [[Lane::default(); 2]; ROWS];
                let used = Used { rows, lanes };
                isa.run(Product {
                    left: &left,
                    right: &right,
                    used,
                    out: &mut out,
                });
                for r in 0..rows {
                    for k in 0..16 * lanes {
                        let term =
                            |c: usize| left[c / 16][1][r].0[c % 16] * right[c][k / 16].0[k % 16];
                        let wanted: f32 = (0..channels).map(term).sum();
                        assert_eq!(out[r][k / 16].0[k % 16], wanted, "{isa:?}, row {r}, {k}");
                    }
                }
            }
        }
    }
}
