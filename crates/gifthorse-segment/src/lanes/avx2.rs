//! [`Lanes`] with AVX2 and FMA: two registers hold the sixteen numbers.

use std::arch::x86_64::{__m256, _CMP_LE_OQ, _CMP_LT_OQ};

use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::arithmetic::{Lanes, Task, register_tile};
use super::lane::{Left, Notes, Pair, ROWS, Sums, Used};

/// Proof that the machine has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(V3);

impl Avx2 {
    /// Asks the processor (the answer is cached).
    pub(crate) fn detect() -> Option<Self> {
        V3::try_new().map(Self)
    }

    /// The sign bits of both halves.
    #[inline(always)]
    fn bits(self, halves: [__m256; 2]) -> u16 {
        let [low, high] = halves.map(|half| self.0.avx._mm256_movemask_ps(half) as u16);
        low | high << 8
    }

    /// [`Lanes::transpose`] of eight by eight numbers.
    #[inline(always)]
    fn transpose8(self, rows: [__m256; 8]) -> [__m256; 8] {
        let f = self.0.avx;
        // First within the 128-bit halves: half `j` of `quads[g][c]` holds column `4j + c` of
        // rows `4g..4g + 4`.
        let mut quads = [[rows[0]; 4]; 2];
        for g in 0..2 {
            let low01 = f._mm256_castps_pd(f._mm256_unpacklo_ps(rows[4 * g], rows[4 * g + 1]));
            let high01 = f._mm256_castps_pd(f._mm256_unpackhi_ps(rows[4 * g], rows[4 * g + 1]));
            let low23 = f._mm256_castps_pd(f._mm256_unpacklo_ps(rows[4 * g + 2], rows[4 * g + 3]));
            let high23 = f._mm256_castps_pd(f._mm256_unpackhi_ps(rows[4 * g + 2], rows[4 * g + 3]));
            quads[g] = [
                f._mm256_castpd_ps(f._mm256_unpacklo_pd(low01, low23)),
                f._mm256_castpd_ps(f._mm256_unpackhi_pd(low01, low23)),
                f._mm256_castpd_ps(f._mm256_unpacklo_pd(high01, high23)),
                f._mm256_castpd_ps(f._mm256_unpackhi_pd(high01, high23)),
            ];
        }
        let mut columns = rows;
        for c in 0..4 {
            columns[c] = f._mm256_permute2f128_ps::<0x20>(quads[0][c], quads[1][c]);
            columns[4 + c] = f._mm256_permute2f128_ps::<0x31>(quads[0][c], quads[1][c]);
        }
        columns
    }
}

struct Entered<T> {
    lanes: Avx2,
    task: T,
}

impl<T: Task> NullaryFnOnce for Entered<T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.task.run(self.lanes);
    }
}

impl Lanes for Avx2 {
    type V = [__m256; 2];

