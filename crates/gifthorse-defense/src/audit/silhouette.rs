//! How far apart two groups of points lie beside how wide they are (Rousseeuw 1987).

use super::two_means::distance;

/// Points that are looked at, at most: it takes the distances of all pairs.
const MOST: usize = 1500;

/// The mean silhouette of points in two groups: 1 where they are far apart, about 0 where they lie
/// within each other; 0 if a group is empty. Of many points every so many is looked at.
pub fn silhouette(points: &[Vec<f64>], sides: &[bool]) -> f64 {
    let every = points.len().div_ceil(MOST).max(1);
    let seen: Vec<usize> = (0..points.len()).step_by(every).collect();
    let of_side = |side: bool| seen.iter().filter(|&&place| sides[place] == side).count();
    let counts = [of_side(false), of_side(true)];
    if counts.contains(&0) {
        return 0.0;
    }
    let of_point = |&place: &usize| {
        let mut sums = [0.0; 2];
        for &other in &seen {
            let apart = distance(&points[place], &points[other]).sqrt();
            sums[usize::from(sides[other])] += apart;
        }
        let own = usize::from(sides[place]);
        if counts[own] == 1 {
            return 0.0;
        }
        let within = sums[own] / (counts[own] - 1) as f64;
        let to_other = sums[1 - own] / counts[1 - own] as f64;
        (to_other - within) / within.max(to_other).max(f64::MIN_POSITIVE)
    };
    seen.iter().map(of_point).sum::<f64>() / seen.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_definition() {
        let points: Vec<Vec<f64>> = [0.0, 1.0, 4.0, 6.0].map(|at| vec![at]).to_vec();
        let sides = [false, false, true, true];
        // Of 0: within 1, to the others 5; of 1: 1 and 4; of 4: 2 and 3.5; of 6: 2 and 5.5.
        let expected = (4.0 / 5.0 + 3.0 / 4.0 + 1.5 / 3.5 + 3.5 / 5.5) / 4.0;
        assert!((silhouette(&points, &sides) - expected).abs() < 1e-12);
        assert_eq!(silhouette(&points, &[false; 4]), 0.0);
        // One alone counts 0.
        let alone = silhouette(&points[..3], &[false, false, true]);
        assert!((alone - (3.0 / 4.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
    }
}
