//! The shortest convex combination of vectors, by their products.

/// Most steps of the search for more than two vectors.
const STEPS: usize = 250;
/// The search ends once no weight moves further.
const ENOUGH: f64 = 1e-5;
/// What either of two vectors has at least, as the published program gives it: none is forgotten.
const LEAST: f64 = 1e-3;

/// Weights, none negative and 1 in sum, with which vectors add up to the shortest one: Désidéri's
/// multiple-gradient descent, as Sener and Koltun (2018) solve it, in closed form for two and by
/// Frank and Wolfe's steps for more. `products[i][j]` is the product of vectors i and j.
pub fn min_norm(products: &[Vec<f64>]) -> Vec<f64> {
    match products {
        [] => Vec::new(),
        [_] => vec![1.0],
        [first, second] => {
            let share = of_two(first[0], first[1], second[1]).clamp(LEAST, 1.0 - LEAST);
            vec![share, 1.0 - share]
        }
        _ => of_many(products),
    }
}

/// How much of the first of two vectors is in their shortest combination, by the products of the
/// first with itself, of both, and of the second with itself.
fn of_two(first: f64, both: f64, second: f64) -> f64 {
    if both >= first {
        return 1.0;
    }
    if both >= second {
        return 0.0;
    }
    (second - both) / (first + second - 2.0 * both)
}

fn of_many(products: &[Vec<f64>]) -> Vec<f64> {
    let count = products.len();
    let mut weights = vec![1.0 / count as f64; count];
    for _ in 0..STEPS {
        let with: Vec<f64> = products
            .iter()
            .map(|row| row.iter().zip(&weights).map(|(p, w)| p * w).sum())
            .collect();
        let Some(nearest) = (0..count).min_by(|&a, &b| with[a].total_cmp(&with[b])) else {
            break;
        };
        let own: f64 = with.iter().zip(&weights).map(|(p, w)| p * w).sum();
        let stays = of_two(own, with[nearest], products[nearest][nearest]);
        for (place, weight) in weights.iter_mut().enumerate() {
            let to = f64::from(u8::from(place == nearest));
            *weight = stays * *weight + (1.0 - stays) * to;
        }
        if 1.0 - stays < ENOUGH {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn products(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let product = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum();
        let row = |a| vectors.iter().map(|b| product(a, b)).collect();
        vectors.iter().map(row).collect()
    }

    fn square(products: &[Vec<f64>], weights: &[f64]) -> f64 {
        let rows = products.iter().zip(weights);
        rows.map(|(row, w)| w * row.iter().zip(weights).map(|(p, v)| p * v).sum::<f64>())
            .sum()
    }

    /// By scipy's `minimize(..., method="SLSQP")` over the simplex.
    #[test]
    fn agrees_with_an_independent_solver() {
        let two = min_norm(&products(&[vec![2.0, 0.0], vec![0.0, 1.0]]));
        assert!((two[0] - 0.2).abs() < 1e-12);
        let three = [
            vec![2.0, 0.5, 0.2],
            vec![-1.0, 1.5, 1.0],
            vec![0.3, -1.5, 1.0],
        ];
        let found = min_norm(&products(&three));
        for (found, expected) in found.iter().zip([0.251_574, 0.368_245, 0.380_181]) {
            assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_vector_that_is_shorter_than_all_between_stands_almost_alone() {
        assert_eq!(
            min_norm(&products(&[vec![1.0, 0.0], vec![3.0, 1.0]])),
            [0.999, 1.0 - 0.999]
        );
        // Vectors that are nothing: any weights will do, as long as they are weights.
        assert!((min_norm(&[vec![0.0; 2], vec![0.0; 2]]).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((min_norm(&vec![vec![0.0; 3]; 3]).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn no_corner_or_middle_is_shorter(vectors in prop::collection::vec(prop::collection::vec(-2.0f64..2.0, 5), 1..6)) {
            let products = products(&vectors);
            let weights = min_norm(&products);
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(weights.iter().all(|&weight| weight >= 0.0));
            let found = square(&products, &weights);
            let count = vectors.len();
            let corner = |place| (0..count).map(|at| f64::from(u8::from(at == place))).collect::<Vec<_>>();
            let middle = vec![1.0 / count as f64; count];
            for other in (0..count).map(corner).chain([middle]) {
                prop_assert!(found <= square(&products, &other) + 0.05, "{weights:?}");
            }
        }
    }
}
