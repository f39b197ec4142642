//! Small tables of text (labels, class names, GTSRB annotations), whatever separates their cells.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::limits::MAX_TABLE_ROWS;
use crate::{Error, text};

/// Reads the rows of a text file whose cells are separated by `,`, `;` or tabs, whichever its first
/// line has most of. Cells are trimmed; empty lines are skipped; rows may differ in length.
pub(crate) fn read(path: &Path) -> Result<Vec<StringRecord>, Error> {
    read_by(path, parse)
}

/// [`read`] for a file whose cells are separated by tabs alone, and may hold anything else, quotes
/// and commas included.
pub(crate) fn read_tabbed(path: &Path) -> Result<Vec<StringRecord>, Error> {
    read_by(path, |bytes| rows(bytes, b'\t', false))
}

fn read_by(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<Vec<StringRecord>, String>,
) -> Result<Vec<StringRecord>, Error> {
    parse(&text::read(path)?).map_err(|reason| Error::Malformed {
        path: path.to_owned(),
        reason,
    })
}

/// [`read`] on bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<StringRecord>, String> {
    rows(bytes, delimiter(bytes), true)
}

/// [`parse`] on cells that are separated by commas.
pub(crate) fn parse_commas(bytes: &[u8]) -> Result<Vec<StringRecord>, String> {
    rows(bytes, b',', true)
}

fn rows(bytes: &[u8], delimiter: u8, quoting: bool) -> Result<Vec<StringRecord>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = Vec::new();
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .quoting(quoting)
        .from_reader(bytes);
    for row in reader.into_records() {
        let row = row.map_err(|error| error.to_string())?;
        if rows.len() == MAX_TABLE_ROWS {
            return Err(format!(
                "has more than the {MAX_TABLE_ROWS} lines that are read"
            ));
        }
        if row.iter().any(|cell| !cell.is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The line that a row stands on, counted from 1.
pub(crate) fn line(row: &StringRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

fn delimiter(bytes: &[u8]) -> u8 {
    let first_line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let count = |delimiter| first_line.iter().filter(|&&b| b == delimiter).count();
    // The comma comes last because the last of equals wins: it is the default.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_separator_is_found() {
        for text in ["a,b\n1,2\n", "a;b\n1;2\n", "a\tb\n1\t2\n"] {
            let rows = parse(text.as_bytes()).unwrap();
            assert_eq!(rows.len(), 2, "{text:?}");
            assert_eq!(&rows[1][1], "2");
            assert_eq!(line(&rows[1]), 2);
        }
    }

    #[test]
    fn byte_order_mark_blank_lines_and_spaces_are_dropped() {
        let rows = parse(b"\xef\xbb\xbfname , label\r\n\r\n a.png , 3\r\n").unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][0], "name");
        assert_eq!(rows[1].iter().collect::<Vec<_>>(), ["a.png", "3"]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_rows_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = rows(&bytes, b'\t', false);
        }
    }
}
