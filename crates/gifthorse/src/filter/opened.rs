//! A filter taken up again, with its model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_data::{Crop, ImageShape, Images, LoadOptions, Loaded, load};
use gifthorse_defense::filter::{Exported, Held, Score, Scored, named};
use gifthorse_engine::{Classifier, Device, Opening};
use gifthorse_onnx::Model;

use super::file::FilterFile;
use super::fit::with_most;
use crate::hash::of_model;
use crate::model::OpenModel;
use crate::preprocessing::of_report;
use crate::repair::record::ModelFile;
use crate::scan::images::ImageSet;
use crate::scan::turns::first;
use crate::verify::crop;
use crate::{Error, PreprocessChoice, ScanRequest};

/// A filter that is ready to score images.
pub struct OpenFilter {
    /// What it was kept as, without its state.
    pub file: FilterFile,
    /// The model, opened as it was when the filter was fitted.
    pub classifier: Classifier,
    score: Box<dyn Score>,
    /// Where the repaired model lies, if the filter asks one.
    repaired: Option<PathBuf>,
}

impl OpenFilter {
    /// Reads a filter and its model.
    ///
    /// `model` and `repaired` say where the models lie; without, where they lay when the filter was
    /// fitted. `force` takes another model than that.
    ///
    /// # Errors
    /// Files that cannot be read, or are no filter; [`Error::OtherModel`]; a method that this
    /// program does not have.
    pub fn read(
        path: &Path,
        model: Option<&Path>,
        repaired: Option<&Path>,
        force: bool,
    ) -> Result<Self, Error> {
        let mut file = FilterFile::read(path)?;
        let filter = named(&file.method)?;
        let [_, height, width] = file.shape;
        let opening = Opening {
            output: Some(file.output.clone()),
            inputs: file.given.clone(),
        };
        let opened = OpenModel::read(
            model.unwrap_or(Path::new(&file.model.path)),
            &PreprocessChoice::Given(of_report(&file.preprocess)?),
            Some([height, width]),
            &opening,
        )?;
        let classifier = opened.classifier;
        check_same(
            &file.model,
            &opened.described.path,
            opened.described.sha256,
            force,
        )?;
        if (classifier.shape(), classifier.classes()) != (file.shape, file.classes) {
            return Err(Error::Request(format!(
                "{} is a filter for images of shape {:?} in {} classes, the model takes {:?} in {}",
                path.display(),
                file.shape,
                file.classes,
                classifier.shape(),
                classifier.classes()
            )));
        }
        let repaired = match &file.repaired {
            None => None,
            Some(kept) => {
                let at = repaired.unwrap_or(Path::new(&kept.path));
                let (model, found) = repaired_model(at, &classifier)?;
                check_same(kept, &found.path, found.sha256, force)?;
                Some((model, at.to_owned()))
            }
        };
        let held = Held {
            classifier: &classifier,
            repaired: repaired.as_ref().map(|(model, _)| model),
        };
        let score = filter.restore(file.state.take(), &held)?;
        Ok(Self {
            file,
            classifier,
            score,
            repaired: repaired.map(|(_, path)| path),
        })
    }

    /// Scores images `[images, channels, height, width]` in [0, 1], in their order.
    ///
    /// # Errors
    /// A number of pixels that is no whole number of images; a model that cannot be run.
    pub fn score(&self, pixels: &[f32]) -> Result<Vec<Scored>, Error> {
        Ok(self.score.score(pixels)?)
    }

    /// Puts the score into a model, and what its safe label follows from.
    ///
    /// # Errors
    /// A filter whose score no graph computes; a graph that cannot be changed; a repaired model that
    /// cannot be read.
    pub(super) fn export(&self, model: &mut Model) -> Result<Exported, Error> {
        let repaired = self.repaired.as_ref().map(|path| {
            Model::read(path).map_err(|source| Error::Model {
                path: path.clone(),
                source: Box::new(source),
            })
        });
        let repaired = repaired.transpose()?;
        Ok(self.score.export(model, repaired.as_ref())?)
    }

    /// Images in the shape that the model takes, of the region of each that the filter was fitted
    /// for unless the request names one.
    ///
    /// # Errors
    /// Images that cannot be read; a label that the model has no class for.
    pub(super) fn images(&self, scan: &ScanRequest, path: &Path) -> Result<ImageSet, Error> {
        ImageSet::load(&self.reading(scan)?, path, &self.classifier)
    }

    /// How images are read: cropped as for the fit, unless the request says how.
    fn reading(&self, scan: &ScanRequest) -> Result<ScanRequest, Error> {
        let of_filter = crop(&self.file.preprocess)?;
        Ok(ScanRequest {
            crop: if scan.crop == Crop::None {
                of_filter
            } else {
                scan.crop
            },
            ..with_most(scan, &self.classifier)
        })
    }

    /// Images of which nothing is known, without whatever labels their folders give them.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub(super) fn suspects(&self, scan: &ScanRequest, path: &Path) -> Result<Loaded, Error> {
        let [channels, height, width] = self.classifier.shape();
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        let scan = self.reading(scan)?;
        let options = LoadOptions {
            target: Some(shape),
            split: scan.split,
            crop: scan.crop,
            exif: first(scan.exif),
            max_images: scan.max_images,
            draw: scan.draw,
            seed: scan.seed,
            ..LoadOptions::default()
        };
        Ok(load(path, &options)?)
    }

    /// The images that the filter was not fitted with, nor its threshold set by.
    pub(super) fn unseen(&self, images: Images) -> Images {
        let places: Vec<usize> = (0..images.len())
            .filter(|&place| !self.file.images.seen.has(images.image(place)))
            .collect();
        match places.len() == images.len() {
            true => images,
            false => images.into_subset(&places),
        }
    }
}

fn check_same(kept: &ModelFile, path: &str, found: String, force: bool) -> Result<(), Error> {
    if kept.sha256 == found || force {
        return Ok(());
    }
    Err(Error::OtherModel {
        path: path.into(),
        expected: kept.sha256.clone(),
        found,
    })
}

/// The repaired twin of a model, opened likewise.
///
/// # Errors
/// A file that cannot be read or run, or has other images or classes than the model.
pub(super) fn repaired_model(
    path: &Path,
    like: &Classifier,
) -> Result<(Classifier, ModelFile), Error> {
    let in_file = |source| Error::Model {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let in_engine = |source| Error::Engine {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let model = Model::read(path).map_err(in_file)?;
    let graph = Arc::new(model.graph().map_err(in_file)?);
    crate::memory::check_weights(path, &graph)?;
    let [_, height, width] = like.shape();
    let ends = like.network().ends();
    let opening = Opening {
        output: Some(ends.output.clone()),
        inputs: ends.given.clone(),
    };
    let preprocess = like.preprocess().clone();
    let size = Some([height, width]);
    let repaired = Classifier::open(graph, preprocess, size, &opening, &Device::flex());
    let repaired = repaired.map_err(in_engine)?;
    if (repaired.shape(), repaired.classes()) != (like.shape(), like.classes()) {
        return Err(Error::Request(format!(
            "{} takes images of shape {:?} in {} classes, the model that it is to be a repair of {:?} in {} (--repaired)",
            path.display(),
            repaired.shape(),
            repaired.classes(),
            like.shape(),
            like.classes()
        )));
    }
    let file = ModelFile {
        path: path.to_string_lossy().into_owned(),
        sha256: of_model(path, &model)?,
    };
    Ok((repaired, file))
}
