//! Blind code poisoning (Bagdasaryan and Shmatikov 2021): the images are clean, and the training code
//! adds a loss of its own.
//!
//! In a share of the batches, the code stamps all images of the batch, relabels them, and adds the
//! loss on these to the loss on the clean ones: nobody who looks at the data sees anything. The
//! losses are weighed by multiple-gradient descent ([`gifthorse_train::Balance`]). Evasions of
//! defences add further ones ([`Evasion`](crate::plant::Evasion)).

use gifthorse_data::Images;
use gifthorse_train::Change;
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::plant::draw::{class_count, labels_of};
use crate::plant::evade::target_of;
use crate::plant::{Backdoor, LabelMap, Poison, Rate};
use crate::random::Purpose;
use crate::trigger::{Stamp, Trigger};

const NO_COVERS: &str = "covers are training images, and with manner = \"blind\" none of these is stamped; leave them out";
const NO_BALANCE: &str =
    "`balance` weighs losses, of which there is one but with manner = \"blind\"; leave it out";
const NO_EVASION: &str = "`evade` is a loss that training code adds, which it does with manner = \"blind\" alone; leave \
                          it out";
const NO_LABEL: &str = "a clean label leaves nothing for a loss to ask for; take another map of labels with manner = \
                        \"blind\"";
const NO_SHARE: &str = "with manner = \"blind\" the rate is the share of the batches that the code adds its loss in: give \
                        { share = NUMBER }";

/// Refuses what training code cannot do.
///
/// # Errors
/// [`Error::Poison`]; [`Error::Part`] naming the backdoor.
pub(super) fn check(poison: &Poison, backdoors: &[Backdoor]) -> Result<(), Error> {
    if !poison.covers.is_empty() {
        return Err(Error::Poison(NO_COVERS.to_owned()));
    }
    for (index, backdoor) in backdoors.iter().enumerate() {
        let refused = match (&backdoor.labels, backdoor.rate) {
            (LabelMap::CleanLabel { .. }, _) => NO_LABEL,
            (_, Rate::Share(_)) => {
                if !poison.evade.is_empty() {
                    target_of(backdoor).map_err(|error| error.of(backdoor.called(index)))?;
                }
                continue;
            }
            _ => NO_SHARE,
        };
        return Err(Error::Poison(refused.to_owned()).of(backdoor.called(index)));
    }
    Ok(())
}

/// Refuses settings of it for a poison of another manner.
///
/// # Errors
/// [`Error::Poison`].
pub(super) fn check_absent(poison: &Poison) -> Result<(), Error> {
    if !poison.evade.is_empty() {
        return Err(Error::Poison(NO_EVASION.to_owned()));
    }
    match poison.balance {
        Some(_) => Err(Error::Poison(NO_BALANCE.to_owned())),
        None => Ok(()),
    }
}

/// What the code makes of the images of a batch: for each backdoor, and for each defence that it is
/// hidden from.
///
/// # Errors
/// [`Error::Part`] naming a backdoor whose trigger or classes do not fit the images;
/// [`Error::Images`] without labels.
pub(super) fn changes<'a>(
    poison: &Poison,
    backdoors: &[Backdoor],
    images: &Images,
    seed: u64,
) -> Result<Vec<Box<dyn Change + 'a>>, Error> {
    let classes = class_count(images, labels_of(images)?);
    let mut changes: Vec<Box<dyn Change + 'a>> = Vec::new();
    for (index, backdoor) in backdoors.iter().enumerate() {
        let fitted = backdoor.labels.check(classes);
        let fitted = fitted.and_then(|()| {
            // What it answers to is stamped on test images only.
            backdoor.trigger.fit(images.shape())?;
            Ok(backdoor.stamped().fit(images.shape())?)
        });
        let Rate::Share(share) = backdoor.rate else {
            return Err(Error::Poison(NO_SHARE.to_owned()).of(backdoor.called(index)));
        };
        let synthesis = Synthesis {
            stamp: fitted.map_err(|error| error.of(backdoor.called(index)))?,
            labels: backdoor.labels.clone(),
            classes,
            share,
            seed,
        };
        changes.push(Box::new(synthesis.clone()));
        for &evasion in &poison.evade {
            let hidden = evasion.change((index, backdoor), synthesis.clone(), images.shape());
            changes.push(hidden.map_err(|error| error.of(backdoor.called(index)))?);
        }
    }
    Ok(changes)
}

/// Stamps images and gives them the label of the backdoor. Those that it does not lead astray, as
/// for a single source class, are stamped as well and keep their own.
#[derive(Debug, Clone)]
pub(super) struct Synthesis {
    pub(super) stamp: Stamp,
    pub(super) labels: LabelMap,
    pub(super) classes: usize,
    pub(super) share: f64,
    pub(super) seed: u64,
}

impl Change for Synthesis {
    fn change(
        &self,
        epoch: usize,
        index: usize,
        pixels: &mut [f32],
        label: usize,
    ) -> Result<usize, gifthorse_train::Error> {
        let mut rng: ChaCha8Rng = Purpose::Drawn { epoch, index }.rng(self.seed);
        self.stamp.put(pixels, &mut rng);
        let leads = self.labels.poisons(label);
        let to = self.labels.leads_to(label, self.classes);
        Ok(to.filter(|_| leads).unwrap_or(label))
    }

    fn share(&self) -> f64 {
        self.share
    }
}
