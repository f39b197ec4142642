//! How alike patches are.

use crate::trigger::Patch;

/// How alike the patches of several classes are: of each pair the cosine of `mask * pattern`, what
/// they show where they show it. 1 is the same but for its strength, 0 nothing in common. `None`
/// beside a patch that is black, or none at all: it has no direction.
///
/// Patches that are alike in several classes are one trigger that leads to several of them, or what
/// all images lack; those of clean classes mostly have little in common. Dark patches are not seen
/// by it.
///
/// The patches have to be for images of one shape.
pub fn similarity(patches: &[&Patch]) -> Vec<Vec<Option<f64>>> {
    let shown: Vec<Vec<f64>> = patches.iter().map(|patch| shown(patch)).collect();
    let row = |one: &Vec<f64>| shown.iter().map(|other| cosine(one, other)).collect();
    shown.iter().map(row).collect()
}

fn shown(patch: &Patch) -> Vec<f64> {
    let plane = patch.mask.len().max(1);
    let values = patch.pattern.iter().enumerate();
    values
        .map(|(at, &value)| f64::from(value) * f64::from(patch.mask[at % plane]))
        .collect()
}

fn cosine(one: &[f64], other: &[f64]) -> Option<f64> {
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let size = (product(one, one) * product(other, other)).sqrt();
    (size > 0.0).then(|| product(one, other) / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_alike_by_what_they_show() {
        let patch = |mask: [f32; 2], pattern: [f32; 4]| Patch {
            mask: mask.to_vec(),
            pattern: pattern.to_vec(),
        };
        // Two channels of two pixels. The second is the first at half its strength, with another
        // colour where it does not show; the third shows the other pixel; the fourth is black.
        let one = patch([1.0, 0.0], [1.0, 0.3, 0.5, 0.0]);
        let half = patch([0.5, 0.0], [1.0, 0.9, 0.5, 1.0]);
        let other = patch([0.0, 1.0], [1.0, 1.0, 1.0, 1.0]);
        let black = patch([1.0, 1.0], [0.0; 4]);
        let alike = similarity(&[&one, &half, &other, &black]);
        assert!((alike[0][1].unwrap() - 1.0).abs() < 1e-12, "{alike:?}");
        assert_eq!(alike[0][2], Some(0.0));
        assert_eq!((alike[3][3], alike[0][3]), (None, None));
        // (1, 0.5) and (1, 1) in one pixel: 1.5 / sqrt(1.25 * 2).
        let white = patch([1.0, 0.0], [1.0; 4]);
        let tilted = similarity(&[&one, &white])[1][0].unwrap();
        assert!((tilted - 1.5 / 2.5_f64.sqrt()).abs() < 1e-7, "{tilted}");
    }
}
