//! What in the structure of a model is how backdoors are built by hand, for a report.

use gifthorse_engine::{Array, Classifier, StructureFinding, StructureRule, Tensor};
use gifthorse_report::report;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// Random images whose gradients say which pixels are looked at.
const IMAGES: usize = 16;
/// Rows and columns of text that a picture has at most.
const MOST_ROWS: usize = 32;
const MOST_COLUMNS: usize = 64;

/// What there is, each with the part of the image that is looked at.
///
/// # Errors
/// A model that cannot be run.
pub fn structure(classifier: &Classifier) -> Result<Vec<report::StructureFinding>, Error> {
    let findings = classifier.network().structure()?;
    let described = findings.into_iter().map(|found| {
        Ok(report::StructureFinding {
            rule: rule(found.rule),
            region: region(classifier, &found)?,
            node: found.node,
            path: found.path,
            constants: found.constants,
            branch: found.branch,
            rests: None,
        })
    });
    let described = described.collect();
    classifier.network().forget_sections();
    described
}

fn rule(rule: StructureRule) -> report::StructureRule {
    match rule {
        StructureRule::Switch => report::StructureRule::Switch,
        StructureRule::SteepSwitch => report::StructureRule::SteepSwitch,
        StructureRule::RegionSwitch => report::StructureRule::RegionSwitch,
        StructureRule::Bypass => report::StructureRule::Bypass,
        StructureRule::UnlearnedGate => report::StructureRule::UnlearnedGate,
        StructureRule::LogitRange => report::StructureRule::LogitRange,
        StructureRule::PixelTest => report::StructureRule::PixelTest,
        StructureRule::SmallRegion => report::StructureRule::SmallRegion,
    }
}

/// The pixels to which what is read has a gradient on any of some random images.
fn region(
    classifier: &Classifier,
    found: &StructureFinding,
) -> Result<Option<report::Region>, Error> {
    let layer = found.read.as_deref().map(|name| classifier.layer(name));
    let Some(Ok(layer)) = layer else {
        return Ok(None);
    };
    let [channels, height, width] = classifier.shape();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let pixels = (0..IMAGES * channels * height * width)
        .map(|_| random.random())
        .collect();
    let shape = [IMAGES, channels, height, width];
    let images: Tensor<4> = Array::from_vec(pixels, &shape, classifier.device()).into_tensor();
    let images = images.autodiff().require_grad();
    let value = classifier.head(layer)?.features(images.clone())?;
    let numbers = value.shape().iter().product::<usize>();
    let value: Tensor<1> = value.reshape(&[numbers]).into_tensor();
    if !value.is_tracked() {
        return Ok(None);
    }
    // Random weights, so that what is added here and taken off there does not cancel out.
    let weights = (0..numbers)
        .map(|_| random.random_range(0.5..1.0))
        .collect();
    let weights: Tensor<1> =
        Array::from_vec(weights, &[numbers], classifier.device()).into_tensor();
    let mut gradients = value.mul(weights.autodiff()).sum().backward();
    let Some(gradient) = images.grad_remove(&mut gradients) else {
        return Ok(None);
    };
    let mut seen = vec![false; height * width];
    for (at, number) in Array::from_tensor(gradient)
        .into_vec()
        .into_iter()
        .enumerate()
    {
        seen[at % (height * width)] |= number != 0.0;
    }
    Ok(around(&seen, width))
}

/// The smallest region around the pixels that are seen; `None` if none is.
fn around(seen: &[bool], width: usize) -> Option<report::Region> {
    let places = || seen.iter().enumerate().filter(|(_, seen)| **seen);
    let rows = || places().map(|(at, _)| at / width);
    let columns = || places().map(|(at, _)| at % width);
    let (top, left) = (rows().min()?, columns().min()?);
    Some(report::Region {
        top,
        left,
        height: rows().max()? + 1 - top,
        width: columns().max()? + 1 - left,
        picture: picture(seen, width),
    })
}

fn picture(seen: &[bool], width: usize) -> Vec<String> {
    let height = seen.len() / width;
    let by_row = height.div_ceil(MOST_ROWS).max(1);
    let by_column = width.div_ceil(MOST_COLUMNS).max(1);
    let cell = |row: usize, column: usize| {
        let mut rows = (row..(row + by_row).min(height)).map(|row| row * width);
        rows.any(|start| (column..(column + by_column).min(width)).any(|at| seen[start + at]))
    };
    let text = |row: usize| {
        let cells = (0..width).step_by(by_column);
        cells
            .map(|column| if cell(row, column) { '#' } else { '.' })
            .collect()
    };
    (0..height).step_by(by_row).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_the_smallest_around_what_is_seen() {
        let mut seen = vec![false; 12];
        assert_eq!(around(&seen, 4), None);
        (seen[5], seen[10]) = (true, true);
        let region = around(&seen, 4).unwrap();
        assert_eq!(
            (region.top, region.left, region.height, region.width),
            (1, 1, 2, 2)
        );
        assert_eq!(region.picture, ["....", ".#..", "..#."]);
        // A large image in fewer rows and columns.
        let mut wide = vec![false; 64 * 128];
        wide[127] = true;
        let picture = picture(&wide, 128);
        assert_eq!((picture.len(), picture[0].len()), (32, 64));
        assert!(picture[0].ends_with(".#") && !picture[1].contains('#'));
    }
}
