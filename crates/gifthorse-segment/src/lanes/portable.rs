//! [`Lanes`] in plain Rust, for machines without AVX2: the compiler turns the loops over
//! sixteen numbers into the vectors that every machine of the build target has.

use super::arithmetic::{Lanes, Task, register_tile};
use super::lane::{Left, Notes, Pair, ROWS, Sums, Used};

/// The instruction set of the build target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

/// Whether `f32::mul_add` is an instruction of the build target rather than a call to a
/// function that emulates it.
const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

impl Portable {
    #[inline(always)]
    fn zip(self, a: [f32; 16], b: [f32; 16], f: impl Fn(f32, f32) -> f32) -> [f32; 16] {
        let mut out = a;
        for i in 0..16 {
            out[i] = f(a[i], b[i]);
        }
        out
    }
}

impl Lanes for Portable {
    type V = [f32; 16];

    #[inline(always)]
    fn enter<T: Task>(self, task: T) {
        task.run(self);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; 16]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> Self::V {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], value: Self::V) {
        *to = value;
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let mut out = c;
        for i in 0..16 {
            out[i] = if FUSED {
                a[i].mul_add(b[i], c[i])
            } else {
                a[i] * b[i] + c[i]
            };
        }
        out
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn below(self, a: Self::V, b: Self::V) -> u16 {
        bits(|i| a[i] < b[i])
    }

    #[inline(always)]
    fn at_most(self, a: Self::V, b: Self::V) -> u16 {
        bits(|i| a[i] <= b[i])
    }

    #[inline(always)]
    fn keep(self, bits: u16, value: Self::V) -> Self::V {
        let mut out = value;
        for i in 0..16 {
            out[i] = if bits >> i & 1 == 1 { value[i] } else { 0.0 };
        }
        out
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        self.zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        a.map(f32::sqrt)
    }

    #[inline(always)]
    fn scale(self, a: Self::V, n: Self::V) -> Self::V {
        let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
        self.zip(a, n, |a, n| {
            // In two factors: by itself 2^n can lie outside the range of normal numbers.
            let n = n as i32;
            let first = n >> 1;
            a * power(first) * power(n - first)
        })
    }

    #[inline(always)]
    fn if_below(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let mut out = no;
        for i in 0..16 {
            out[i] = if a[i] < b[i] { yes[i] } else { no[i] };
        }
        out
    }

    #[inline(always)]
    fn if_at_most(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let mut out = no;
        for i in 0..16 {
            out[i] = if a[i] <= b[i] { yes[i] } else { no[i] };
        }
        out
    }

    #[inline(always)]
    fn equal(self, notes: &Notes, note: u8) -> u16 {
        bits(|i| notes[i] == note)
    }

    #[inline(always)]
    fn note(self, a: Self::V) -> Notes {
        a.map(|number| number as u8)
    }

    #[inline(always)]
    fn transpose(self, rows: [Self::V; 16]) -> [Self::V; 16] {
        let mut columns = rows;
        for i in 0..16 {
            for j in 0..16 {
                columns[i][j] = rows[j][i];
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
        // Three rows of sixteen sums fill twelve 128-bit registers.
        for lane in 0..used.lanes {
            for row in (0..used.rows).step_by(3) {
                register_tile::<Self, 3, 1>(self, terms.clone(), (row, lane), sums, out);
            }
        }
    }
}

#[inline(always)]
fn bits(holds: impl Fn(usize) -> bool) -> u16 {
    let mut bits = 0;
    for i in 0..16 {
        bits |= u16::from(holds(i)) << i;
    }
    bits
}
