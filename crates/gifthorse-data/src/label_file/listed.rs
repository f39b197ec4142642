//! Lists of pictures with their labels behind a blank, as Caffe and ImageNet have them.

use csv::StringRecord;

use crate::folder::has_picture_ending;

/// The rows with the picture and the label in cells of their own, if every row is a picture, a
/// blank and a label; else the rows as they are.
pub(super) fn in_cells(rows: Vec<StringRecord>) -> Vec<StringRecord> {
    let split: Option<Vec<StringRecord>> = rows.iter().map(in_two).collect();
    split.unwrap_or(rows)
}

/// Both may have blanks in them: the first one behind an ending of pictures separates.
fn in_two(row: &StringRecord) -> Option<StringRecord> {
    let line = row.get(0).filter(|_| row.len() == 1)?;
    let mut blanks = line.match_indices(char::is_whitespace);
    let (at, _) = blanks.find(|(at, _)| has_picture_ending(&line[..*at]))?;
    let mut cells = StringRecord::from(vec![&line[..at], line[at..].trim()]);
    cells.set_position(row.position().cloned());
    Some(cells)
}
