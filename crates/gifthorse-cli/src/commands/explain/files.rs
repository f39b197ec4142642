//! What `explain` writes: numbers, a page, and a strip of pictures for each image that it shows.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gifthorse::Explanation;
use gifthorse_report::evidence::{HeatExample, Picture};
use gifthorse_report::html::{EffectPage, HtmlOptions, render_effect};

/// Shortest side of a picture in a strip, in pixels.
const SIDE: usize = 128;
/// Grey columns between the pictures of a strip.
const GAP: usize = 4;

/// The numbers as JSON.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn json(explained: &Explanation) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(explained)?))
}

/// Writes `explain.json`, `explain.html` and, with `images`, `grad-cam/N.png` to a folder that is
/// there.
///
/// # Errors
/// What cannot be written.
pub fn write(folder: &Path, explained: &Explanation, images: bool) -> anyhow::Result<()> {
    put(&folder.join("explain.json"), json(explained)?.as_bytes())?;
    let page = page(explained, HtmlOptions { images });
    put(&folder.join("explain.html"), page.as_bytes())?;
    if !images || explained.heat.is_empty() {
        return Ok(());
    }
    let pictures = folder.join("grad-cam");
    fs::create_dir_all(&pictures)
        .with_context(|| format!("the folder {} cannot be made (--out)", pictures.display()))?;
    for (at, example) in explained.heat.iter().enumerate() {
        put(
            &pictures.join(format!("{at}.png")),
            &strip(example)?.to_png()?,
        )?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written (--out)", path.display()))
}

fn page(explained: &Explanation, options: HtmlOptions) -> String {
    let title = Path::new(&explained.model).file_name();
    let title = title.map_or(explained.model.clone(), |name| {
        name.to_string_lossy().into_owned()
    });
    let similarity = explained.similarity.as_ref();
    let page = EffectPage {
        title: &title,
        sha256: &explained.sha256,
        trigger: &explained.trigger,
        original: explained.original.as_deref(),
        class_names: &explained.class_names,
        effect: &explained.effect,
        compared: similarity.map_or(&[], |known| &known.triggers),
        cosines: similarity.map_or(&[], |known| &known.cosines),
        heat_layer: explained.grad_cam_layer.as_deref(),
        heat: &explained.heat,
        warnings: &explained.warnings,
    };
    render_effect(&page, options)
}

/// The clean image, what speaks for the answer on it, the stamped image and what speaks for that
/// answer, side by side; pixels become squares where the image is small.
fn strip(example: &HeatExample) -> anyhow::Result<Picture> {
    let parts = [
        &example.clean.picture,
        &example.clean.heat,
        &example.stamped.picture,
        &example.stamped.heat,
    ];
    let [_, height, width] = example.clean.heat.shape();
    let by = SIDE.div_ceil(height.min(width).max(1));
    let whole = parts.len() * width * by + (parts.len() - 1) * GAP;
    let value = |channel: usize, y: usize, x: usize| {
        let (part, x) = (x / (width * by + GAP), x % (width * by + GAP) / by);
        if x >= width {
            return 0.5;
        }
        let picture = parts[part];
        let [channels, _, _] = picture.shape();
        picture.values()[(channel.min(channels - 1) * height + y / by) * width + x]
    };
    let mut values = Vec::with_capacity(3 * height * by * whole);
    for channel in 0..3 {
        for y in 0..height * by {
            values.extend((0..whole).map(|x| value(channel, y, x)));
        }
    }
    Ok(Picture::new([3, height * by, whole], values)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gifthorse_report::evidence::Heated;

    #[test]
    fn a_strip_has_the_pictures_side_by_side() {
        let picture = |channels: usize, value: f32| {
            Picture::new([channels, 64, 64], vec![value; channels * 64 * 64]).unwrap()
        };
        let heated = |grey, heat| Heated {
            picture: picture(1, grey),
            heat: picture(3, heat),
            answer: 0,
        };
        let strip = strip(&HeatExample {
            label: 0,
            clean: heated(0.0, 0.2),
            stamped: heated(0.4, 1.0),
        });
        let strip = strip.unwrap();
        assert_eq!(strip.shape(), [3, 128, 4 * 128 + 3 * GAP]);
        let row = &strip.values()[..4 * 128 + 3 * GAP];
        let at = [0, 127, 128, 131, 132, 259, 264, 396, 523].map(|x| row[x]);
        assert_eq!(at, [0.0, 0.0, 0.5, 0.5, 0.2, 0.2, 0.4, 1.0, 1.0]);
    }
}
