//! Rows of characters that draw a trigger, a character for each pixel.

use crate::trigger::TriggerError;

/// A pixel that stays as it is in the image.
pub const OPEN: char = '-';

/// The characters of rows, one row after the other, with height and width.
///
/// # Errors
/// [`TriggerError::Setting`] for rows of several lengths or with other characters than these;
/// [`TriggerError::Empty`] if no pixel is covered.
pub fn cells(
    trigger: &'static str,
    rows: &[String],
    known: &[char],
    wanted: &'static str,
) -> Result<(Vec<char>, [usize; 2]), TriggerError> {
    let cells: Vec<char> = rows.iter().flat_map(|row| row.chars()).collect();
    let width = rows.first().map_or(0, |row| row.chars().count());
    let even = rows.iter().all(|row| row.chars().count() == width);
    if !even || cells.iter().any(|cell| !known.contains(cell)) {
        return Err(TriggerError::Setting {
            trigger,
            setting: "rows",
            value: format!("{rows:?}"),
            wanted,
        });
    }
    if cells.iter().all(|&cell| cell == OPEN) {
        return Err(TriggerError::Empty { trigger });
    }
    Ok((cells, [rows.len(), width]))
}
