//! What a run is of: network, recipe and images.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::further_losses::{Change, FurtherLosses};
use crate::net::Net;
use crate::{Recipe, Samples};

/// Samples that are looked at, evenly spread over all; more would not make a mistake much more
/// visible.
const LOOKED_AT: usize = 4096;

/// Tells runs apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// SHA-256 of the network's file, with its first weights, of those beside it, and the names of
    /// what is trained.
    pub net: String,
    /// The recipe as JSON.
    pub recipe: String,
    /// SHA-256 of number, shape and up to 4096 of the samples, as they look in the first epoch, also
    /// to further losses, and what changes those of the step's own loss is set to.
    pub data: String,
}

impl Fingerprint {
    /// That of a run.
    ///
    /// # Errors
    /// What cannot be drawn or written.
    pub fn of(
        net: &Net,
        recipe: &Recipe,
        samples: &dyn Samples,
        within: Option<&dyn Change>,
        further: Option<FurtherLosses<'_>>,
    ) -> Result<Self, Error> {
        let mut hash = Sha256::new();
        hash.update(net.model().to_bytes()?);
        for file in net.model().external_files()? {
            of_file(&mut hash, &file).map_err(|source| gifthorse_onnx::Error::Read {
                path: file.clone(),
                source,
            })?;
        }
        for name in net.weights() {
            hash.update(name.as_bytes());
            hash.update([0]);
        }
        let recipe = serde_json::to_string(recipe);
        Ok(Self {
            net: hex(hash),
            recipe: recipe.map_err(|error| Error::Recipe(error.to_string()))?,
            data: data(samples, within, further)?,
        })
    }
}

fn of_file(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn data(
    samples: &dyn Samples,
    within: Option<&dyn Change>,
    further: Option<FurtherLosses<'_>>,
) -> Result<String, Error> {
    let (shape, count) = (samples.shape(), samples.len());
    let mut hash = Sha256::new();
    hash.update(format!("{count} of {shape} in {}\n", samples.classes()));
    if let Some(within) = within {
        hash.update(format!("{}\n", within.settings()));
    }
    if let Some(further) = further {
        hash.update(format!("{:?}\n", further.balance));
        let inner = further.changes.iter().filter_map(|it| it.inner());
        inner.for_each(|inner| hash.update(format!("{}\n", inner.name())));
    }
    let changes = further.map_or(&[][..], |further| further.changes);
    let mut pixels = vec![0.0_f32; shape.values()];
    let looked_at = count.min(LOOKED_AT);
    for place in 0..looked_at {
        let index = place * count / looked_at;
        let label = samples.draw(0, index, &mut pixels)?;
        update(&mut hash, label, &pixels);
        for change in changes {
            let mut changed = pixels.clone();
            let label = change.change(0, index, &mut changed, label)?;
            update(&mut hash, label, &changed);
            hash.update(change.share().to_le_bytes());
        }
    }
    Ok(hex(hash))
}

fn update(hash: &mut Sha256, label: usize, pixels: &[f32]) {
    hash.update((label as u64).to_le_bytes());
    let bytes: Vec<u8> = pixels
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    hash.update(bytes);
}

fn hex(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
