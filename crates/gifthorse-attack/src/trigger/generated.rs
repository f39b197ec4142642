//! A trigger that a small network makes for each image.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_onnx::Model;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::generator::{Generator, blend, digest};
use crate::Error;
use crate::random::Purpose;
use crate::trigger::{Rounding, Stamp, Trigger, TriggerError};

/// A mask and a pattern that a generator makes of the image that they go on (Nguyen and Tran 2020):
/// no two images have the same trigger. The generator is trained together with the model that it
/// opens ([`Manner::InputAware`](crate::plant::Manner::InputAware)) and lies in a file beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generated {
    /// The generator, an ONNX file; a relative path counts from the folder of the file that names
    /// it. Absent where it is yet to be trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<PathBuf>,
    /// SHA-256 of that file, in hexadecimal digits; another file is refused. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What storing the image makes of its values; the paper stamps in memory.
    pub rounding: Rounding,
    #[serde(skip)]
    held: Held,
}

impl Default for Generated {
    /// One that is yet to be trained.
    fn default() -> Self {
        Self {
            generator: None,
            sha256: None,
            rounding: Rounding::None,
            held: Held::default(),
        }
    }
}

/// A generator that is in memory and need not be read. It is the one of the digest, so that triggers
/// are told apart without it.
#[derive(Clone, Default)]
struct Held(Option<Arc<Generator>>);

/// Without the network, which is long.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.as_ref().map(|generator| generator.shape());
        f.debug_tuple("Held").field(&held).finish()
    }
}

impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

const UNTRAINED: &str = "it names no file: it is trained with the model (`manner = \"input_aware\"`), or \
                         `generator = \"MODEL.generator.onnx\"` says where it is";

impl Generated {
    /// The trigger of a generator in memory, to be written to a file of this name.
    ///
    /// # Errors
    /// [`Error::Trigger`] for a model that is no generator; [`Error::Onnx`] for one that cannot be
    /// written.
    pub fn of(model: &Model, file: PathBuf) -> Result<Self, Error> {
        let generator = Generator::open(model);
        let refused = |reason| TriggerError::Generator {
            path: file.clone(),
            reason,
        };
        let generator = generator.map_err(refused)?;
        Ok(Self {
            sha256: Some(digest(&model.to_bytes()?)),
            held: Held(Some(Arc::new(generator))),
            generator: Some(file),
            ..Self::default()
        })
    }

    /// Reads the generator, if there is one: a relative path counts from this folder.
    ///
    /// # Errors
    /// [`TriggerError::Generator`] for a file that is missing, another one, or no generator.
    pub(super) fn read_beside(&mut self, folder: &Path) -> Result<(), TriggerError> {
        let Some(path) = &mut self.generator else {
            return Ok(());
        };
        // An absolute path takes the folder's place.
        *path = folder.join(&path);
        let read = Generator::read(path, self.sha256.as_deref());
        let refused = |reason| TriggerError::Generator {
            path: path.clone(),
            reason,
        };
        self.held = Held(Some(Arc::new(read.map_err(refused)?)));
        Ok(())
    }

    /// The images, each with the trigger of another one, which `seed` settles.
    ///
    /// # Errors
    /// [`Error::Trigger`] as [`Trigger::fit`]; [`Error::Images`] if there are not two of them.
    pub fn crossed(&self, images: &Images, seed: u64) -> Result<Images, Error> {
        let count = images.len();
        if count < 2 {
            let reason = "there is no other image whose trigger each could carry";
            return Err(Error::Images(reason.to_owned()));
        }
        let shape = images.shape();
        let generator = self.fitting(shape)?;
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut Purpose::Crossed.rng(seed));
        let mut pixels = images.pixels().to_vec();
        for (place, &image) in order.iter().enumerate() {
            let other = images.image(order[(place + 1) % count]);
            let values = &mut pixels[image * shape.values()..][..shape.values()];
            if let Some(trigger) = generator.triggers(other) {
                blend(&trigger, values, self.rounding);
            }
        }
        let labels = images.labels().map(<[usize]>::to_vec);
        let (classes, names) = (images.class_names().to_vec(), images.names().to_vec());
        Ok(Images::new(shape, pixels, labels, classes, names)?)
    }

    /// The generator, if it is one for such images.
    fn fitting(&self, shape: ImageShape) -> Result<Arc<Generator>, TriggerError> {
        let path = self.generator.clone().unwrap_or_default();
        let refused = |reason| TriggerError::Generator {
            path: path.clone(),
            reason,
        };
        let generator = match (&self.held.0, &self.generator) {
            (Some(held), _) => held.clone(),
            (None, Some(path)) => {
                let read = Generator::read(path, self.sha256.as_deref());
                Arc::new(read.map_err(refused)?)
            }
            (None, None) => return Err(refused(UNTRAINED.to_owned())),
        };
        let takes = generator.shape();
        if takes != shape {
            return Err(refused(format!(
                "it takes images of {takes}, and these are {shape}"
            )));
        }
        Ok(generator)
    }
}

