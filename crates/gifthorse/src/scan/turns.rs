//! Turns that cameras note beside pictures (EXIF): whether the model was made for pictures with
//! them or without, its accuracy tells.

use std::path::Path;

use gifthorse_data::{Exif, LoadOptions, Loaded, balanced_sample, load};
use gifthorse_defense::preflight::{Extent, preflight};
use gifthorse_defense::preflight_stats::PairedAccuracy;
use gifthorse_engine::{Classifier, Preprocess};

use crate::{Error, ExifChoice};

/// Pictures with a turn that both ways are tried on.
const COMPARED: usize = 256;
/// One way has to be better with less than this probability of chance.
const SIGNIFICANCE: f64 = 0.05;

/// What came of the turns.
pub struct Turns {
    /// What was done.
    pub exif: Exif,
    /// Images that carry one.
    pub count: usize,
    /// What the user should know.
    pub message: Option<String>,
    /// The preprocessing that they were judged with, where it was left open.
    pub preprocess: Option<Preprocess>,
}

/// How the images are read first.
pub fn first(choice: ExifChoice) -> Exif {
    match choice {
        ExifChoice::Auto => Exif::Ignore,
        ExifChoice::Given(exif) => exif,
    }
}

/// Reads images. Where the choice is left open and some carry a turn, they are read both ways, and
/// the turn is applied if the model is right on clearly more of these then; nothing tells that
/// without labels. If `auto` leaves the preprocessing open as well, that is chosen before, since no
/// model is right on anything with the wrong one: the best of the usual ones, whichever way it is
/// the best in.
///
/// # Errors
/// Images that cannot be read, a label without a class, a model that cannot be run.
pub fn settle(
    path: &Path,
    options: LoadOptions,
    choice: ExifChoice,
    classifier: &Classifier,
    auto: bool,
) -> Result<(Loaded, Turns), Error> {
    let stored = load(path, &options)?;
    let count = stored.turned.len();
    let turns = |exif, message| Turns {
        exif,
        count,
        message,
        preprocess: None,
    };
    if choice != ExifChoice::Auto || count == 0 {
        return Ok((stored, turns(options.exif, None)));
    }
    let carry = format!(
        "{count} of {} images carry a turn (EXIF)",
        stored.images.len()
    );
    let Some(labels) = stored.images.labels() else {
        let message = format!("{carry} that was not applied: --exif apply turns them upright");
        return Ok((stored, turns(Exif::Ignore, Some(message))));
    };
    let of_turned: Vec<usize> = stored.turned.iter().map(|&place| labels[place]).collect();
    let chosen = balanced_sample(&of_turned, COMPARED, options.seed);
    let places: Vec<usize> = chosen.iter().map(|&i| stored.turned[i]).collect();
    let labels: Vec<usize> = chosen.iter().map(|&i| of_turned[i]).collect();
    let seed = options.seed;
    let upright = load(
        path,
        &LoadOptions {
            exif: Exif::Apply,
            ..options
        },
    )?;
    let classifier = match auto {
        true => &most_accurate(classifier, [&stored, &upright], seed)?,
        false => classifier,
    };
    let turns = |exif, message| Turns {
        preprocess: auto.then(|| classifier.preprocess().clone()),
        ..turns(exif, message)
    };
    let predict = |loaded: &Loaded| classifier.predict(loaded.images.subset(&places).pixels());
    let pair = PairedAccuracy::compare(&labels, &predict(&stored)?, &predict(&upright)?, 1)
        .map_err(gifthorse_defense::Error::from)?;
    let rates = format!(
        "the model is right on {:.0} % of them upright and on {:.0} % as they are stored",
        100.0 * pair.alternative_accuracy,
        100.0 * pair.given_accuracy
    );
    let applied = pair.p_value < SIGNIFICANCE && pair.alternative_accuracy > pair.given_accuracy;
    Ok(if applied {
        let message = format!("{carry}, which was applied: {rates}");
        (upright, turns(Exif::Apply, Some(message)))
    } else {
        let message = format!("{carry} that was not applied: {rates} (--exif apply turns them)");
        (stored, turns(Exif::Ignore, Some(message)))
    })
}

