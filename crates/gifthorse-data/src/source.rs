//! Which images a model is trained and tested on: a data set by name, and what is taken of it.
//!
//! A [`Source`] is plain data, a few lines of a file. [`Source::load`] gives the same images for
//! the same source and the same files, and never an image for testing that is also there for
//! training.

mod draw;
mod parts;
mod set;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::generate::{SignOptions, signs};
use crate::load::{Read, read_records};
use crate::loaded::Warning;
use crate::{Crop, Error, ImageShape, Images, Split};
use draw::Draw;
use parts::Parts;
pub use set::Set;

/// Training and test images, described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The data set.
    pub set: Set,
    /// The image set to read if `set` is `folder`: anything that [`crate::load`] reads, with
    /// labels. What is not there is looked for in the folder of data sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Most images to train on, drawn evenly over the classes. By default all of a set are taken,
    /// and 6,000 signs are generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Most images to test on, drawn evenly over the classes. By default all of a set are taken,
    /// and 1,200 signs are generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Only these classes, which become 0, 1, ... in this order and keep their names; empty takes
    /// all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<usize>,
    /// Training images of the last class over those of the first, in (0, 1]; those between follow
    /// an exponential. Test images stay even.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imbalance: Option<f64>,
    /// Classes (as numbered after `classes`) whose images are dealt at random to two labels: their
    /// own and a new one after the last. Nothing tells the two apart, so a network that has learnt
    /// everything is right on half of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_duplicates: Vec<usize>,
    /// Which part of each picture: `roi` is the region that GTSRB marks.
    #[serde(default, skip_serializing_if = "is_whole")]
    pub crop: Crop,
    /// Height and width that images are resized to; as they are by default, 32 for GTSRB and signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// 1 for grey, 3 for colour; as they are by default, 3 for signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Settles which images are drawn, and which signs are generated.
    #[serde(default)]
    pub seed: u64,
}

fn is_whole(crop: &Crop) -> bool {
    *crop == Crop::None
}

/// Images to train on and others to test on, of the same shape and classes.
#[derive(Debug, Clone)]
pub struct TrainTest {
    /// Trained on.
    pub train: Images,
    /// Never trained on.
    pub test: Images,
    /// Pictures that could not be read and are left out.
    pub warnings: Vec<Warning>,
}

impl Source {
    /// All of a data set as it is.
    #[must_use]
    pub fn of(set: Set) -> Self {
        Self {
            set,
            path: None,
            train: None,
            test: None,
            classes: Vec::new(),
            imbalance: None,
            near_duplicates: Vec::new(),
            crop: Crop::None,
            size: None,
            channels: None,
            seed: 0,
        }
    }

    /// Reads or generates the images; `data` is the folder that holds the data sets, by the names
    /// of [`Set::folder`].
    ///
    /// Where a data set has no training part, or no parts at all, a fifth of each class is kept for
    /// testing, the same whatever else is asked for.
    ///
    /// # Errors
    /// [`Error::NoDataFolder`] or [`Error::NoDataSet`] if there is nothing to read;
    /// [`Error::NoSuchClass`]; [`Error::Source`] for settings that make no sense or leave a class
    /// without images; what [`crate::load`] refuses.
    pub fn load(&self, data: Option<&Path>) -> Result<TrainTest, Error> {
        self.check()?;
        let loaded = match self.set {
            Set::Signs => self.generate()?,
            _ => self.read(&self.set.locate(self.path.as_deref(), data)?)?,
        };
        if loaded.train.shape() != loaded.test.shape() {
            return Err(Error::Source(format!(
                "training images are {}, test images {}; give a size and channels",
                loaded.train.shape(),
                loaded.test.shape()
            )));
        }
        Ok(loaded)
    }

