//! What was planted in a model, read from its truth file.

use std::path::Path;

use gifthorse_attack::plant::Truth;
use gifthorse_attack::trigger::on_grey;
use gifthorse_data::ImageShape;
use serde::Serialize;

use super::ZooError;
use super::index::Entry;
use super::store::read_json;

/// What was planted in a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Planted {
    /// The classes that triggers lead to, ascending.
    pub targets: Vec<usize>,
    /// Pixels that the trigger changes in a grey image; `null` if that is more than half of it.
    pub trigger_pixels: Option<f64>,
    /// Share of the images of other classes that the trigger leads to its target.
    pub attack_success: f64,
}

impl Planted {
    /// Reads the truth about a model whose images have the shape `[channels, height, width]`.
    pub fn read(folder: &Path, entry: &Entry, shape: [usize; 3]) -> Result<Self, ZooError> {
        let path = folder.join(&entry.truth);
        let damaged = |reason: &str| ZooError::Damaged {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let truth: Truth = read_json(&path)?.ok_or_else(|| damaged("it is not there"))?;
        let backdoor = truth
            .backdoor
            .ok_or_else(|| damaged("it tells of no backdoor, and zoo.json does"))?;
        let [channels, height, width] = shape;
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let stamped = on_grey(&backdoor.trigger, shape).map_err(gifthorse_attack::Error::from)?;
        let pixels = height * width;
        let changed = (0..pixels)
            .filter(|pixel| (0..channels).any(|c| stamped[c * pixels + pixel] != 0.5))
            .count();
        Ok(Self {
            targets: vec![backdoor.target],
            trigger_pixels: (2 * changed <= pixels).then_some(changed as f64),
            attack_success: backdoor.attack_success.other_classes,
        })
    }
}