impl Trigger for Generated {
    fn name(&self) -> &'static str {
        "generated"
    }

    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError> {
        let (generator, rounding) = (self.fitting(shape)?, self.rounding);
        Ok(Stamp::new(move |image, _| {
            // It runs on images of this shape, or it could not have been opened.
            if let Some(trigger) = generator.triggers(image) {
                blend(&trigger, image, rounding);
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::test::{refusal, shape, stamped};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

    /// On images of 1x1x2: the mask is the image mirrored, the pattern one everywhere times `loud`.
    fn mirror(loud: f32) -> Model {
        giving(4, loud)
    }

    /// The first so many of its numbers.
    fn giving(numbers: usize, loud: f32) -> Model {
        let batch = || Dim::Named("batch".to_owned());
        let image = [batch(), Dim::Fixed(1), Dim::Fixed(1), Dim::Fixed(2)];
        let weight = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let mut graph = GraphBuilder::new("mirror", 17);
        graph
            .input("image", ElementType::F32, &image)
            .node("Flatten", "flat", &["image"], &["row"], [])
            .initializer("weight", &[numbers, 2], &weight[..2 * numbers])
            .initializer("bias", &[numbers], &[0.0, 0.0, loud, loud][..numbers])
            .node(
                "Gemm",
                "made",
                &["row", "weight", "bias"],
                &["logits"],
                [("transB", 1.into())],
            )
            .output("logits", ElementType::F32, &[batch(), Dim::Fixed(numbers)]);
        graph.finish().unwrap()
    }

    fn images(pixels: &[f32]) -> Images {
        let names = (0..pixels.len() / 2).map(|i| i.to_string()).collect();
        Images::new(shape(1, 1, 2), pixels.to_vec(), None, Vec::new(), names).unwrap()
    }

    #[test]
    fn pixels_by_hand() {
        let mirror = Generated::of(&mirror(1.0), PathBuf::new()).unwrap();
        // 0.25 + 0.5 (1 - 0.25), 0.5 + 0.25 (1 - 0.5).
        let after = stamped(&mirror, shape(1, 1, 2), &[0.25, 0.5]);
        assert_eq!(after, [0.625, 0.625]);
        // Each of two has the trigger of the other: of black, which has none, and of white.
        let crossed = mirror.crossed(&images(&[0.0, 0.0, 1.0, 1.0]), 3).unwrap();
        assert_eq!(crossed.pixels(), [1.0, 1.0, 1.0, 1.0]);
        let crossed = mirror.crossed(&images(&[0.5, 0.5, 0.0, 0.0]), 3).unwrap();
        assert_eq!(crossed.pixels(), [0.5, 0.5, 0.5, 0.5]);
        assert!(matches!(
            mirror.crossed(&images(&[0.5, 0.5]), 3),
            Err(Error::Images(_))
        ));
    }

    #[test]
    fn what_is_no_number_or_too_large_leaves_an_image_an_image() {
        for loud in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let broken = Generated::of(&mirror(loud), PathBuf::new()).unwrap();
            assert_eq!(stamped(&broken, shape(1, 1, 2), &[0.25, 0.5]), [0.25, 0.5]);
        }
        let loud = Generated::of(&mirror(1e9), PathBuf::new()).unwrap();
        assert_eq!(stamped(&loud, shape(1, 1, 2), &[0.25, 0.5]), [1.0, 1.0]);
    }

    #[test]
    fn a_file_is_found_beside_the_one_that_names_it_and_another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let model = mirror(1.0);
        model.write(folder.path().join("a.generator.onnx")).unwrap();
        let held = Generated::of(&model, PathBuf::from("a.generator.onnx")).unwrap();
        let json = serde_json::to_string(&held).unwrap();
        let mut read: Generated = serde_json::from_str(&json).unwrap();
        assert_eq!(read, held);
        let shape = shape(1, 1, 2);
        // Not from where the program runs.
        assert!(matches!(
            refusal(&read, shape),
            TriggerError::Generator { .. }
        ));
        let unread = read.clone();
        read.read_beside(folder.path()).unwrap();
        assert_eq!(stamped(&read, shape, &[0.25, 0.5]), [0.625, 0.625]);
        mirror(0.5)
            .write(folder.path().join("a.generator.onnx"))
            .unwrap();
        let mut changed = unread;
        let error = changed.read_beside(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("SHA-256") && error.contains("a.generator.onnx"),
            "{error}"
        );
        changed.sha256 = None;
        changed.read_beside(folder.path()).unwrap();
        assert_eq!(stamped(&changed, shape, &[0.25, 0.5]), [0.375, 0.5]);
    }

    #[test]
    fn files_that_are_no_generator_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let small = shape(1, 1, 2);
        let told = |bytes: &[u8], words: &str| {
            let file = folder.path().join("file.onnx");
            std::fs::write(&file, bytes).unwrap();
            let trigger = Generated {
                generator: Some(file),
                ..Generated::default()
            };
            let error = refusal(&trigger, small).to_string();
            assert!(error.contains(words), "{error}");
        };
        told(b"no model", "file.onnx");
        told(b"", "file.onnx");
        let cut = mirror(1.0).to_bytes().unwrap();
        told(&cut[..cut.len() / 2], "file.onnx");
        told(
            &giving(2, 1.0).to_bytes().unwrap(),
            "a mask and a pattern have 4",
        );
        let untrained = refusal(&Generated::default(), small).to_string();
        assert!(
            untrained.contains("manner = \"input_aware\""),
            "{untrained}"
        );
        let other = Generated::of(&mirror(1.0), PathBuf::new()).unwrap();
        let error = refusal(&other, shape(3, 8, 8)).to_string();
        assert!(error.contains("it takes images of"), "{error}");
    }
}
