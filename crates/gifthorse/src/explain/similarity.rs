//! How alike the patches are that were given.

use gifthorse_defense::explain::similarity;
use gifthorse_defense::trigger::{Patch, Trigger};
use serde::Serialize;

use super::request::ExplainRequest;
use super::trigger::{Stampable, from_file};
use crate::Error;

/// How alike patches are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Similarity {
    /// What they are called: the trigger, the planted one if it is a patch in a file, and those
    /// that were given to compare.
    pub triggers: Vec<String>,
    /// A row for each: the cosine of what it shows and what each of them shows; null beside one
    /// that is black.
    pub cosines: Vec<Vec<Option<f64>>>,
}

impl Similarity {
    /// Compares the trigger of a request with the planted one and with those given to compare; none
    /// if there is nothing to compare it with.
    ///
    /// # Errors
    /// A file that cannot be read; triggers to compare that are no patches.
    pub fn of(
        request: &ExplainRequest,
        trigger: &Stampable,
        original: Option<&Stampable>,
        shape: [usize; 3],
    ) -> Result<Option<Self>, Error> {
        let no_patch = |name: &str| {
            Error::Request(format!(
                "{name} is no patch, and only patches are compared with each other (--compare): give trigger files of \
                 neural_cleanse, or leave it out"
            ))
        };
        let own = request.trigger.name();
        let planted = request.original.as_ref().map(|source| source.name());
        let planted = planted.zip(original.and_then(Stampable::patch).cloned());
        let Some(patch) = trigger.patch() else {
            return match request.compare.is_empty() {
                true => Ok(None),
                false => Err(no_patch(&own)),
            };
        };
        let mut all: Vec<(String, Patch)> = vec![(own, patch.clone())];
        all.extend(planted);
        for path in &request.compare {
            let name = path.to_string_lossy().into_owned();
            match from_file(path, shape)? {
                Trigger::Patch(patch) => all.push((name, patch)),
                _ => return Err(no_patch(&name)),
            }
        }
        let patches: Vec<&Patch> = all.iter().map(|(_, patch)| patch).collect();
        Ok((patches.len() > 1).then(|| Self {
            cosines: similarity(&patches),
            triggers: all.iter().map(|(name, _)| name.clone()).collect(),
        }))
    }
}
