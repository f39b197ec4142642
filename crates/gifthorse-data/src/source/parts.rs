//! The training and test part of an image set that is read, whatever parts its files have.

use std::path::Path;

use crate::listing::Listing;
use crate::load;
use crate::sample::split_holdout;
use crate::{Crop, Error, ImageShape, LoadOptions, Split};

/// The share of each class that is kept for testing where the files do not say.
const TEST_SHARE: f64 = 0.2;
/// The seed of that division: one for all, so that no model is tested on what another source
/// trained on.
const DIVISION: u64 = 0;

/// Both parts.
pub(super) struct Parts {
    train: Part,
    test: Part,
}

/// Some records of a listing.
pub(super) struct Part {
    /// All records of the files that the part is in.
    pub listing: Listing,
    /// How they are read.
    pub options: LoadOptions,
    /// Which of them are of this part, ascending.
    pub records: Vec<usize>,
}

impl Parts {
    /// Lists both parts of the image set at `path`.
    pub fn list(path: &Path, crop: Crop, target: Option<ImageShape>) -> Result<Self, Error> {
        let list = |split| {
            let options = LoadOptions {
                split,
                crop,
                target,
                ..LoadOptions::default()
            };
            let listing = load::list(path, &options)?;
            Ok(Part {
                records: (0..listing.pictures.len()).collect(),
                listing,
                options,
            })
        };
        match (list(Split::Train), list(Split::Test)) {
            (Ok(train), Ok(test)) if same(&train, &test)? => Ok(divide(train, test)),
            (Ok(train), Ok(test)) => Ok(Self { train, test }),
            (Ok(train), Err(Error::MissingSplit { .. })) => Ok(divide(train, list(Split::Train)?)),
            (Err(Error::MissingSplit { .. }), Ok(test)) => Ok(divide(list(Split::Test)?, test)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// One of them.
    pub fn of(&self, split: Split) -> &Part {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}

impl Part {
    /// Labels of the part's records, if the image set has labels.
    pub fn labels(&self) -> Option<Vec<usize>> {
        let labels = self.listing.labels.as_ref()?;
        Some(self.records.iter().map(|&record| labels[record]).collect())
    }

    /// Records of the listing for places in the part.
    pub fn records_of(&self, places: &[usize]) -> Vec<usize> {
        places.iter().map(|&place| self.records[place]).collect()
    }
}

/// The shape of the first picture of an image set, as it is.
pub(super) fn first_shape(path: &Path) -> Result<ImageShape, Error> {
    for split in [Split::Test, Split::Train] {
        let options = LoadOptions {
            split,
            max_images: Some(1),
            ..LoadOptions::default()
        };
        match load::load(path, &options) {
            Ok(loaded) => return Ok(loaded.images.shape()),
            Err(Error::MissingSplit { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Source(format!(
        "{} has neither training nor test images",
        path.display()
    )))
}

/// Whether both are all of an image set that has no parts: the same records, and the same first
/// picture.
fn same(train: &Part, test: &Part) -> Result<bool, Error> {
    let (a, b) = (&train.listing, &test.listing);
    let count = a.pictures.len();
    let records = count == b.pictures.len()
        && a.labels == b.labels
        && (0..count).all(|record| a.pictures.name(record) == b.pictures.name(record));
    if !records || count == 0 {
        return Ok(false);
    }
    let first = |part: &Part| -> Result<_, Error> {
        let mut pictures = part.listing.pictures.fetch(&[0])?.into_iter();
        let picture = pictures.next();
        Ok(picture.map(|picture| {
            picture
                .decode(part.options.target, part.options.exif)
                .map(|it| it.pixels)
        }))
    };
    Ok(first(train)? == first(test)?)
}

/// Two listings of the same records, each of which keeps its share.
fn divide(mut train: Part, mut test: Part) -> Parts {
    let labels = test.listing.labels.clone();
    let labels = labels.unwrap_or_else(|| vec![0; test.records.len()]);
    (train.records, test.records) = split_holdout(&labels, TEST_SHARE, DIVISION);
    Parts { train, test }
}
