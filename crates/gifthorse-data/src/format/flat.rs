//! A folder of pictures without labels ([`Format::FlatFolder`]).

use super::split_folder::Parts;
use crate::folder::Folder;
use crate::listing::{Listing, PictureFile, PictureFiles};
use crate::numbering::Calls;
use crate::{Error, Format, LoadOptions};

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let here = pictures_in(folder)?;
    if !here.is_empty() {
        return Ok(Some(listing(here)));
    }
    let parts = Parts::of(folder, options.split);
    for part in &parts.wanted {
        let pictures = pictures_in(&Folder::read(&part.path)?)?;
        if !pictures.is_empty() {
            return Ok(Some(listing(pictures)));
        }
    }
    if !parts.all.is_empty() && parts.wanted.is_empty() {
        return Err(parts.missing(folder, options.split));
    }
    Ok(None)
}

/// The pictures of a folder, or of a folder `images` in it if it has none of its own.
fn pictures_in(folder: &Folder) -> Result<Vec<PictureFile>, Error> {
    let nested = match folder.folder("images") {
        Some(images) if folder.pictures().next().is_none() => Some(Folder::read(&images.path)?),
        _ => None,
    };
    let pictures = nested.as_ref().unwrap_or(folder).pictures();
    Ok(pictures
        .map(|file| PictureFile {
            name: file.name.clone(),
            path: file.path.clone(),
            region: None,
        })
        .collect())
}

fn listing(pictures: Vec<PictureFile>) -> Listing {
    Listing {
        format: Format::FlatFolder,
        labels: None,
        calls: Calls::Numbers,
        class_names: Vec::new(),
        tables: Vec::new(),
        unpacked: None,
        of_other_part: Vec::new(),
        notes: Vec::new(),
        pictures: Box::new(PictureFiles(pictures)),
    }
}
