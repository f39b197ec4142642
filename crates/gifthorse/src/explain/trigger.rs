//! A trigger from a file, or from whoever stamps images himself.

use std::path::Path;

use gifthorse_data::{Images, Overlay, read_overlay};
use gifthorse_defense::trigger::{Patch, Trigger};
use gifthorse_report::evidence::read_trigger_file;

use super::request::{Stamping, TriggerSource};
use crate::Error;
use crate::recovered::stamped;

/// A trigger that is ready to be put on images.
pub enum Stampable {
    /// Read from a file.
    Trigger(Trigger),
    /// Stamped by the caller.
    Given { name: String, stamp: Stamping },
}

impl Stampable {
    /// Reads a trigger for images of `shape`, channels, height and width.
    ///
    /// # Errors
    /// A file that cannot be read, that is for other images, or that is stamped on nothing.
    pub fn read(source: &TriggerSource, shape: [usize; 3]) -> Result<Self, Error> {
        match source {
            TriggerSource::File(path) => Ok(Self::Trigger(from_file(path, shape)?)),
            TriggerSource::Given { name, stamp } => Ok(Self::Given {
                name: name.clone(),
                stamp: stamp.clone(),
            }),
        }
    }

    /// The pixels of images with the trigger on each.
    ///
    /// # Errors
    /// What the caller's stamp says; pixels of it that are none.
    pub fn stamp(&self, images: &Images) -> Result<Vec<f32>, Error> {
        let shape = images.shape();
        match self {
            Self::Trigger(trigger) => {
                Ok(trigger.stamp(images.pixels(), [shape.channels, shape.height, shape.width]))
            }
            Self::Given { name, stamp } => {
                let refused = |why: &str| {
                    Error::Request(format!("the trigger {name} cannot be stamped: {why}"))
                };
                let stamped = stamp(images).map_err(|why| refused(&why))?;
                let is_pixel = |value: &f32| (0.0..=1.0).contains(value);
                match stamped.len() == images.pixels().len() && stamped.iter().all(is_pixel) {
                    true => Ok(stamped),
                    false => Err(refused("what comes of it are no images")),
                }
            }
        }
    }

    /// The patch, if it is one from a file.
    pub fn patch(&self) -> Option<&Patch> {
        match self {
            Self::Trigger(Trigger::Patch(patch)) => Some(patch),
            _ => None,
        }
    }
}

/// Reads a trigger file or a picture with transparency.
///
/// # Errors
/// As [`Stampable::read`].
pub fn from_file(path: &Path, shape: [usize; 3]) -> Result<Trigger, Error> {
    let is_archive = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
    let trigger = match is_archive {
        true => stamped(read_trigger_file(path, shape)?),
        false => Some(Trigger::Patch(of_picture(path, shape)?)),
    };
    trigger.ok_or_else(|| {
        Error::Request(format!(
            "{} holds an image that answers by itself and is stamped on nothing: give a trigger of another detector, such as \
             triggers/neural_cleanse/CLASS.npz",
            path.display()
        ))
    })
}

/// A picture of the images' size that covers them where it is opaque.
fn of_picture(path: &Path, [channels, height, width]: [usize; 3]) -> Result<Patch, Error> {
    let refused = |why: String| {
        Err(Error::Request(format!(
            "the trigger {} {why}: give an .npz file of a report, or a picture of {height}x{width} pixels that is \
             transparent where the trigger is not",
            path.display()
        )))
    };
    let Overlay {
        shape,
        colours,
        cover,
    } = read_overlay(path, channels)?;
    if (shape.height, shape.width) != (height, width) {
        return refused(format!("has {}x{} pixels", shape.height, shape.width));
    }
    if cover.iter().all(|&cover| cover >= 1.0) {
        return refused("covers the whole image".to_owned());
    }
    if cover.iter().all(|&cover| cover <= 0.0) {
        return refused("is transparent everywhere".to_owned());
    }
    Ok(Patch::quantised(&cover, &colours))
}
