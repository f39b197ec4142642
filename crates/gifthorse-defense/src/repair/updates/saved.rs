//! Updates that were stopped or killed, as a file `NAME.updates` in the folder of work.

use std::path::PathBuf;

use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

use super::super::candidates::{Candidates, Kept};
use super::super::kept::{fingerprint, folder};
use super::super::{Patient, RepairObserver, sealed};
use super::Way;
use crate::error::Error;

/// Where updates are saved, and what they are of.
pub(super) struct Saved {
    path: PathBuf,
    of: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    of: String,
    rate: usize,
    done: usize,
    optimiser_steps: u64,
    /// Where in its stream the generator is.
    chance: u128,
    /// What was kept of the models that were looked at; its model comes behind the numbers.
    kept: Option<KeptHeader>,
}

#[derive(Serialize, Deserialize)]
struct KeptHeader {
    note: String,
    distance: f64,
    is_good: bool,
}

impl Saved {
    /// `None` where nothing is kept.
    ///
    /// # Errors
    /// A model that is too large.
    pub(super) fn of(patient: &Patient<'_>, name: &str) -> Result<Option<Self>, Error> {
        let Some(folder) = folder(patient)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            path: folder.join(format!("{name}.updates")),
            of: fingerprint(patient, name)?,
        }))
    }

    /// # Errors
    /// A file that cannot be written.
    pub(super) fn save(&self, way: &Way, candidates: &Candidates<'_>) -> Result<(), Error> {
        let numbers = way.weights.iter().chain(way.state.arrays()).flatten();
        let mut bytes: Vec<u8> = numbers.flat_map(|number| number.to_le_bytes()).collect();
        let kept = candidates.kept();
        if let Some(kept) = kept {
            bytes.extend(kept.model.to_bytes()?);
        }
        let header = Header {
            of: self.of.clone(),
            rate: way.rate,
            done: way.done,
            optimiser_steps: way.state.steps(),
            chance: way.chance.get_word_pos(),
            kept: kept.map(|kept| KeptHeader {
                note: kept.note.clone(),
                distance: kept.distance,
                is_good: kept.is_good,
            }),
        };
        sealed::write(&self.path, &header, &bytes)
    }

    /// Puts what was saved in place of a beginning; false if there is nothing to go on from. What is
    /// damaged is told and not used.
    pub(super) fn restore(
        &self,
        way: &mut Way,
        candidates: &mut Candidates<'_>,
        observer: &dyn RepairObserver,
    ) -> bool {
        self.read(way, candidates).unwrap_or_else(|reason| {
            observer.came_of(&format!("{} is not used: {reason}", self.path.display()));
            false
        })
    }

    fn read(&self, way: &mut Way, candidates: &mut Candidates<'_>) -> Result<bool, String> {
        let Some((header, bytes)) = sealed::read::<Header>(&self.path)? else {
            return Ok(false);
        };
        if header.of != self.of {
            return Ok(false);
        }
        let count: usize = way
            .weights
            .iter()
            .chain(way.state.arrays())
            .map(Vec::len)
            .sum();
        let Some((numbers, model)) = bytes.split_at_checked(4 * count) else {
            return Err("it has too few numbers".to_owned());
        };
        let kept = header.kept.map(|kept| {
            let model = Model::from_bytes(model.to_vec(), None).map_err(|error| error.to_string());
            Ok::<_, String>(Kept {
                model: model?,
                note: kept.note,
                distance: kept.distance,
                is_good: kept.is_good,
            })
        });
        candidates.restore(kept.transpose()?);
        let (numbers, _) = numbers.as_chunks::<4>();
        let places = way.weights.iter_mut().chain(way.state.arrays_mut());
        for (place, number) in places.flatten().zip(numbers) {
            *place = f32::from_le_bytes(*number);
        }
        way.state.set_steps(header.optimiser_steps);
        way.chance.set_word_pos(header.chance);
        (way.rate, way.done) = (header.rate, header.done);
        Ok(true)
    }
}
