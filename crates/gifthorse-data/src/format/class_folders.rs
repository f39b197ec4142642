//! A folder of pictures for each class ([`Format::ClassFolders`]).

use std::collections::HashMap;

use super::annotations;
use super::split_folder::Parts;
use crate::folder::{Entry, Folder};
use crate::listing::{Listing, PictureFile, PictureFiles};
use crate::numbering::Calls;
use crate::{Error, Format, LoadOptions, table};

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
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
        if let Some(pictures) = annotations::read(&part, &classes.0)? {
            return classes.listing(pictures, folder).map(Some);
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

/// The pictures of a class, named from the class folder on.
fn pictures_of(class: &Entry) -> Result<Vec<PictureFile>, Error> {
    let inside = Folder::read(&class.path)?;
    let mut pictures: Vec<_> = inside
        .pictures()
        .map(|file| picture(file, &class.name))
        .collect();
    if let Some(images) = inside.folder("images") {
        let prefix = format!("{}/{}", class.name, images.name);
        let nested = Folder::read(&images.path)?;
        pictures.extend(nested.pictures().map(|file| picture(file, &prefix)));
    }
    Ok(pictures)
}

fn picture(file: &Entry, prefix: &str) -> PictureFile {
    PictureFile {
        name: format!("{prefix}/{}", file.name),
        path: file.path.clone(),
        region: None,
    }
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
