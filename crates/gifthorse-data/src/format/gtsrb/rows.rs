//! The rows of GTSRB's tables: file, size of the frame, region of interest and class.

use std::path::{Component, Path};

use csv::StringRecord;

use crate::picture::Region;
use crate::{MAX_CLASSES, table};

/// One row of a table.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub file: String,
    pub region: Region,
    pub class: Option<usize>,
}

/// Where the columns stand.
pub(crate) struct Columns {
    file: usize,
    /// Width, Height, Roi.X1, Roi.Y1, Roi.X2, Roi.Y2.
    numbers: [usize; 6],
    pub class: Option<usize>,
}

impl Columns {
    /// Finds the columns by their names, of which Kaggle's tables have `Path` for `Filename`.
    pub fn of(header: &StringRecord) -> Result<Self, String> {
        let find = |name: &str| header.iter().position(|cell| cell == name);
        let need = |name: &str| find(name).ok_or_else(|| format!("has no column {name}"));
        Ok(Self {
            file: find("Path").map_or_else(|| need("Filename"), Ok)?,
            numbers: [
                need("Width")?,
                need("Height")?,
                need("Roi.X1")?,
                need("Roi.Y1")?,
                need("Roi.X2")?,
                need("Roi.Y2")?,
            ],
            class: find("ClassId"),
        })
    }

    /// The region of interest in a row.
    pub fn region(&self, row: &StringRecord) -> Result<Region, String> {
        let mut numbers = [0.0; 6];
        for (number, &column) in numbers.iter_mut().zip(&self.numbers) {
            let text = row.get(column).ok_or("has too few cells")?;
            let value: u32 = text
                .parse()
                .map_err(|_| format!("{text:?} is not a number of pixels"))?;
            *number = f64::from(value);
        }
        let [width, height, x1, y1, x2, y2] = numbers;
        if !(x1 < x2 && x2 <= width && y1 < y2 && y2 <= height) {
            return Err(format!(
                "the region {x1},{y1} to {x2},{y2} is empty or leaves the {width}x{height} frame"
            ));
        }
        Ok(Region {
            left: x1 / width,
            top: y1 / height,
            right: x2 / width,
            bottom: y2 / height,
        })
    }
}

/// The rows of a table, whose first row says what stands where.
pub(crate) fn parse(rows: &[StringRecord]) -> Result<Vec<Row>, String> {
    let [header, rows @ ..] = rows else {
        return Err("is empty".to_owned());
    };
    let columns = Columns::of(header)?;
    rows.iter()
        .map(|row| {
            parse_row(row, &columns)
                .map_err(|reason| format!("line {}: {reason}", table::line(row)))
        })
        .collect()
}

fn parse_row(row: &StringRecord, columns: &Columns) -> Result<Row, String> {
    let cell = |column: usize| row.get(column).ok_or("has too few cells");
    let file = cell(columns.file)?;
    let inside = Path::new(file)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if file.is_empty() || !inside {
        return Err(format!(
            "the file name {file:?} does not stay inside its folder"
        ));
    }
    let region = columns.region(row)?;
    let class = columns.class.map(cell).transpose()?;
    let class = class.map(|text| {
        text.parse()
            .ok()
            .filter(|&class| class < MAX_CLASSES)
            .ok_or_else(|| format!("{text:?} is not a class index"))
    });
    Ok(Row {
        file: file.to_owned(),
        region,
        class: class.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n";

    fn parse_text(text: &str) -> Result<Vec<Row>, String> {
        parse(&table::parse(text.as_bytes())?)
    }

    #[test]
    fn regions_are_fractions_of_the_published_frame() {
        let rows = parse_text(&format!("{HEADER}00000.ppm;50;40;5;10;45;30;16\n")).unwrap();
        let region = Region {
            left: 0.1,
            top: 0.25,
            right: 0.9,
            bottom: 0.75,
        };
        let expected = Row {
            file: "00000.ppm".to_owned(),
            region,
            class: Some(16),
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn broken_rows_are_refused_with_their_line() {
        for row in [
            "a.ppm;50;40;5;10;45;30;x",
            "a.ppm;50;40;5;10;45;30;-1",
            "a.ppm;50;40;5;10;60;30;1",
            "a.ppm;50;40;5;10;5;30;1",
            "a.ppm;0;0;0;0;0;0;1",
            "a.ppm;50;40",
            "../a.ppm;50;40;5;10;45;30;1",
            "/etc/a.ppm;50;40;5;10;45;30;1",
            ";50;40;5;10;45;30;1",
        ] {
            let reason = parse_text(&format!("{HEADER}{row}\n")).unwrap_err();
            assert!(reason.starts_with("line 2"), "{row}: {reason}");
        }
        assert!(
            parse_text("Filename;Width\n")
                .unwrap_err()
                .contains("Height")
        );
        assert!(parse_text("").is_err());
    }

    proptest! {
        #[test]
        fn any_text_gives_rows_or_an_error(text in "[a-z0-9;.\\-\n]{0,200}") {
            let _ = parse_text(&text);
            let _ = parse_text(&format!("{HEADER}{text}"));
        }

        #[test]
        fn any_numbers_give_a_region_inside_the_frame(n in proptest::collection::vec(0u32..100, 6)) {
            let cells: Vec<String> = n.iter().map(u32::to_string).collect();
            let text = format!("{HEADER}a.ppm;{};1\n", cells.join(";"));
            for row in parse_text(&text).into_iter().flatten() {
                let Region { left, top, right, bottom } = row.region;
                prop_assert!(0.0 <= left && left < right && right <= 1.0);
                prop_assert!(0.0 <= top && top < bottom && bottom <= 1.0);
            }
        }
    }
}
