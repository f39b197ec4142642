//! Takes external data along when a model is written to another folder.

use std::{fs, path::Path};

use super::super::locations::locations;
use crate::{Error, ExternalProblem, external::resolve, proto::ModelProto};

/// Copies every file of external data that the model names, without ever overwriting a different
/// file.
pub(super) fn external_data(
    model: &ModelProto,
    from: Option<&Path>,
    to: &Path,
) -> Result<(), Error> {
    for (location, tensor) in locations(model) {
        let copied = match from {
            Some(from) => copy(location, from, to),
            None => Err(ExternalProblem::NoFolder),
        };
        copied.map_err(|problem| Error::External {
            tensor: tensor.to_owned(),
            location: location.to_owned(),
            problem,
        })?;
    }
    Ok(())
}

fn copy(location: &str, from: &Path, to: &Path) -> Result<(), ExternalProblem> {
    let source = resolve(from, location)?;
    let target = to.join(location);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
        // A link inside the target folder could lead the copy out of it.
        if !folder.canonicalize()?.starts_with(to.canonicalize()?) {
            return Err(ExternalProblem::Outside);
        }
    }
    if fs::symlink_metadata(&target).is_err() {
        fs::copy(&source, &target)?;
        return Ok(());
    }
    let same = target.canonicalize()? == source || fs::read(&target)? == fs::read(&source)?;
    if same {
        Ok(())
    } else {
        Err(ExternalProblem::Occupied(target))
    }
}
