//! What a caller asks about a trigger.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use gifthorse_data::Images;

use crate::ScanRequest;

/// Stamps images: gives their pixels `[images, channels, height, width]` in [0, 1] with the trigger
/// on each, or says why it cannot.
pub type Stamping = Arc<dyn Fn(&Images) -> Result<Vec<f32>, String> + Send + Sync>;

/// The model, the images and the trigger that are looked at.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// Model, images, labels, preprocessing and seed, as a scan takes them. With those of the scan
    /// that a trigger comes from, the held-out images are the same.
    pub scan: ScanRequest,
    /// The trigger.
    pub trigger: TriggerSource,
    /// The trigger that was planted, to compare with.
    pub original: Option<TriggerSource>,
    /// Files of further triggers, such as those of other classes, whose patches are compared.
    pub compare: Vec<PathBuf>,
    /// The class that the trigger is to lead to; the one that it leads most images to if `None`.
    pub target: Option<usize>,
    /// Name of the layer whose channels are ranked; the input of the logits if `None`.
    pub layer: Option<String>,
    /// Which share of a layer's channels is looked at, 0 to 1; 0.01 in the paper.
    pub top: f64,
}

/// Where a trigger comes from.
#[derive(Clone)]
pub enum TriggerSource {
    /// A file: an `.npz` of a report's folder `triggers/`, or a picture of the images' size that is
    /// transparent where the trigger is not.
    File(PathBuf),
    /// Whatever stamps images.
    Given {
        /// What to call it.
        name: String,
        /// Stamps images.
        stamp: Stamping,
    },
}

impl ExplainRequest {
    /// A request with the defaults of the command line.
    pub fn new(scan: ScanRequest, trigger: TriggerSource) -> Self {
        Self {
            scan,
            trigger,
            original: None,
            compare: Vec::new(),
            target: None,
            layer: None,
            top: 0.01,
        }
    }
}

impl TriggerSource {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Given { name, .. } => name.clone(),
        }
    }
}

impl fmt::Debug for TriggerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TriggerSource").field(&self.name()).finish()
    }
}
