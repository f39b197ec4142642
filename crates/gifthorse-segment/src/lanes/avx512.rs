//! [`Lanes`] with AVX-512: one register holds all sixteen numbers.

use std::arch::x86_64::{__m512, _CMP_LE_OQ, _CMP_LT_OQ};

use pulp::NullaryFnOnce;
use pulp::x86::V4;

use super::arithmetic::{Lanes, Task, register_tile};
use super::lane::{Left, Notes, Pair, ROWS, Sums, Used};

/// Proof that the machine has AVX-512.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(V4);

impl Avx512 {
    /// Asks the processor (the answer is cached).
    pub(crate) fn detect() -> Option<Self> {
        V4::try_new().map(Self)
    }
}

struct Entered<T> {
    lanes: Avx512,
    task: T,
}

impl<T: Task> NullaryFnOnce for Entered<T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.task.run(self.lanes);
    }
}

impl Lanes for Avx512 {
    type V = __m512;

    #[inline(always)]
    fn enter<T: Task>(self, task: T) {
        self.0.vectorize(Entered { lanes: self, task });
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        self.0.avx512f._mm512_set1_ps(value)
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> __m512 {
        pulp::cast(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], value: __m512) {
        *to = pulp::cast(value);
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_add_ps(a, b)
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_sub_ps(a, b)
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_mul_ps(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        self.0.avx512f._mm512_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_max_ps(a, b)
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_min_ps(a, b)
    }

    #[inline(always)]
    fn below(self, a: __m512, b: __m512) -> u16 {
        self.0.avx512f._mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b)
    }

    #[inline(always)]
    fn at_most(self, a: __m512, b: __m512) -> u16 {
        self.0.avx512f._mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b)
    }

    #[inline(always)]
    fn keep(self, bits: u16, value: __m512) -> __m512 {
        self.0.avx512f._mm512_maskz_mov_ps(bits, value)
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        self.0.avx512f._mm512_div_ps(a, b)
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        self.0.avx512f._mm512_sqrt_ps(a)
    }

    #[inline(always)]
    fn scale(self, a: __m512, n: __m512) -> __m512 {
        self.0.avx512f._mm512_scalef_ps(a, n)
    }

    #[inline(always)]
    fn if_below(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        let below = self.below(a, b);
        self.0.avx512f._mm512_mask_blend_ps(below, no, yes)
    }

    #[inline(always)]
    fn if_at_most(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        let at_most = self.at_most(a, b);
        self.0.avx512f._mm512_mask_blend_ps(at_most, no, yes)
    }

    #[inline(always)]
    fn equal(self, notes: &Notes, note: u8) -> u16 {
        let f = self.0.sse2;
        let equal = f._mm_cmpeq_epi8(pulp::cast(*notes), f._mm_set1_epi8(note as i8));
        f._mm_movemask_epi8(equal) as u16
    }

    #[inline(always)]
    fn note(self, a: __m512) -> Notes {
        let f = self.0.avx512f;
        pulp::cast(f._mm512_cvtepi32_epi8(f._mm512_cvtps_epi32(a)))
    }

    #[inline(always)]
    fn transpose(self, rows: [__m512; 16]) -> [__m512; 16] {
        let f = self.0.avx512f;
        // First within the 128-bit quarters: quarter `j` of `quads[g][c]` holds column
        // `4j + c` of rows `4g..4g + 4`.
        let mut quads = [[self.splat(0.0); 4]; 4];
        for g in 0..4 {
            let low01 = f._mm512_castps_pd(f._mm512_unpacklo_ps(rows[4 * g], rows[4 * g + 1]));
            let high01 = f._mm512_castps_pd(f._mm512_unpackhi_ps(rows[4 * g], rows[4 * g + 1]));
            let low23 = f._mm512_castps_pd(f._mm512_unpacklo_ps(rows[4 * g + 2], rows[4 * g + 3]));
            let high23 = f._mm512_castps_pd(f._mm512_unpackhi_ps(rows[4 * g + 2], rows[4 * g + 3]));
            quads[g] = [
                f._mm512_castpd_ps(f._mm512_unpacklo_pd(low01, low23)),
                f._mm512_castpd_ps(f._mm512_unpackhi_pd(low01, low23)),
                f._mm512_castpd_ps(f._mm512_unpacklo_pd(high01, high23)),
                f._mm512_castpd_ps(f._mm512_unpackhi_pd(high01, high23)),
            ];
        }
        // Then the quarters among the four groups of rows.
        let mut columns = rows;
        for c in 0..4 {
            let even01 = f._mm512_shuffle_f32x4::<0x88>(quads[0][c], quads[1][c]);
            let odd01 = f._mm512_shuffle_f32x4::<0xdd>(quads[0][c], quads[1][c]);
            let even23 = f._mm512_shuffle_f32x4::<0x88>(quads[2][c], quads[3][c]);
            let odd23 = f._mm512_shuffle_f32x4::<0xdd>(quads[2][c], quads[3][c]);
            columns[c] = f._mm512_shuffle_f32x4::<0x88>(even01, even23);
            columns[4 + c] = f._mm512_shuffle_f32x4::<0x88>(odd01, odd23);
            columns[8 + c] = f._mm512_shuffle_f32x4::<0xdd>(even01, even23);
            columns[12 + c] = f._mm512_shuffle_f32x4::<0xdd>(odd01, odd23);
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
        // At most 24 of the 32 registers hold sums.
        match (used.rows, used.lanes) {
            (..=4, 1) => register_tile::<Self, 4, 1>(self, terms, (0, 0), sums, out),
            (..=8, 1) => register_tile::<Self, 8, 1>(self, terms, (0, 0), sums, out),
            (_, 1) => register_tile::<Self, ROWS, 1>(self, terms, (0, 0), sums, out),
            (..=4, _) => register_tile::<Self, 4, 2>(self, terms, (0, 0), sums, out),
            (..=8, _) => register_tile::<Self, 8, 2>(self, terms, (0, 0), sums, out),
            _ => register_tile::<Self, ROWS, 2>(self, terms, (0, 0), sums, out),
        }
    }
}
