//! The network behind a generated trigger: for each image a mask and a pattern.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;
use sha2::{Digest, Sha256};

use crate::trigger::Rounding;

/// Bytes that the file of a generator has at most; a small network is meant.
const MOST_BYTES: u64 = 64 << 20;

/// A generator that is ready to run.
///
/// It takes images `[batch, channels, height, width]` in `[0, 1]` and gives for each a row of
/// `(1 + channels) * height * width` numbers in `[0, 1]`: a mask, then a pattern of as many channels
/// as the image.
#[derive(Debug)]
pub struct Generator {
    network: Classifier,
}

impl Generator {
    /// A generator from a model.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn open(model: &Model) -> Result<Self, String> {
        let graph = model.graph().map_err(|error| error.to_string())?;
        let (graph, device) = (Arc::new(graph), Device::flex());
        let network = Classifier::new(graph, Preprocess::default(), None, &device);
        let network = network.map_err(|error| error.to_string())?;
        let [channels, height, width] = network.shape();
        let wanted = (1 + channels) * height * width;
        if network.classes() != wanted {
            return Err(format!(
                "it gives {} numbers for an image of {channels}x{height}x{width}, and a mask and a pattern have {wanted}",
                network.classes()
            ));
        }
        Ok(Self { network })
    }

    /// A generator from a file, which has this digest if one is known. What it needs is in the file
    /// itself.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    pub fn read(path: &Path, sha256: Option<&str>) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(format!(
                "it has more than {MOST_BYTES} bytes, which no small generator has"
            ));
        }
        if let Some(sha256) = sha256 {
            let found = digest(&bytes);
            if !found.eq_ignore_ascii_case(sha256) {
                return Err(format!(
                    "its SHA-256 is {found}, and that of the generator is {sha256}: it is another file, or was changed"
                ));
            }
        }
        let model = Model::from_bytes(bytes, None).map_err(|error| error.to_string())?;
        Self::open(&model)
    }

    /// Shape of the images that it takes.
    pub fn shape(&self) -> ImageShape {
        let [channels, height, width] = self.network.shape();
        ImageShape {
            channels,
            height,
            width,
        }
    }

    /// Masks and patterns of any number of images, a row for each; `None` if it does not run.
    pub fn triggers(&self, pixels: &[f32]) -> Option<Vec<f32>> {
        self.network.evaluate(pixels).ok()
    }
}

/// SHA-256 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a trigger, mask and pattern in a row, on an image `[channels, height, width]`: each pixel `x`
/// becomes `x + m (p - x)` (Nguyen and Tran 2020, equation 2). Where the trigger is no number, the
/// image stays.
pub fn blend(trigger: &[f32], image: &mut [f32], rounding: Rounding) {
    let (mask, pattern) = trigger.split_at(trigger.len() - image.len());
    for (place, (pixel, pattern)) in image.iter_mut().zip(pattern).enumerate() {
        let blended = *pixel + mask[place % mask.len()] * (pattern - *pixel);
        if blended.is_finite() {
            *pixel = rounding.store(blended);
        }
    }
}
