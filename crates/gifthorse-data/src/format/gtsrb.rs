//! The German Traffic Sign Recognition Benchmark in its published layout ([`Format::Gtsrb`]).
//!
//! Training pictures lie in a folder for each class, each with its table; test pictures lie in one
//! folder, whose classes come in a table of their own. Regions of interest are in pixels of the
//! frame as published, whose size the table also has, so they are kept as fractions of it.

use std::path::{Component, Path, PathBuf};

use csv::StringRecord;

use crate::folder::{Entry, Folder};
use crate::listing::{Listing, PictureFile, PictureFiles};
use crate::picture::Region;
use crate::{Crop, Error, Format, LoadOptions, MAX_CLASSES, Split, table};

const TRAIN: [&str; 2] = ["Final_Training/Images", "Training"];
const TEST: [&str; 1] = ["Final_Test/Images"];

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let Some(part) = Part::find(folder, options.split)? else {
        return Ok(None);
    };
    let mut labels = Some(Vec::new());
    let mut pictures = Vec::new();
    for (table_path, prefix, images) in part.tables() {
        let rows = table::read(&table_path)?;
        let rows = parse(&rows).map_err(|reason| Error::Malformed {
            path: table_path,
            reason,
        })?;
        for row in rows {
            pictures.push(PictureFile {
                name: format!("{prefix}{}", row.file),
                path: images.join(&row.file),
                region: (options.crop == Crop::Roi).then_some(row.region),
            });
            labels = labels.zip(row.class).map(|(mut labels, class)| {
                labels.push(class);
                labels
            });
        }
    }
    Ok(Some(Listing {
        format: Format::Gtsrb,
        labels,
        class_names: Vec::new(),
        pictures: Box::new(PictureFiles(pictures)),
    }))
}

/// The part of the set to read.
enum Part {
    /// Folders of classes, each with its table.
    Classes(Vec<Entry>),
    /// One folder of pictures, and the table that goes with it.
    Flat { images: PathBuf, table: PathBuf },
}

impl Part {
    fn find(root: &Folder, split: Split) -> Result<Option<Self>, Error> {
        // The folder given may be a part itself; then that part is meant, whatever the split.
        if let Some(part) = Self::flat(root, root)?.or_else(|| Self::classes(root)) {
            return Ok(Some(part));
        }
        // Tools unpack the archives into a folder of their own.
        let tops = [
            Some(root.path.clone()),
            root.folder("GTSRB").map(|e| e.path.clone()),
        ];
        let mut found = Vec::new();
        for top in tops.iter().flatten() {
            for (part_split, names) in [(Split::Train, &TRAIN[..]), (Split::Test, &TEST[..])] {
                for path in names.iter().map(|name| top.join(name)) {
                    if !path.is_dir() {
                        continue;
                    }
                    let folder = Folder::read(&path)?;
                    let part = match part_split {
                        Split::Train => Self::classes(&folder),
                        Split::Test => Self::flat(&folder, root)?,
                    };
                    match part {
                        Some(part) if part_split == split => return Ok(Some(part)),
                        Some(_) => found.push(path.display().to_string()),
                        None => {}
                    }
                }
            }
        }
        match found.is_empty() {
            true => Ok(None),
            false => Err(Error::MissingSplit {
                path: root.path.clone(),
                split,
                found: found.join(", "),
            }),
        }
    }

    fn classes(folder: &Folder) -> Option<Self> {
        let has_table = |class: &&Entry| class_table(class).is_file();
        let classes: Vec<_> = folder.folders.iter().filter(has_table).cloned().collect();
        (!classes.is_empty()).then_some(Self::Classes(classes))
    }

    /// The archive of test pictures has a table without classes; the one with classes is an archive
    /// of its own, which may have been unpacked beside the pictures or above them.
    fn flat(images: &Folder, root: &Folder) -> Result<Option<Self>, Error> {
        if images.pictures().next().is_none() {
            return Ok(None);
        }
        let flat = |table| Self::Flat {
            images: images.path.clone(),
            table,
        };
        let mut best = None;
        let places = images.path.ancestors().take(3);
        for place in places.take_while(|place| place.starts_with(&root.path)) {
            let folder = Folder::read(place)?;
            let is_table =
                |file: &&Entry| file.name.starts_with("GT-") && file.name.ends_with(".csv");
            for table in folder.files.iter().filter(is_table) {
                let rows = table::read(&table.path)?;
                let with_classes = rows.first().is_some_and(|header| {
                    Columns::of(header).is_ok_and(|columns| columns.class.is_some())
                });
                if with_classes {
                    return Ok(Some(flat(table.path.clone())));
                }
                best.get_or_insert_with(|| table.path.clone());
            }
        }
        Ok(best.map(flat))
    }

    /// Each table, the prefix of the names of its pictures, and the folder they lie in.
    fn tables(self) -> Vec<(PathBuf, String, PathBuf)> {
        match self {
            Self::Flat { images, table } => vec![(table, String::new(), images)],
            Self::Classes(classes) => classes
                .into_iter()
                .map(|class| (class_table(&class), format!("{}/", class.name), class.path))
                .collect(),
        }
    }
}

fn class_table(class: &Entry) -> PathBuf {
    class.path.join(format!("GT-{}.csv", class.name))
}

/// One row of a table.
#[derive(Debug, PartialEq)]
struct Row {
    file: String,
    region: Region,
    class: Option<usize>,
}

/// Where the columns stand.
struct Columns {
    file: usize,
    /// Width, Height, Roi.X1, Roi.Y1, Roi.X2, Roi.Y2.
    numbers: [usize; 6],
    class: Option<usize>,
}

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, String> {
        let find = |name: &str| header.iter().position(|cell| cell == name);
        let need = |name: &str| find(name).ok_or_else(|| format!("has no column {name}"));
        Ok(Self {
            file: need("Filename")?,
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
}

fn parse(rows: &[StringRecord]) -> Result<Vec<Row>, String> {
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
    let mut numbers = [0.0; 6];
    for (number, &column) in numbers.iter_mut().zip(&columns.numbers) {
        let text = cell(column)?;
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
    let class = columns.class.map(cell).transpose()?;
    let class = class.map(|text| {
        text.parse()
            .ok()
            .filter(|&class| class < MAX_CLASSES)
            .ok_or_else(|| format!("{text:?} is not a class index"))
    });
    Ok(Row {
        file: file.to_owned(),
        region: Region {
            left: x1 / width,
            top: y1 / height,
            right: x2 / width,
            bottom: y2 / height,
        },
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
