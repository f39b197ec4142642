//! The part of an image that an answer rests on.

/// The share of the pixels that are in it.
const SHARE: f64 = 0.15;

/// Of each pixel of a map of what speaks for an answer, `[height, width]`, whether it is in the
/// region: the share of them that speaks most, the first of equals.
pub(super) fn region(map: &[f32]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..map.len()).collect();
    order.sort_by(|&a, &b| map[b].total_cmp(&map[a]).then(a.cmp(&b)));
    let count = (SHARE * map.len() as f64).ceil() as usize;
    let mut is_in = vec![false; map.len()];
    for &pixel in order.iter().take(count) {
        is_in[pixel] = true;
    }
    is_in
}

#[test]
fn the_pixels_that_speak_most_are_in() {
    let map = [0.0, 0.5, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let is_in = region(&map);
    assert_eq!((0..10).filter(|&at| is_in[at]).collect::<Vec<_>>(), [1, 2]);
}
