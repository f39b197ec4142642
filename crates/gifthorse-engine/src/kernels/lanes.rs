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

/// Tiles whose values lie side by side in a [`TileRow`]: the height of the largest register tile.
pub(crate) const ROWS: usize = 12;

/// Sixteen numbers on a cache line of their own.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f32; 16]);

/// Sixteen channels of each of [`ROWS`] tiles.
pub(crate) type TileRow = [Lane; ROWS];

/// Two lanes, that is 32 output channels: the width of the largest register tile.
pub(crate) type Pair = [Lane; 2];

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
    /// Element `j` of vector `i` becomes element `i` of vector `j`.
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16];

    /// `out[row][lane] = sum over channels c of tiles[c / 16][row][c % 16] * weights[c][lane]`
    /// for all [`ROWS`] rows and the first `lanes` (1 or 2) of the pair.
    fn product(self, tiles: &[TileRow], weights: &[Pair], lanes: usize, out: &mut [Pair]);
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

/// Part of [`Lanes::product`]: `R` rows from `row` on and `N` lanes from `lane` on, with all
/// `R * N` sums in registers.
#[inline(always)]
fn register_tile<L: Lanes, const R: usize, const N: usize>(
    lanes: L,
    tiles: &[TileRow],
    weights: &[Pair],
    row: usize,
    lane: usize,
    out: &mut [Pair],
) {
    let mut sums = [[lanes.splat(0.0); N]; R];
    for (tile_row, weights) in tiles.iter().zip(weights.chunks(16)) {
        for (channel, weight) in weights.iter().enumerate() {
            let mut right = [lanes.splat(0.0); N];
            for n in 0..N {
                right[n] = lanes.load(&weight[lane + n].0);
            }
            for r in 0..R {
                // The mask changes nothing: it tells the compiler that the index is in range.
                let left = lanes.splat(tile_row[row + r].0[channel & 15]);
                for n in 0..N {
                    sums[r][n] = lanes.mul_add(left, right[n], sums[r][n]);
                }
            }
        }
    }
    let out = &mut out[row..row + R];
    for r in 0..R {
        for n in 0..N {
            lanes.store(&mut out[r][lane + n].0, sums[r][n]);
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
            for (row, lane) in rows.iter_mut().zip(self.0.iter()) {
                *row = lanes.load(&lane.0);
            }
            let columns = lanes.transpose(rows);
            for (lane, column) in self.0.iter_mut().zip(columns) {
                lanes.store(&mut lane.0, column);
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
        tiles: &'a [TileRow],
        weights: &'a [Pair],
        lanes: usize,
        out: &'a mut [Pair],
    }

    impl Task for Product<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self, lanes: L) {
            lanes.product(self.tiles, self.weights, self.lanes, self.out);
        }
    }

    #[test]
    fn product_sums_over_channels() {
        let channels = 19;
        let mut tiles = vec![[Lane([f32::NAN; 16]); ROWS]; 2];
        let mut weights = vec![[Lane::default(); 2]; channels];
        for c in 0..channels {
            for r in 0..ROWS {
                tiles[c / 16][r].0[c % 16] = (c * 7 + r * 3) as f32 % 11.0;
            }
            for k in 0..32 {
                weights[c][k / 16].0[k % 16] = (c + 5 * k) as f32 % 13.0 - 6.0;
            }
        }
        for isa in Isa::available() {
            for lanes in [1, 2] {
                let mut out = vec![[Lane::default(); 2]; ROWS];
                isa.run(Product {
                    tiles: &tiles,
                    weights: &weights,
                    lanes,
                    out: &mut out,
                });
                for r in 0..ROWS {
                    for k in 0..16 * lanes {
                        let wanted: f32 = (0..channels)
                            .map(|c| tiles[c / 16][r].0[c % 16] * weights[c][k / 16].0[k % 16])
                            .sum();
                        assert_eq!(out[r][k / 16].0[k % 16], wanted, "{isa:?}, row {r}, {k}");
                    }
                }
            }
        }
    }
}
