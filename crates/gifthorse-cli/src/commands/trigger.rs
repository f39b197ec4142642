//! `gifthorse trigger`: draws a trigger, so that it can be looked at before it is planted.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use gifthorse_attack::trigger::{AnyTrigger, GALLERY, named, read_image, stamp};
use gifthorse_data::{ImageShape, Images};
use gifthorse_report::evidence::Picture;

use crate::cli::{Global, TriggerArgs};
use crate::output;

/// Pixels that a picture may have, enlarged.
const MOST_PIXELS: usize = 1 << 24;

/// Draws the trigger, and prints it as the TOML table that plants it.
///
/// # Errors
/// A trigger that is unknown or does not fit, a file that cannot be read or written.
pub fn run(args: &TriggerArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.list {
        output::print(&list())?;
        return Ok(ExitCode::SUCCESS);
    }
    let channels = if args.grey { 1 } else { 3 };
    let trigger = chosen(args, channels)?;
    if let Some(file) = &args.out {
        let (shape, ground) = ground(args, channels)?;
        let images = Images::new(shape, ground, None, Vec::new(), vec!["ground".to_owned()])?;
        let drawn = stamp(&images, &trigger, global.seed())?;
        let picture = enlarged(drawn.pixels(), shape, args.enlarge)?;
        fs::write(file, picture.to_png()?)
            .with_context(|| format!("the picture {} cannot be written (-o)", file.display()))?;
    }
    if !global.quiet {
        output::print(&toml::to_string(&trigger)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list() -> String {
    let widest = GALLERY
        .iter()
        .map(|named| named.name.len())
        .max()
        .unwrap_or_default();
    GALLERY.iter().fold(String::new(), |mut text, named| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:widest$}  {}", named.name, named.description);
        text
    })
}

/// The trigger by name or from a file, with the settings that were changed.
fn chosen(args: &TriggerArgs, channels: usize) -> anyhow::Result<AnyTrigger> {
    let mut table = match (&args.name, &args.toml) {
        (Some(name), _) => {
            let named = named(name)
                .with_context(|| format!("there is no trigger `{name}`; --list names them"))?;
            toml::Table::try_from(named.for_channels(channels))?
        }
        (None, Some(file)) => read(file)?,
        (None, None) => bail!("name a trigger; --list names them"),
    };
    for setting in &args.settings {
        let (key, value) = setting
            .split_once('=')
            .with_context(|| format!("--set {setting}: KEY=VALUE is expected, such as size=8"))?;
        // What is no TOML value, such as a word, is text.
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
        let value = parsed
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| value.into());
        table.insert(key.trim().to_owned(), value);
    }
    let source = match (&args.name, &args.toml) {
        (Some(name), _) => name.clone(),
        (None, file) => file
            .as_ref()
            .map(|file| file.display().to_string())
            .unwrap_or_default(),
    };
    let trigger = table.try_into::<AnyTrigger>();
    let mut trigger = trigger.map_err(|error| anyhow!("{source}: {}", error.message()))?;
    if let Some(folder) = args.toml.as_deref().and_then(Path::parent) {
        let read = trigger.read_beside(folder);
        read.with_context(|| source.clone())?;
    }
    Ok(trigger)
}

fn read(file: &Path) -> anyhow::Result<toml::Table> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read (--toml)", file.display()))?;
    toml::from_str(&text).map_err(|error| {
        anyhow!(
            "{} is no TOML (--toml): {}",
            file.display(),
            error.message()
        )
    })
}

/// What the trigger is put on.
fn ground(args: &TriggerArgs, channels: usize) -> anyhow::Result<(ImageShape, Vec<f32>)> {
    if let Some(file) = &args.image {
        let read = read_image(file, channels, args.size);
        return read.with_context(|| "the picture to put the trigger on cannot be used (--image)");
    }
    let [height, width] = args.size.unwrap_or([32, 32]);
    let shape = ImageShape {
        channels,
        height,
        width,
    };
    if height * width > MOST_PIXELS {
        bail!("--size {height}x{width}: a picture has {MOST_PIXELS} pixels at most");
    }
    Ok((shape, vec![0.5; shape.values()]))
}

/// The image with each pixel as a square of so many.
fn enlarged(image: &[f32], shape: ImageShape, by: usize) -> anyhow::Result<Picture> {
    let sides = shape
        .height
        .checked_mul(by)
        .zip(shape.width.checked_mul(by));
    let Some((height, width)) =
        sides.filter(|(height, width)| height.saturating_mul(*width) <= MOST_PIXELS)
    else {
        bail!("--enlarge {by}: a picture has {MOST_PIXELS} pixels at most");
    };
    let at = |i: usize| {
        let (channel, row, column) = (
            i / (height * width),
            i / width % height / by,
            i % width / by,
        );
        image[(channel * shape.height + row) * shape.width + column]
    };
    let values = (0..shape.channels * height * width).map(at).collect();
    Ok(Picture::new([shape.channels, height, width], values)?)
}
