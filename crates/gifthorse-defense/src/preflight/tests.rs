use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Channels, Device, PixelRange};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};

use super::*;

/// Colours that are told apart by their strongest channel, pixels above 1 counting as 1.
fn classifier(preprocess: Preprocess) -> Classifier {
    let image = [1, 3, 1, 1].map(Dim::Fixed);
    let model = GraphBuilder::new("colours", 17)
        .input("image", ElementType::F32, &image)
        .initializer("low", &[], [0.0])
        .initializer("high", &[], [1.0])
        .node("Clip", "clip", &["image", "low", "high"], &["clipped"], [])
        .node("Flatten", "flat", &["clipped"], &["logits"], [])
        .output("logits", ElementType::F32, &[1, 3].map(Dim::Fixed))
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, preprocess, None, &Device::flex()).unwrap()
}

fn colours(label_of: impl Fn(usize) -> usize) -> Images {
    let shape = ImageShape {
        channels: 3,
        height: 1,
        width: 1,
    };
    let count = 90;
    let pixels = (0..count).flat_map(|i| {
        let channel = move |c: usize| {
            if c == i % 3 {
                0.9
            } else {
                0.2 + 0.005 * i as f32
            }
        };
        (0..3).map(channel)
    });
    let names = (0..count).map(|i| i.to_string()).collect();
    let labels = (0..count).map(|i| label_of(i % 3)).collect();
    Images::new(shape, pixels.collect(), Some(labels), Vec::new(), names).unwrap()
}

#[test]
fn the_right_preprocessing_has_no_better_one() {
    let found = preflight(
        &classifier(Preprocess::default()),
        &colours(|c| c),
        Extent::default(),
        0,
    )
    .unwrap();
    assert_eq!(found.accuracy.unwrap().value, 1.0);
    assert_eq!((found.compared, found.predicted_classes), (90, 3));
    assert!(found.better().is_none() && found.most_accurate().is_none());
    assert!(!found.is_near_chance() && found.label_order.is_none());
    assert_eq!(found.chance, Some(1.0 / 3.0));
    assert_eq!(found.alternatives.len(), 12);
}

#[test]
fn a_wrong_range_and_a_wrong_channel_order_are_found() {
    let bytes = Preprocess {
        range: PixelRange::Byte,
        ..Preprocess::default()
    };
    let found = preflight(&classifier(bytes), &colours(|c| c), Extent::default(), 0).unwrap();
    assert_eq!(found.accuracy.unwrap().value, 1.0 / 3.0);
    let better = found.better().unwrap();
    assert_eq!(better.accuracy.unwrap().value, 1.0);
    assert_eq!(better.preprocess.channels, Channels::Rgb);

    let blue_first = Preprocess {
        channels: Channels::Bgr,
        ..Preprocess::default()
    };
    let found = preflight(
        &classifier(blue_first),
        &colours(|c| c),
        Extent::default(),
        0,
    )
    .unwrap();
    assert_eq!(found.better().unwrap().preprocess.channels, Channels::Rgb);
}

#[test]
fn images_of_one_class_can_be_right() {
    let images = colours(|c| c);
    let of_green: Vec<usize> = (0..images.len()).filter(|i| i % 3 == 1).collect();
    let green = images.into_subset(&of_green);
    let model = classifier(Preprocess::default());
    let found = preflight(&model, &green, Extent::default(), 0).unwrap();
    assert_eq!(found.accuracy.unwrap().value, 1.0);
    assert_eq!(found.chance, Some(1.0 / 3.0));
    assert!(!found.is_near_chance() && found.label_order.is_none());
    // As red, they are wrong.
    let red = green.with_labels(vec![0; of_green.len()]).unwrap();
    let found = preflight(&model, &red, Extent::default(), 0).unwrap();
    assert_eq!(found.label_order.unwrap().class_of_label[0], 1);
}

#[test]
fn without_labels_there_is_agreement_alone() {
    let images = colours(|c| c);
    let names = images.names().to_vec();
    let pixels = images.pixels().to_vec();
    let unlabelled = Images::new(images.shape(), pixels, None, Vec::new(), names).unwrap();
    let found = preflight(
        &classifier(Preprocess::default()),
        &unlabelled,
        Extent::default(),
        0,
    )
    .unwrap();
    assert_eq!((found.accuracy, found.chance), (None, None));
    assert!(found.better().is_none() && !found.is_near_chance());
    assert!(found.alternatives.iter().any(|other| other.agreement < 0.5));
    assert!(found.confidence.is_some_and(|c| c > 1.0 / 3.0 && c < 1.0));
}

#[test]
fn where_time_is_short_fewer_images_are_looked_at() {
    let images = colours(|c| c);
    let extent = Extent {
        images: 30,
        compared: 0,
    };
    let found = preflight(&classifier(Preprocess::default()), &images, extent, 0).unwrap();
    assert_eq!((found.measured.len(), found.predictions.len()), (30, 30));
    assert_eq!((found.compared, found.alternatives.len()), (0, 0));
    // Ten of each colour: the sample is even.
    assert_eq!(found.chance, Some(1.0 / 3.0));
    assert_eq!(found.accuracy.unwrap().value, 1.0);
    let all = preflight(
        &classifier(Preprocess::default()),
        &images,
        Extent::default(),
        0,
    );
    assert_eq!(all.unwrap().measured, (0..90).collect::<Vec<_>>());
}

#[test]
fn labels_without_a_class_are_refused_and_guessing_is_chance() {
    let model = classifier(Preprocess::default());
    assert!(matches!(
        preflight(&model, &colours(|c| c + 1), Extent::default(), 0),
        Err(Error::Preflight(PreflightError::Label {
            label: 3,
            classes: 3
        }))
    ));
    let images = colours(|c| c);
    let labels = (0..images.len()).map(|i| i / 30).collect();
    let found = preflight(
        &model,
        &images.with_labels(labels).unwrap(),
        Extent::default(),
        0,
    )
    .unwrap();
    assert!(found.is_near_chance());
}

#[test]
fn logits_that_are_not_numbers_are_counted_by_image_and_class() {
    let logits = [0.0, f32::NAN, 1.0, 2.0, f32::INFINITY, f32::NAN];
    let found = NotNumbers::among(&logits, 2);
    assert_eq!((found.images, found.classes), (2, vec![0, 1]));
    assert_eq!(NotNumbers::among(&[1.0; 6], 3), NotNumbers::default());
}
