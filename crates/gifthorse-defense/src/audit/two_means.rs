//! Points split in two groups: k-means for k = 2.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Starts, of which the best end counts.
const STARTS: usize = 10;
/// Most rounds of a start.
const ROUNDS: usize = 200;

/// Whether each number is above the cut that leaves the least squares within both groups (Otsu
/// 1979): two-means of numbers, exactly. All are below if there are no two different ones.
pub fn above_cut(numbers: &[f64]) -> Vec<bool> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let whole: f64 = sorted.iter().sum();
    let mut best = (0.0, f64::INFINITY);
    let mut sum = 0.0;
    for (place, pair) in sorted.windows(2).enumerate() {
        sum += pair[0];
        let below = (place + 1) as f64;
        let above = count - below;
        let apart = (whole - sum) / above - sum / below;
        let between = below * above * apart * apart;
        if between > best.0 && pair[1] > pair[0] {
            best = (between, pair[0].midpoint(pair[1]));
        }
    }
    numbers.iter().map(|&number| number > best.1).collect()
}

/// Which of two groups each point is in, `[points][coordinates]`, and the centres of both.
pub fn two_means(points: &[Vec<f64>], rng: &mut ChaCha8Rng) -> (Vec<bool>, [Vec<f64>; 2]) {
    let mut best: Option<(f64, Vec<bool>, [Vec<f64>; 2])> = None;
    for _ in 0..STARTS {
        let Some(centres) = start(points, rng) else {
            break;
        };
        let (squares, sides, centres) = settle(points, centres);
        if best.as_ref().is_none_or(|(least, ..)| squares < *least) {
            best = Some((squares, sides, centres));
        }
    }
    let alike = || {
        let at = points.first().cloned().unwrap_or_default();
        (vec![false; points.len()], [at.clone(), at])
    };
    best.map_or_else(alike, |(_, sides, centres)| (sides, centres))
}

/// Two of the points, the second by its squared distance from the first (k-means++); `None` if all
/// are alike.
fn start(points: &[Vec<f64>], rng: &mut ChaCha8Rng) -> Option<[Vec<f64>; 2]> {
    let first = points.get(rng.random_range(0..points.len().max(1)))?;
    let apart: Vec<f64> = points.iter().map(|point| distance(point, first)).collect();
    let whole: f64 = apart.iter().sum();
    if whole <= 0.0 {
        return None;
    }
    let mut left = rng.random_range(0.0..whole);
    let second = apart.iter().position(|&apart| {
        left -= apart;
        left < 0.0
    });
    let second = second.unwrap_or(points.len() - 1);
    Some([first.clone(), points[second].clone()])
}

/// Moves centres to the means of the points nearest to each until nothing moves.
fn settle(points: &[Vec<f64>], mut centres: [Vec<f64>; 2]) -> (f64, Vec<bool>, [Vec<f64>; 2]) {
    let mut sides = vec![false; points.len()];
    let mut squares = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut now = 0.0;
        for (point, side) in points.iter().zip(&mut sides) {
            let [first, second] = [0, 1].map(|of: usize| distance(point, &centres[of]));
            *side = second < first;
            now += first.min(second);
        }
        if now >= squares {
            break;
        }
        squares = now;
        for (centre, side) in centres.iter_mut().zip([false, true]) {
            let own = points.iter().zip(&sides).filter(|(_, of)| **of == side);
            if let Some(mean) = mean(own.map(|(point, _)| point)) {
                *centre = mean;
            }
        }
    }
    (squares, sides, centres)
}

/// The mean of some points; `None` of none.
pub fn mean<'a>(points: impl Iterator<Item = &'a Vec<f64>>) -> Option<Vec<f64>> {
    let mut count = 0.0;
    let sum = points.fold(None::<Vec<f64>>, |sum, point| {
        count += 1.0;
        Some(match sum {
            None => point.clone(),
            Some(mut sum) => {
                sum.iter_mut()
                    .zip(point)
                    .for_each(|(sum, value)| *sum += value);
                sum
            }
        })
    });
    sum.map(|sum| sum.into_iter().map(|value| value / count).collect())
}

/// Squared distance.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn numbers_are_cut_where_the_squares_within_are_least() {
        let above = above_cut(&[0.0, 9.0, 1.0, 10.0, 0.5, 11.0]);
        assert_eq!(above, [false, true, false, true, false, true]);
        // A few far ones outweigh a gap in the middle.
        assert_eq!(
            above_cut(&[0.0, 1.0, 2.0, 30.0]),
            [false, false, false, true]
        );
        assert_eq!(above_cut(&[2.0; 3]), [false; 3]);
        assert!(above_cut(&[]).is_empty());
    }

    #[test]
    fn points_are_split_into_their_clouds() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let cloud = |at: f64, place: usize| {
            vec![at + (place % 5) as f64 * 0.1, at - (place % 3) as f64 * 0.1]
        };
        let points: Vec<Vec<f64>> = (0..40)
            .map(|i| cloud(if i % 4 == 0 { 5.0 } else { 0.0 }, i))
            .collect();
        let (sides, centres) = two_means(&points, &mut rng);
        assert!(
            (0..40).all(|i| (sides[i] == sides[0]) == (i % 4 == 0)),
            "{sides:?}"
        );
        assert!(distance(&centres[0], &centres[1]) > 40.0);
        let (sides, _) = two_means(&[vec![1.0], vec![1.0]], &mut rng);
        assert_eq!(sides, [false; 2]);
        assert!(two_means(&[], &mut rng).0.is_empty());
    }
}
