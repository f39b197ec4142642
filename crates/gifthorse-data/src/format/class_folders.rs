//! A folder of pictures for each class ([`Format::ClassFolders`]).

use std::collections::HashMap;
use std::path::PathBuf;

use super::annotations;
use super::split_folder::Parts;
use crate::folder::{Entry, Folder, is_picture};
use crate::listing::{Listing, PictureFile, PictureFiles};
use crate::numbering::Calls;
use crate::walk::{What, walk};
use crate::{Error, Format, LoadOptions, Split, table};

/// Folders around the class folders that are looked through.
const MOST_WRAPPERS: usize = 3;

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let inner = inner(folder)?;
    let folder = inner.as_ref().unwrap_or(folder);
    let parts = Parts::of(folder, options.split);
    if parts.all.is_empty() {
        let classes = Classes::of(class_names_in(folder)?);
        return list_part(folder, folder, &classes);
    }
    let mut names = Vec::new();
    for part in &parts.all {
        names.append(&mut class_names_in(&Folder::read(&part.path)?)?);
    }
    if names.is_empty() {
        return Ok(None);
    }
    let classes = Classes::of(names);
    for part in &parts.wanted {
        let part = Folder::read(&part.path)?;
        if let Some(listing) = list_part(&part, folder, &classes)? {
            return Ok(Some(listing));
        }
        if let Some(annotated) = annotations::read(&part, &classes.0)? {
            let mut listing = classes.listing(annotated.pictures, folder)?;
            listing.tables.push(annotated.table);
            return Ok(Some(listing));
        }
    }
    // Flat parts are for the next format; only a split without any part is an error of this one.
    if parts.wanted.is_empty() {
        return Err(parts.missing(folder, options.split));
    }
    Ok(None)
}

/// The class folders of all parts, in the order that records come in: by number where all names are
/// numbers, else by name.
struct Classes(Vec<String>);

impl Classes {
    fn of(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        names.dedup();
        let number = |name: &String| name.parse::<u64>().ok();
        if names.iter().all(|name| number(name).is_some()) {
            names.sort_by_key(number);
        }
        Self(names)
    }

    fn listing(
        &self,
        labelled: Vec<(usize, PictureFile)>,
        root: &Folder,
    ) -> Result<Listing, Error> {
        let (labels, pictures) = labelled.into_iter().unzip();
        Ok(Listing {
            format: Format::ClassFolders,
            labels: Some(labels),
            calls: Calls::Folders(self.0.clone()),
            class_names: self.display_names(root)?,
            tables: tables(root),
            unpacked: None,
            of_other_part: Vec::new(),
            notes: Vec::new(),
            pictures: Box::new(PictureFiles(pictures)),
        })
    }

    /// Names to show: those of `words.txt` if it knows every class, else those of the folders.
    fn display_names(&self, root: &Folder) -> Result<Vec<String>, Error> {
        let Some(words) = root.file("words.txt") else {
            return Ok(self.0.clone());
        };
        let rows = table::read_tabbed(&words.path)?;
        let words: HashMap<&str, &str> = rows
            .iter()
            .filter_map(|row| Some((row.get(0)?, row.get(1)?)))
            .collect();
        let names = self.0.iter().map(|name| words.get(name.as_str()));
        let names: Option<Vec<_>> = names.map(|name| name.map(|&n| n.to_owned())).collect();
        Ok(names.unwrap_or_else(|| self.0.clone()))
    }
}

/// Names of the folders that are classes. A lone `images` folder holds pictures of no class.
fn class_names_in(folder: &Folder) -> Result<Vec<String>, Error> {
    let lone_images = matches!(folder.folders.as_slice(), [only] if only.name == "images");
    if lone_images {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    let mut any_pictures = false;
    for class in &folder.folders {
        names.push(class.name.clone());
        any_pictures = any_pictures || !pictures_of(class)?.is_empty();
    }
    Ok(if any_pictures { names } else { Vec::new() })
}

/// The pictures of a class, in its folder or in folders inside, named from the class folder on.
fn pictures_of(class: &Entry) -> Result<Vec<PictureFile>, Error> {
    let found = walk(&class.path)?.into_iter();
    let pictures = found.filter(|found| found.what == What::File && is_picture(&found.path));
    Ok(pictures
        .map(|found| PictureFile {
            name: format!("{}/{}", class.name, found.name),
            path: found.path,
            region: None,
        })
        .collect())
}

/// The tables that are read beside class folders.
fn tables(root: &Folder) -> Vec<PathBuf> {
    let words = root.file("words.txt").map(|file| file.path.clone());
    words.into_iter().collect()
}

/// The folder that the class folders or the parts are in: archives unpack into a folder of their
/// own, and then it is the only thing that the folder given holds.
fn inner(folder: &Folder) -> Result<Option<Folder>, Error> {
    let mut inner = None;
    for _ in 0..MOST_WRAPPERS {
        let outer = inner.as_ref().unwrap_or(folder);
        let [only] = outer.folders.as_slice() else {
            break;
        };
        if outer.pictures().next().is_some() || Parts::of(outer, Split::Test).any() {
            break;
        }
        let next = Folder::read(&only.path)?;
        let wraps = next.folders.len() > 1 && next.pictures().next().is_none();
        if !wraps {
            break;
        }
        inner = Some(next);
    }
    Ok(inner)
}

fn list_part(part: &Folder, root: &Folder, classes: &Classes) -> Result<Option<Listing>, Error> {
    let mut pictures = Vec::new();
    for (label, name) in classes.0.iter().enumerate() {
        if let Some(class) = part.folders.iter().find(|class| &class.name == name) {
            let labelled = pictures_of(class)?.into_iter().map(|file| (label, file));
            pictures.extend(labelled);
        }
    }
    if pictures.is_empty() {
        return Ok(None);
    }
    classes.listing(pictures, root).map(Some)
}
