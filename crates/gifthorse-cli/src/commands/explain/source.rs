//! Where a trigger on the command line comes from: a file, or a trigger as `gifthorse trigger`
//! draws it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use gifthorse::TriggerSource;
use gifthorse_attack::trigger::{AnyTrigger, named as in_gallery, stamp};
use gifthorse_data::Images;

/// What a trigger does to images of some number of channels.
type Drawn = Arc<dyn Fn(usize) -> AnyTrigger + Send + Sync>;

/// The trigger that an argument names: a file if there is one, a table in a TOML file, or the name
/// of a trigger; `flag` is what it was given with. What it leaves to chance depends on `seed`.
///
/// # Errors
/// What is none of these.
pub fn named(text: &str, flag: &str, seed: u64) -> anyhow::Result<TriggerSource> {
    let path = Path::new(text);
    if has_ending(path, "toml") {
        let trigger = from_toml(path, flag)?;
        return Ok(given(text, Arc::new(move |_| trigger.clone()), seed));
    }
    if path.exists() {
        return Ok(TriggerSource::File(PathBuf::from(text)));
    }
    let Some(known) = in_gallery(text) else {
        bail!(
            "{flag} {text}: there is no such file, and no trigger of that name; `gifthorse trigger --list` names them"
        );
    };
    Ok(given(
        text,
        Arc::new(|channels| known.for_channels(channels)),
        seed,
    ))
}

fn given(name: &str, drawn: Drawn, seed: u64) -> TriggerSource {
    TriggerSource::Given {
        name: name.to_owned(),
        stamp: Arc::new(move |images: &Images| {
            let trigger = drawn(images.shape().channels);
            let stamped = stamp(images, &trigger, seed).map_err(|error| error.to_string())?;
            Ok(stamped.pixels().to_vec())
        }),
    }
}

fn has_ending(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case(wanted))
}

fn from_toml(path: &Path, flag: &str) -> anyhow::Result<AnyTrigger> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read ({flag})", path.display()))?;
    let mut trigger: AnyTrigger = toml::from_str(&text).map_err(|error| {
        anyhow!(
            "{} is no trigger ({flag}; `gifthorse trigger NAME` prints one): {}",
            path.display(),
            error.message()
        )
    })?;
    let read = trigger.read_beside(path.parent().unwrap_or(Path::new("")));
    read.with_context(|| format!("{} ({flag})", path.display()))?;
    Ok(trigger)
}
