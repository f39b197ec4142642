//! Each instruction set against sums and indices written out.

use super::{Isa, Lane, Lanes, Left, Pair, ROWS, Task, Used};

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
                    let term = |c: usize| left[c / 16][1][r].0[c % 16] * right[c][k / 16].0[k % 16];
                    let wanted: f32 = (0..channels).map(term).sum();
                    assert_eq!(out[r][k / 16].0[k % 16], wanted, "{isa:?}, row {r}, {k}");
                }
            }
        }
    }
}