    #[inline(always)]
    fn enter<T: Task>(self, task: T) {
        self.0.vectorize(Entered { lanes: self, task });
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [self.0.avx._mm256_set1_ps(value); 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> Self::V {
        pulp::cast(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], value: Self::V) {
        *to = pulp::cast(value);
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_add_ps(a[0], b[0]), f._mm256_add_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_sub_ps(a[0], b[0]), f._mm256_sub_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_mul_ps(a[0], b[0]), f._mm256_mul_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let f = self.0.fma;
        [
            f._mm256_fmadd_ps(a[0], b[0], c[0]),
            f._mm256_fmadd_ps(a[1], b[1], c[1]),
        ]
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_max_ps(a[0], b[0]), f._mm256_max_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_min_ps(a[0], b[0]), f._mm256_min_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn below(self, a: Self::V, b: Self::V) -> u16 {
        let f = self.0.avx;
        self.bits([0, 1].map(|i| f._mm256_cmp_ps::<_CMP_LT_OQ>(a[i], b[i])))
    }

    #[inline(always)]
    fn at_most(self, a: Self::V, b: Self::V) -> u16 {
        let f = self.0.avx;
        self.bits([0, 1].map(|i| f._mm256_cmp_ps::<_CMP_LE_OQ>(a[i], b[i])))
    }

    #[inline(always)]
    fn keep(self, bits: u16, value: Self::V) -> Self::V {
        let (f, f2) = (self.0.avx, self.0.avx2);
        let bit_of_number = f._mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        [0, 1].map(|i| {
            let bits = f._mm256_set1_epi32(i32::from(bits >> (8 * i)));
            let bit = f2._mm256_and_si256(bits, bit_of_number);
            let kept = f2._mm256_cmpeq_epi32(bit, bit_of_number);
            f._mm256_and_ps(f._mm256_castsi256_ps(kept), value[i])
        })
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        let f = self.0.avx;
        [f._mm256_div_ps(a[0], b[0]), f._mm256_div_ps(a[1], b[1])]
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        a.map(|half| self.0.avx._mm256_sqrt_ps(half))
    }

    #[inline(always)]
    fn scale(self, a: Self::V, n: Self::V) -> Self::V {
        let (f, f2) = (self.0.avx, self.0.avx2);
        let power = |n| {
            let biased = f2._mm256_add_epi32(n, f._mm256_set1_epi32(127));
            f._mm256_castsi256_ps(f2._mm256_slli_epi32::<23>(biased))
        };
        [0, 1].map(|i| {
            // In two factors: by itself 2^n can lie outside the range of normal numbers.
            let n = f._mm256_cvtps_epi32(n[i]);
            let first = f2._mm256_srai_epi32::<1>(n);
            let second = f2._mm256_sub_epi32(n, first);
            f._mm256_mul_ps(f._mm256_mul_ps(a[i], power(first)), power(second))
        })
    }

    #[inline(always)]
    fn if_below(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let f = self.0.avx;
        [0, 1].map(|i| f._mm256_blendv_ps(no[i], yes[i], f._mm256_cmp_ps::<_CMP_LT_OQ>(a[i], b[i])))
    }

    #[inline(always)]
    fn if_at_most(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let f = self.0.avx;
        [0, 1].map(|i| f._mm256_blendv_ps(no[i], yes[i], f._mm256_cmp_ps::<_CMP_LE_OQ>(a[i], b[i])))
    }

    #[inline(always)]
    fn equal(self, notes: &Notes, note: u8) -> u16 {
        let f = self.0.sse2;
        let equal = f._mm_cmpeq_epi8(pulp::cast(*notes), f._mm_set1_epi8(note as i8));
        f._mm_movemask_epi8(equal) as u16
    }

    #[inline(always)]
    fn note(self, a: Self::V) -> Notes {
        let (f, f2, sse2) = (self.0.avx, self.0.avx2, self.0.sse2);
        let words = a.map(|half| {
            let whole = f._mm256_cvtps_epi32(half);
            let low = f._mm256_castsi256_si128(whole);
            sse2._mm_packs_epi32(low, f2._mm256_extracti128_si256::<1>(whole))
        });
        pulp::cast(sse2._mm_packus_epi16(words[0], words[1]))
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16] {
        let mut columns = rows;
        for right in 0..2 {
            for lower in 0..2 {
                let mut block = [rows[0][0]; 8];
                for i in 0..8 {
                    block[i] = rows[8 * lower + i][right];
                }
                let block = self.transpose8(block);
                for i in 0..8 {
                    columns[8 * right + i][lower] = block[i];
                }
            }
        }
        columns
    }

    #[inline(always)]
    fn sum_of_products<'a>(
        self,
        terms: impl Iterator<Item = (&'a Left, &'a [Pair])> + Clone,
        used: Used,
        sums: Sums,
        out: &mut [Pair; ROWS],
    ) {
        // 12 of the 16 registers hold sums.
        for lane in 0..used.lanes {
            for row in (0..used.rows).step_by(6) {
                register_tile::<Self, 6, 1>(self, terms.clone(), (row, lane), sums, out);
            }
        }
    }
}
