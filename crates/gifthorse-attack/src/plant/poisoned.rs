//! Training images of which some are poisoned.

use std::fmt;
use std::path::PathBuf;

use gifthorse_data::Images;
use serde::{Deserialize, Serialize};

use gifthorse_train::{Change, Samples};

use crate::Error;
use crate::plant::draw::{Plan, Role, labels_of};
use crate::plant::{InputAware, Manner, Poison};
use crate::random::Purpose;

/// Training images of which some are poisoned.
#[derive(Debug, Clone, PartialEq)]
pub struct Poisoned {
    /// All images in their old order; where stamped ones are appended, they follow in the order of
    /// [`Stamped`]: each backdoor and its own cover, then the covers.
    pub images: Images,
    /// Which images were stamped.
    pub stamped: Stamped,
}

/// Which clean training images were stamped: indices before poisoning, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamped {
    /// For each backdoor, the images that it poisoned.
    pub backdoors: Vec<Vec<usize>>,
    /// For each backdoor, the images of other classes that carry its trigger and keep their label.
    pub kept: Vec<Vec<usize>>,
    /// For each cover, its images.
    pub covers: Vec<Vec<usize>>,
}

impl Stamped {
    /// Places of the poisoned images, ascending, in a training set of so many: in the place of clean
    /// ones, or behind them all. Stamped images that kept their label are not among them.
    #[must_use]
    pub fn poisoned(&self, manner: Manner, images: usize) -> Vec<usize> {
        let mut places = match manner {
            Manner::Append => {
                let all = [&self.backdoors, &self.kept, &self.covers];
                let stamped: usize = all.into_iter().flatten().map(Vec::len).sum();
                let mut at = images.saturating_sub(stamped);
                let of_backdoor = |(backdoor, kept): (&Vec<usize>, &Vec<usize>)| {
                    let own = at..at + backdoor.len();
                    at = own.end + kept.len();
                    own
                };
                let each = self.backdoors.iter().zip(&self.kept);
                each.flat_map(of_backdoor).collect()
            }
            Manner::Replace | Manner::OnTheFly | Manner::Blind | Manner::InputAware => {
                self.backdoors.concat()
            }
        };
        places.sort_unstable();
        places
    }
}

/// Poisoned data to train on.
pub struct Training<'a> {
    /// The data.
    pub samples: Box<dyn Samples + 'a>,
    /// Which images were stamped; `None` where any of them may be at any time.
    pub stamped: Option<Stamped>,
    /// What training code makes of the images of a batch before their loss is taken, by a generator
    /// that it trains.
    pub within: Option<InputAware<'a>>,
    /// What training code makes of the images of a batch, for each loss that it adds.
    pub changes: Vec<Box<dyn Change + 'a>>,
}

impl Training<'_> {
    /// What has been planted: the poison, with the generator as it is now where one is trained. It is
    /// in memory, under the name that its file is to have.
    ///
    /// # Errors
    /// A generator that cannot be written, which none is.
    pub fn planted(&self, poison: &Poison, generator: PathBuf) -> Result<Poison, Error> {
        match &self.within {
            Some(within) => within.planted(poison, generator),
            None => Ok(poison.clone()),
        }
    }
}

impl fmt::Debug for Training<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Training");
        debug
            .field("samples", &self.samples.len())
            .field("stamped", &self.stamped)
            .field("within", &self.within.is_some())
            .field("changes", &self.changes.len())
            .finish()
    }
}

/// Stamps what was drawn.
pub(super) fn stamped_images(
    plan: &Plan,
    drawn: &[Vec<usize>],
    manner: Manner,
    images: &Images,
    seed: u64,
) -> Result<Poisoned, Error> {
    let values = images.shape().values();
    let (mut pixels, mut labels) = (images.pixels().to_vec(), labels_of(images)?.to_vec());
    let mut names = images.names().to_vec();
    let mut stamped = Stamped::default();
    for (part, drawn) in plan.parts.iter().zip(drawn) {
        for &image in drawn {
            let at = match manner {
                Manner::Append => {
                    pixels.extend_from_slice(images.image(image));
                    labels.push(labels[image]);
                    names.push(format!("{} (stamped)", images.names()[image]));
                    labels.len() - 1
                }
                _ => image,
            };
            let pixels = &mut pixels[at * values..(at + 1) * values];
            part.stamp
                .put(pixels, &mut Purpose::Stamp { image }.rng(seed));
            labels[at] = part.label(labels[at], plan.classes);
        }
        match part.role {
            Role::Backdoor(..) => {
                stamped.backdoors.push(drawn.clone());
                stamped.kept.push(Vec::new());
            }
            Role::Kept(backdoor) => stamped.kept[backdoor].clone_from(drawn),
            Role::Cover(_) => stamped.covers.push(drawn.clone()),
        }
    }
    let classes = images.class_names().to_vec();
    let images = Images::new(images.shape(), pixels, Some(labels), classes, names)?;
    Ok(Poisoned { images, stamped })
}
