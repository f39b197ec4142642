//! The German Traffic Sign Recognition Benchmark in its published layout ([`Format::Gtsrb`]).
//!
//! Training pictures lie in a folder for each class, each with its table; test pictures lie in one
//! folder, whose classes come in a table of their own. Regions of interest are in pixels of the
//! frame as published, whose size the table also has, so they are kept as fractions of it. Kaggle's
//! copy has one table for each part.

mod listed;
pub(crate) mod rows;

use std::path::PathBuf;

use crate::folder::{Entry, Folder};
use crate::listing::{Listing, PictureFile, PictureFiles};
use crate::numbering::Calls;
use crate::{Crop, Error, Format, LoadOptions, Split, table};
use rows::{Columns, parse};

const TRAIN: [&str; 2] = ["Final_Training/Images", "Training"];
const TEST: [&str; 1] = ["Final_Test/Images"];

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let Some(part) = Part::find(folder, options.split)? else {
        return Ok(None);
    };
    let mut labels = Some(Vec::new());
    let (mut pictures, mut tables) = (Vec::new(), Vec::new());
    for Table {
        path,
        prefix,
        images,
        surplus,
    } in part.tables()
    {
        let rows = table::read(&path)?;
        tables.push(path.clone());
        let rows = parse(&rows).map_err(|reason| Error::Malformed { path, reason })?;
        for mut row in rows {
            row.file = listed::without_folders(&row.file, surplus).to_owned();
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
        calls: Calls::Numbers,
        class_names: Vec::new(),
        tables,
        unpacked: None,
        of_other_part: Vec::new(),
        notes: Vec::new(),
        pictures: Box::new(PictureFiles(pictures)),
    }))
}

/// A table, and where the pictures in it are.
struct Table {
    path: PathBuf,
    /// What goes in front of the names of its pictures.
    prefix: String,
    /// The folder that the files in it are named from.
    images: PathBuf,
    /// Folders in front of the names in it that are not there.
    surplus: usize,
}

/// The part of the set to read.
enum Part {
    /// Folders of classes, each with its table.
    Classes(Vec<Entry>),
    /// One folder of pictures, and the table that goes with it.
    Flat { images: PathBuf, table: PathBuf },
    /// A table of the whole part, as Kaggle has it.
    Listed(Table),
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
            true => listed::find(root, split).map(|table| table.map(Self::Listed)),
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

    fn tables(self) -> Vec<Table> {
        match self {
            Self::Listed(table) => vec![table],
            Self::Flat { images, table } => vec![Table {
                path: table,
                prefix: String::new(),
                images,
                surplus: 0,
            }],
            Self::Classes(classes) => classes
                .into_iter()
                .map(|class| Table {
                    path: class_table(&class),
                    prefix: format!("{}/", class.name),
                    images: class.path,
                    surplus: 0,
                })
                .collect(),
        }
    }
}

fn class_table(class: &Entry) -> PathBuf {
    class.path.join(format!("GT-{}.csv", class.name))
}
