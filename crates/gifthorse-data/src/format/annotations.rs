//! The labels of Tiny ImageNet's validation part: pictures in one folder `images`, and beside it a
//! table `val_annotations.txt` of lines `file<tab>class folder<tab>...`.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::folder::{Entry, Folder};
use crate::listing::PictureFile;
use crate::{Error, table};

/// Pictures that a table labels.
pub(crate) struct Annotated {
    pub table: PathBuf,
    /// The label of each, and where it is.
    pub pictures: Vec<(usize, PictureFile)>,
}

/// The table of a part and its pictures, each with its label, if it has one; `classes` are the class
/// folders of another part, in order.
pub(crate) fn read(part: &Folder, classes: &[String]) -> Result<Option<Annotated>, Error> {
    let is_table = |file: &&Entry| file.name.ends_with("_annotations.txt");
    let (Some(table), Some(images)) = (part.files.iter().find(is_table), part.folder("images"))
    else {
        return Ok(None);
    };
    let rows = table::read_tabbed(&table.path)?;
    let class_of: HashMap<&str, &str> = rows
        .iter()
        .filter_map(|row| Some((row.get(0)?, row.get(1)?)))
        .collect();
    let mut pictures = Vec::new();
    for file in Folder::read(&images.path)?.pictures() {
        let class = class_of.get(file.name.as_str());
        let label = class.and_then(|&class| classes.iter().position(|known| known == class));
        let Some(label) = label else {
            return Err(Error::Labels {
                path: table.path.clone(),
                reason: match class {
                    Some(class) => {
                        format!("{} is of class {class}, which has no folder", file.name)
                    }
                    None => format!("{} is not in it", file.name),
                },
            });
        };
        let picture = PictureFile {
            name: format!("images/{}", file.name),
            path: file.path.clone(),
            region: None,
        };
        pictures.push((label, picture));
    }
    Ok((!pictures.is_empty()).then(|| Annotated {
        table: table.path.clone(),
        pictures,
    }))
}
