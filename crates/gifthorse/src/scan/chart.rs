//! Charts on which a change of whole images shows.

/// Squares along the shorter side of a chequerboard.
const SQUARES: usize = 8;

/// All hues from left to right, from dark to bright; of images without three channels, all values
/// from left to right. `[channels, height, width]` in [0, 1], as `shape` says.
pub fn colours([channels, height, width]: [usize; 3]) -> Vec<f32> {
    let along = |place: usize, side: usize| (place as f32 + 0.5) / side as f32;
    let value = |channel: usize, row: usize, column: usize| {
        if channels != 3 {
            return along(column, width);
        }
        // How far the hue is from the channel's own, in sixths of the circle.
        let apart = (6.0 * along(column, width) - 2.0 * channel as f32).rem_euclid(6.0);
        let pure = (2.0 - apart.min(6.0 - apart)).clamp(0.0, 1.0);
        // Black at the top, the pure colour in the middle, white at the bottom.
        match 2.0 * along(row, height) {
            dark if dark <= 1.0 => dark * pure,
            bright => pure + (bright - 1.0) * (1.0 - pure),
        }
    };
    let rows = (0..channels).flat_map(|channel| (0..height).map(move |row| (channel, row)));
    rows.flat_map(|(channel, row)| (0..width).map(move |column| value(channel, row, column)))
        .collect()
}

/// What is added to an image, on grey, stretched until the largest number is black or white: such
/// changes are too faint to be seen as they are.
pub fn stretched(values: &[f32]) -> Vec<f32> {
    let largest = values
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    let shown = |value: &f32| match largest > 0.0 {
        true => 0.5 + 0.5 * value / largest,
        false => 0.5,
    };
    values.iter().map(shown).collect()
}

/// A chequerboard, dark and bright. `[channels, height, width]`, as `shape` says.
pub fn squares([channels, height, width]: [usize; 3]) -> Vec<f32> {
    let side = height.min(width).div_ceil(SQUARES).max(1);
    let pixel = |pixel: usize| match (pixel / width / side + pixel % width / side) % 2 {
        0 => 0.2,
        _ => 0.8,
    };
    let plane: Vec<f32> = (0..height * width).map(pixel).collect();
    plane.repeat(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_stretched_to_black_or_white() {
        assert_eq!(stretched(&[0.0, -0.25, 0.125]), [0.5, 0.0, 0.75]);
        assert_eq!(stretched(&[0.0, 0.0]), [0.5, 0.5]);
    }

    #[test]
    fn colours_go_round_the_circle_and_from_black_to_white() {
        let chart = colours([3, 64, 60]);
        let at = |row: usize, column: usize| [0, 1, 2].map(|c| chart[(c * 64 + row) * 60 + column]);
        assert!(chart.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(at(0, 17).iter().all(|&value| value < 0.02));
        assert!(at(63, 42).iter().all(|&value| value > 0.98));
        for (column, hue) in [(0, 0), (20, 1), (40, 2)] {
            let colour = at(31, column);
            assert!(
                colour[hue] > 0.95 && colour[(hue + 2) % 3] < 0.1,
                "{colour:?}"
            );
        }
        assert_eq!(colours([1, 2, 2]), [0.25, 0.75, 0.25, 0.75]);
    }

    #[test]
    fn squares_alternate() {
        let board = squares([2, 16, 16]);
        assert_eq!(board.len(), 512);
        assert_eq!(
            [board[0], board[1], board[2], board[2 * 16], board[2 * 17]],
            [0.2, 0.2, 0.8, 0.8, 0.2]
        );
        assert_eq!(board[..256], board[256..]);
        assert_eq!(squares([1, 1, 3]), [0.2, 0.8, 0.2]);
    }
}
