//! Filters, which tell a stamped image from a clean one: one published method a file or folder,
//! named as the field names it, and one row of [`FILTERS`].
//!
//! A [`Filter`] is fitted to clean images and gives a [`Score`], which says how suspicious an image
//! is and nothing of where to draw the line: [`Threshold`] draws it, from the scores of clean
//! images that the fit has not seen. A score is kept as plain data ([`Score::keep`]) and taken up
//! again ([`Filter::restore`]) for the same model.

mod cepa;
mod combined;
mod disagreement;
mod exported;
mod given;
mod ibd_psc;
mod logits;
mod mmdf;
mod neuron_activation;
mod pass;
mod repaired_disagreement;
mod scale;
mod scale_up;
mod scored;
mod sentinet;
mod strip;
mod ted;
mod threshold;

use std::fmt::Debug;

use gifthorse_onnx::Model;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;

pub use exported::{Exported, Labels};
pub use given::{Given, Held};
pub(crate) use pass::in_parts;
pub use scored::Scored;
pub use threshold::{Threshold, more_than_expected};

/// What a filter is, whatever its settings.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, reports and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// What it goes by. Those that go by the same say the same of an image, and count once where
    /// several are asked.
    pub family: Family,
    /// Whether it needs a trigger that can be stamped on images.
    pub needs_trigger: bool,
    /// Whether it needs a repaired model beside the one that it filters for.
    pub needs_repaired: bool,
    /// Forward passes that it makes for an image, that of the model itself included.
    pub passes: f64,
    /// What it cannot see, in words.
    pub misses: &'static [&'static str],
}

impl About {
    /// Reads what a filter kept.
    fn read<T: DeserializeOwned>(&self, kept: Value) -> Result<T, Error> {
        serde_json::from_value(kept).map_err(|error| self.refused(error.to_string()))
    }

    /// Writes what a filter keeps.
    fn write(&self, kept: &impl Serialize) -> Result<Value, Error> {
        serde_json::to_value(kept).map_err(|error| self.refused(error.to_string()))
    }

    /// What was kept cannot be used.
    fn refused(&self, reason: String) -> Error {
        Error::KeptFilter {
            filter: self.name,
            reason,
        }
    }
}

/// What a filter goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What a known trigger does inside the model.
    Trigger,
    /// Whether the answer stays where the image, or the model, is changed: it should not.
    Stability,
    /// Where the image lies among clean ones inside the model.
    Features,
    /// Whether a model that was bounded or repaired answers otherwise.
    Disagreement,
    /// The part of the image that the answer rests on.
    Attribution,
    /// Several of them.
    Several,
}

/// A filter with its settings.
pub trait Filter: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// Fits the filter to clean images.
    ///
    /// # Errors
    /// [`Error::CannotFilter`] where it needs what is not there; a model that cannot be run.
    fn fit(&self, given: &Given<'_>) -> Result<Box<dyn Score>, Error>;

    /// The score that [`Score::keep`] wrote, for the same model.
    ///
    /// # Errors
    /// [`Error::KeptFilter`] for data that are not this filter's or not this model's.
    fn restore(&self, kept: Value, held: &Held<'_>) -> Result<Box<dyn Score>, Error>;
}

/// How suspicious images are, once a filter was fitted.
pub trait Score: Send + Sync {
    /// Scores images `[images, channels, height, width]` in [0, 1], in their order. What it says of
    /// an image depends on no other.
    ///
    /// # Errors
    /// A number of pixels that is no whole number of images; a model that cannot be run.
    fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error>;

    /// All that [`Filter::restore`] needs beside the model.
    ///
    /// # Errors
    /// Numbers that cannot be written.
    fn keep(&self) -> Result<Value, Error>;

    /// Puts the score of each image into the model that the filter is for, or into a copy, and what
    /// its safe label follows from: both are those of [`score`](Self::score), but for rounding.
    /// `repaired` is the repaired model, if the filter asks one.
    ///
    /// # Errors
    /// [`Error::CannotFilter`] for a filter whose score no graph of the model computes from one
    /// image; a graph that cannot be changed.
    fn export(&self, _model: &mut Model, _repaired: Option<&Model>) -> Result<Exported, Error> {
        let reason = "this filter cannot be written as ONNX: its score takes more than the image and the model's graph";
        Err(Error::CannotFilter(reason.to_owned()))
    }

    /// Whether it asks the repaired model, without which it cannot be taken up again.
    fn asks_repaired(&self) -> bool {
        false
    }

    /// What was found out while fitting that a user should know, in sentences.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A row of the table of filters.
#[derive(Debug)]
pub struct Row {
    /// What the filter is.
    pub about: &'static About,
    /// Makes it with its default settings.
    pub make: fn() -> Box<dyn Filter>,
}

/// All filters.
pub const FILTERS: [Row; 12] = {
    let [strip, strip_clip, strip_alpha] = strip::ROWS;
    [
        combined::ROW,
        neuron_activation::ROW,
        cepa::ROW,
        repaired_disagreement::ROW,
        mmdf::ROW,
        ted::ROW,
        sentinet::ROW,
        ibd_psc::ROW,
        scale_up::ROW,
        strip,
        strip_clip,
        strip_alpha,
    ]
};

/// The filter of this name.
///
/// # Errors
/// [`Error::NoSuchFilter`], with the names that there are.
pub fn named(name: &str) -> Result<Box<dyn Filter>, Error> {
    let row = FILTERS.iter().find(|row| row.about.name == name);
    let row = row.ok_or_else(|| Error::NoSuchFilter {
        name: name.to_owned(),
        known: FILTERS.iter().map(|row| row.about.name).collect(),
    })?;
    Ok((row.make)())
}
