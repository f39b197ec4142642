//! All triggers under one type, to be read from a file and written to one.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::trigger::{Mosaic, Square, Stamp, Trigger, TriggerError};

/// Any of the triggers, as plain data: a table whose `kind` says which, beside that trigger's fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyTrigger {
    /// A square of one colour.
    Square(Square),
    /// One of a family of mutually exclusive colour patterns.
    Mosaic(Mosaic),
}

impl AnyTrigger {
    /// What it is put together from: the parts of a combination, nothing for all others.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        &[]
    }

    fn as_trigger(&self) -> &dyn Trigger {
        match self {
            Self::Square(trigger) => trigger,
            Self::Mosaic(trigger) => trigger,
        }
    }
}

impl Trigger for AnyTrigger {
    fn name(&self) -> &'static str {
        self.as_trigger().name()
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        self.as_trigger().fit(shape)
    }
}
