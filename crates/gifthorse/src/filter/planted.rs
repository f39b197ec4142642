//! A trigger that is known, for filters to be held against.

use std::sync::Arc;

use gifthorse_data::Images;

use crate::explain::trigger::Stampable;
use crate::{PlantedTrigger, TriggerSource};

struct Known {
    source: TriggerSource,
    target: usize,
}

/// A trigger that leads images of all classes to `target`.
pub fn as_planted(source: TriggerSource, target: usize) -> Arc<dyn PlantedTrigger> {
    Arc::new(Known { source, target })
}

impl PlantedTrigger for Known {
    fn name(&self) -> String {
        self.source.name()
    }

    fn leads_to(&self, _class: usize, _classes: usize) -> Option<usize> {
        Some(self.target)
    }

    fn stamp(&self, images: &Images) -> Result<Images, String> {
        let shape = images.shape();
        let of_image = [shape.channels, shape.height, shape.width];
        let trigger = Stampable::read(&self.source, of_image).map_err(|error| error.to_string())?;
        let pixels = trigger.stamp(images).map_err(|error| error.to_string())?;
        let (labels, names) = (
            images.labels().map(<[usize]>::to_vec),
            images.names().to_vec(),
        );
        Images::new(shape, pixels, labels, Vec::new(), names).map_err(|error| error.to_string())
    }
}