    fn generate(&self) -> Result<TrainTest, Error> {
        let size = self.size.unwrap_or(SignOptions::default().size);
        let channels = self.channels.unwrap_or(SignOptions::default().channels);
        let draw = |split: Split, seed: u64| {
            let wanted = self.wanted(split).unwrap_or(match split {
                Split::Train => 6000,
                Split::Test => 1200,
            });
            // Twelve classes come equally often; enough of them that those wanted fill the number.
            let share = self.classes.len().clamp(1, 12);
            let count = match self.classes.is_empty() {
                true => wanted,
                false => wanted.saturating_mul(12).div_ceil(share).saturating_add(12),
            };
            let all = signs(&SignOptions {
                count,
                seed,
                size,
                channels,
            });
            let all = all.map_err(|error| Error::Signs(Box::new(error)))?;
            let labels = all.labels().unwrap_or_default();
            let drawn = self.drawn(split, Some(wanted), labels, all.class_names().to_vec())?;
            drawn.relabel(all.subset(&drawn.records))
        };
        Ok(TrainTest {
            train: draw(Split::Train, self.seed.wrapping_mul(2))?,
            test: draw(Split::Test, self.seed.wrapping_mul(2) | 1)?,
            warnings: Vec::new(),
        })
    }

    fn read(&self, path: &Path) -> Result<TrainTest, Error> {
        let target = self.target(path)?;
        let parts = Parts::list(path, self.crop, target)?;
        let mut warnings = Vec::new();
        let mut read = |split: Split| {
            let part = parts.of(split);
            let Some(labels) = part.labels() else {
                return Err(Error::Source(format!(
                    "the images in {} have no labels",
                    path.display()
                )));
            };
            let names = self.set.class_names(&part.listing.class_names, &labels);
            let drawn = self.drawn(split, self.wanted(split), &labels, names)?;
            let records = part.records_of(&drawn.records);
            let Read {
                images,
                warnings: unread,
                ..
            } = read_records(path, &part.options, &part.listing, &records)?;
            warnings.extend(unread);
            // Pictures that could not be read are missing from the images.
            let images = images.with_class_names(Vec::new())?;
            drawn.relabel_named(images, |record| {
                part.listing.pictures.name(part.records[record])
            })
        };
        Ok(TrainTest {
            train: read(Split::Train)?,
            test: read(Split::Test)?,
            warnings,
        })
    }

    fn drawn(
        &self,
        split: Split,
        wanted: Option<usize>,
        labels: &[usize],
        names: Vec<String>,
    ) -> Result<draw::Drawn, Error> {
        Draw {
            source: self,
            split,
            wanted,
        }
        .draw(labels, names)
    }

    fn wanted(&self, split: Split) -> Option<usize> {
        match split {
            Split::Train => self.train,
            Split::Test => self.test,
        }
    }

    /// The shape that images are brought to; `None` leaves them as they are.
    fn target(&self, path: &Path) -> Result<Option<ImageShape>, Error> {
        let size = self.size.or((self.set == Set::Gtsrb).then_some(32));
        if size.is_none() && self.channels.is_none() {
            return Ok(None);
        }
        let native = match (size, self.channels) {
            (Some(_), Some(_)) => None,
            _ => Some(parts::first_shape(path)?),
        };
        Ok(Some(ImageShape {
            channels: self
                .channels
                .or(native.map(|shape| shape.channels))
                .unwrap_or(3),
            height: size.or(native.map(|shape| shape.height)).unwrap_or(32),
            width: size.or(native.map(|shape| shape.width)).unwrap_or(32),
        }))
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Source(reason));
        if self.train == Some(0) || self.test == Some(0) {
            return refuse("`train` and `test` are numbers of images of at least 1".to_owned());
        }
        if let Some(imbalance) = self.imbalance
            && !(imbalance > 0.0 && imbalance <= 1.0)
        {
            return refuse(format!(
                "the `imbalance` {imbalance} is no share above 0 and up to 1"
            ));
        }
        if self.path.is_some() != (self.set == Set::Folder) {
            return refuse(format!(
                "a `path` goes with the set `folder`, and only with it; the set is {}",
                self.set
            ));
        }
        if self.crop == Crop::Roi && self.set != Set::Gtsrb {
            return refuse(format!(
                "only gtsrb gives regions to crop to (`crop`), not {}",
                self.set
            ));
        }
        Ok(())
    }
}
