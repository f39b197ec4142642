//! What cannot be planted in its images, found out before hours are spent on the other models.

use std::collections::BTreeMap;
use std::path::Path;

use super::index::{Entry, State};
use super::plan::Planned;

/// A model to be made, with its entry in the list.
type ToMake<'a> = (&'a Planned, Entry);

/// The models that can be made, and the entries of those that failed already, since their poison
/// does not go with their images. Images that cannot be had come to light when the first model of
/// them is made.
pub fn sift<'a>(models: Vec<ToMake<'a>>, data: Option<&Path>) -> (Vec<ToMake<'a>>, Vec<Entry>) {
    let mut possible = Vec::new();
    let mut impossible = Vec::new();
    // By images, so that each are read once and one at a time.
    let mut by_images: BTreeMap<String, Vec<ToMake<'a>>> = BTreeMap::new();
    for (planned, entry) in models {
        match planned.spec.is_backdoored() {
            false => possible.push((planned, entry)),
            true => {
                let others = by_images.entry(entry.images.clone()).or_default();
                others.push((planned, entry));
            }
        }
    }
    for models in by_images.into_values() {
        let sets = models
            .first()
            .map(|(planned, _)| planned.spec.data.load(data));
        let Some(Ok(sets)) = sets else {
            possible.extend(models);
            continue;
        };
        for (planned, mut entry) in models {
            match planned.spec.check_on(&sets) {
                Ok(()) => possible.push((planned, entry)),
                Err(error) => {
                    entry.state = State::Failed;
                    entry.reason = Some(error.in_one_line());
                    impossible.push(entry);
                }
            }
        }
    }
    (possible, impossible)
}
