use proptest::prelude::*;

use super::*;
use crate::testing::{difference, fused, numbers, run};

/// `sum over d of left(row, d) right(d, column)`, for all matrices of a batch.
fn product(
    [batch, rows, depth, columns]: [usize; 4],
    left: impl Fn(usize, usize, usize) -> f32,
    right: impl Fn(usize, usize, usize) -> f32,
) -> Vec<f32> {
    let mut out = Vec::new();
    for b in 0..batch {
        for row in 0..rows {
            for column in 0..columns {
                let term = |d| f64::from(left(b, row, d)) * f64::from(right(b, d, column));
                out.push((0..depth).map(term).sum::<f64>() as f32);
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn product_and_gradients_are_those_of_the_definition(
        samples in 1usize..3,
        batch in 1usize..4,
        [m, k, n] in [1usize..40, 1usize..50, 1usize..70],
        transposed in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let map = |width, channels| MapShape { height: batch, width, channels };
        let shapes = [map(m, k), if transposed { map(n, k) } else { map(k, n) }];
        let all = samples * batch;
        let [a, b, g] = [(m * k, 1), (k * n, 2), (m * n, 3)]
            .map(|(count, salt)| numbers(all * count, seed ^ salt));
        let at_a = |i: usize, row: usize, d: usize| a[(i * m + row) * k + d];
        let at_g = |i: usize, row: usize, column: usize| g[(i * m + row) * n + column];
        let at_b = |i: usize, d: usize, column: usize| {
            if transposed { b[(i * n + column) * k + d] } else { b[(i * k + d) * n + column] }
        };
        let wanted = product([all, m, k, n], at_a, at_b);
        let to_a = product([all, m, n, k], at_g, |i, column, d| at_b(i, d, column));
        let to_b = if transposed {
            product([all, n, m, k], |i, column, row| at_g(i, row, column), at_a)
        } else {
            product([all, k, m, n], |i, d, row| at_a(i, row, d), at_g)
        };
        let inputs = [a.clone(), b.clone()];
        for isa in Isa::available() {
            let kernel = BatchMatmul::new(shapes[0], shapes[1], transposed).expect("it fits");
            let kernel = BatchMatmul { isa, ..kernel };
            let (given, gradients) = run(&kernel, samples, &inputs, &g);
            prop_assert_eq!(difference(&wanted, &given, 1e-5), None);
            prop_assert_eq!(difference(&to_a, &gradients[0], 1e-5), None);
            prop_assert_eq!(difference(&to_b, &gradients[1], 1e-5), None);
            prop_assert_eq!(fused::check(&kernel, samples, &inputs, &g), Ok(()));
        }
    }
}

#[test]
fn what_does_not_fit() {
    let map = |height, width, channels| MapShape {
        height,
        width,
        channels,
    };
    let fits = |left, right, transposed| BatchMatmul::new(left, right, transposed).is_some();
    assert!(fits(map(2, 3, 4), map(2, 4, 5), false));
    assert!(!fits(map(2, 3, 4), map(2, 4, 5), true));
    assert!(fits(map(2, 3, 4), map(2, 5, 4), true));
    assert!(!fits(map(2, 3, 4), map(1, 4, 5), false));
}