/// The classifier under the usual preprocessing with which it is right most often on either reading
/// of the images.
fn most_accurate(
    classifier: &Classifier,
    readings: [&Loaded; 2],
    seed: u64,
) -> Result<Classifier, Error> {
    let mut best: Option<(f64, Preprocess)> = None;
    for Loaded { images, .. } in readings {
        let places = balanced_sample(images.labels().unwrap_or_default(), COMPARED, seed);
        let sample = images.subset(&places);
        let measured = preflight(classifier, &sample, Extent::default(), seed)?;
        let given = measured
            .accuracy
            .map(|given| (given, classifier.preprocess()));
        let other = measured.most_accurate();
        let other = other.and_then(|other| Some((other.accuracy?, &other.preprocess)));
        for (accuracy, preprocess) in given.into_iter().chain(other) {
            if best.as_ref().is_none_or(|(best, _)| accuracy.value > *best) {
                best = Some((accuracy.value, preprocess.clone()));
            }
        }
    }
    Ok(match best {
        Some((_, preprocess)) => classifier.with_preprocess(preprocess)?,
        None => classifier.clone(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gifthorse_data::ImageShape;
    use gifthorse_engine::{Device, PixelRange};
    use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

    use super::*;

    /// Tells which of four pixels is the brightest: top left, top right, bottom left, bottom right.
    fn classifier() -> Classifier {
        let image = [1, 1, 2, 2].map(Dim::Fixed);
        let model = GraphBuilder::new("corners", 17)
            .input("image", ElementType::F32, &image)
            .node("Flatten", "flat", &["image"], &["logits"], [])
            .output("logits", ElementType::F32, &[1, 4].map(Dim::Fixed))
            .finish()
            .unwrap();
        let graph = Arc::new(model.graph().unwrap());
        Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
    }

    /// A TIFF file of 2x2 grey pixels, as stored, that notes how it is to be turned.
    fn tiff(bright: usize, orientation: u32) -> Vec<u8> {
        let mut bytes = b"II*\0\x0c\0\0\0".to_vec();
        bytes.extend((0..4).map(|at| if at == bright { 250 } else { 5 }));
        let entries: [(u16, u32); 10] = [
            (256, 2),
            (257, 2),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 8),
            (274, orientation),
            (277, 1),
            (278, 2),
            (279, 4),
        ];
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend([3, 0, 1, 0, 0, 0]);
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend([0; 4]);
        bytes
    }

    /// Four pictures a class, of which two are stored lying on their left side.
    fn pictures(dir: &Path, folder_of: impl Fn(usize) -> String) {
        for class in 0..4 {
            let folder = dir.join(folder_of(class));
            std::fs::create_dir_all(&folder).unwrap();
            for i in 0..4 {
                let file = match i % 2 {
                    0 => tiff(class, 1),
                    _ => tiff([2, 0, 3, 1][class], 6),
                };
                std::fs::write(folder.join(format!("{class}-{i}.tiff")), file).unwrap();
            }
        }
    }

    fn settled(dir: &Path, choice: ExifChoice) -> (Vec<usize>, Turns) {
        let classifier = classifier();
        let target = ImageShape {
            channels: 1,
            height: 2,
            width: 2,
        };
        let options = LoadOptions {
            target: Some(target),
            exif: first(choice),
            classes: Some(4),
            ..LoadOptions::default()
        };
        let (loaded, turns) = settle(dir, options, choice, &classifier, false).unwrap();
        (classifier.predict(loaded.images.pixels()).unwrap(), turns)
    }

    #[test]
    fn turns_are_applied_where_the_model_is_right_then() {
        let dir = tempfile::tempdir().unwrap();
        pictures(dir.path(), |class| class.to_string());
        let upright: Vec<usize> = (0..16).map(|i| i / 4).collect();
        let (predicted, turns) = settled(dir.path(), ExifChoice::Auto);
        assert_eq!(
            (predicted, turns.exif, turns.count),
            (upright, Exif::Apply, 8)
        );
        let message = turns.message.unwrap();
        assert!(
            message.contains("8 of 16") && message.contains("was applied: "),
            "{message}"
        );
    }

    #[test]
    fn turns_that_help_nothing_are_told_and_not_applied() {
        // The labels are those of the pictures as they are stored.
        let dir = tempfile::tempdir().unwrap();
        for class in 0..4 {
            let folder = dir.path().join(class.to_string());
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("1.tiff"), tiff(class, 6)).unwrap();
        }
        let (predicted, turns) = settled(dir.path(), ExifChoice::Auto);
        assert_eq!((predicted, turns.exif), (vec![0, 1, 2, 3], Exif::Ignore));
        assert!(
            turns
                .message
                .unwrap()
                .contains("4 of 4 images carry a turn (EXIF) that was not")
        );
    }

    #[test]
    fn without_labels_turns_are_told_and_what_is_asked_for_is_done() {
        let dir = tempfile::tempdir().unwrap();
        pictures(dir.path(), |_| String::new());
        let (stored, turns) = settled(dir.path(), ExifChoice::Auto);
        assert_eq!(turns.exif, Exif::Ignore);
        assert!(turns.message.unwrap().contains("--exif apply"));
        let (upright, turns) = settled(dir.path(), ExifChoice::Given(Exif::Apply));
        assert_eq!(
            (turns.exif, turns.count, turns.message),
            (Exif::Apply, 8, None)
        );
        assert_ne!(stored, upright);
        let (ignored, _) = settled(dir.path(), ExifChoice::Given(Exif::Ignore));
        assert_eq!(ignored, stored);
    }

    #[test]
    fn turns_are_judged_with_the_preprocessing_that_is_found() {
        // It takes pixels from 0 to 255; with less the first class always wins.
        let image = [1, 1, 2, 2].map(Dim::Fixed);
        let model = GraphBuilder::new("corners", 17)
            .input("image", ElementType::F32, &image)
            .initializer("bias", &[1, 4], [100.0, 0.0, 0.0, 0.0])
            .node("Flatten", "flat", &["image"], &["pixels"], [])
            .node("Add", "add", &["pixels", "bias"], &["logits"], [])
            .output("logits", ElementType::F32, &[1, 4].map(Dim::Fixed))
            .finish()
            .unwrap();
        let graph = Arc::new(model.graph().unwrap());
        let classifier =
            Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        pictures(dir.path(), |class| class.to_string());
        let options = || LoadOptions {
            target: Some(ImageShape {
                channels: 1,
                height: 2,
                width: 2,
            }),
            exif: Exif::Ignore,
            classes: Some(4),
            ..LoadOptions::default()
        };
        let settled = |auto| {
            let settled = settle(dir.path(), options(), ExifChoice::Auto, &classifier, auto);
            settled.unwrap().1
        };
        assert_eq!(settled(false).exif, Exif::Ignore);
        let found = settled(true);
        assert_eq!(found.exif, Exif::Apply);
        assert_eq!(found.preprocess.unwrap().range, PixelRange::Byte);
    }
}
