//! How far scores of clean images lie apart.

/// Less than this, beside how far a trigger moves images, counts as this: neurons that no clean
/// image wakes would be infinitely sure otherwise.
const LEAST: f64 = 1e-3;

/// The standard deviation of the scores of clean images, in which several triggers' scores are
/// measured: that of one which tells stamped images badly would drown the others if each were
/// measured by how far its own trigger moves images. `scores` are in that measure, 1 being as far
/// as the trigger moves them.
pub(super) fn deviation(scores: &[f64]) -> f64 {
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let squares = scores.iter().map(|score| (score - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    // What is no number is none either.
    deviation.max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_is_never_nothing() {
        assert_eq!(deviation(&[1.0, -1.0, 1.0, -1.0]), 1.0);
        assert_eq!(deviation(&[0.5; 3]), LEAST);
        assert_eq!(deviation(&[f64::NAN]), LEAST);
        assert_eq!(deviation(&[]), LEAST);
    }
}
