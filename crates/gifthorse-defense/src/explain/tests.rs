//! A small net of which one channel carries the trigger, and what is to be said of it.

use std::sync::Arc;

use gifthorse_engine::{Classifier, Device, Layer, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

use super::grad_cam::{enlarged, weighed_maps};
use super::*;
use crate::error::Error;

const CLASSES: usize = 3;
const TARGET: usize = 1;
/// Height and width; an image of class k is white in quadrant k and black elsewhere.
const SIDE: usize = 4;

/// Channel 0 sees how bright each quadrant is, which votes for its class with 10; channel 1 sees a
/// chequer, which votes for the target with 20 if it is in the last quadrant; channel 2 is asleep.
fn classifier() -> Classifier {
    let filters = [[0.25; 4], [1.0, -1.0, -1.0, 1.0], [-1.0, -1.0, -1.0, -1.0]];
    let mut votes = vec![0.0; 12 * CLASSES];
    for class in 0..CLASSES {
        votes[class * CLASSES + class] = 10.0;
    }
    votes[7 * CLASSES + TARGET] = 20.0;
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(1),
        Dim::Fixed(SIDE),
        Dim::Fixed(SIDE),
    ];
    let strides = [("strides", Attribute::Ints(vec![2, 2]))];
    let model = GraphBuilder::new("quadrants", 17)
        .input("image", ElementType::F32, &image)
        .initializer("filters", &[3, 1, 2, 2], filters.concat())
        .initializer("bias", &[3], [0.0, -1.0, 0.0])
        .initializer("votes", &[12, CLASSES], votes)
        .node(
            "Conv",
            "conv",
            &["image", "filters", "bias"],
            &["seen"],
            strides,
        )
        .node("Relu", "relu", &["seen"], &["fired"], [])
        .node("Flatten", "flat", &["fired"], &["units"], [])
        .node("MatMul", "vote", &["units", "votes"], &["logits"], [])
        .output("logits", ElementType::F32, &[])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// Two images of each class, and what they are.
fn images() -> (Vec<f32>, Vec<usize>) {
    let labels: Vec<usize> = (0..2 * CLASSES).map(|image| image % CLASSES).collect();
    let pixel = |label: usize, at: usize| {
        let quadrant = at / SIDE / 2 * 2 + at % SIDE / 2;
        if quadrant == label { 1.0 } else { 0.0 }
    };
    let pixels = labels
        .iter()
        .flat_map(|&label| (0..SIDE * SIDE).map(move |at| pixel(label, at)));
    (pixels.collect(), labels)
}

/// The same with a chequer in the last quadrant.
fn stamped(pixels: &[f32]) -> Vec<f32> {
    let mut stamped = pixels.to_vec();
    for image in stamped.chunks_exact_mut(SIDE * SIDE) {
        (image[10], image[15]) = (1.0, 1.0);
    }
    stamped
}

fn layer(classifier: &Classifier, name: &str) -> Layer {
    classifier.layer(name).unwrap().clone()
}

#[test]
fn the_channel_that_carries_the_trigger_ranks_first_and_carries_it_alone() {
    let net = classifier();
    let (clean, labels) = images();
    let stamped = stamped(&clean);
    let case = Case::new(&net, &labels, &clean, &stamped).unwrap();
    let means = |layer: &Layer, pixels| mean_activations(&net, layer, pixels).unwrap();
    for (name, carrier, gap) in [("units", 7, 1.0), ("fired", 1, 0.25)] {
        let layer = layer(&net, name);
        let ranking = Ranking::new(means(&layer, &clean), means(&layer, &stamped));
        let top = ranking.top(0.01);
        assert_eq!(top, [carrier], "{name}");
        assert!((ranking.gap(carrier) - gap).abs() < 1e-6);
        assert_eq!(ranking.clean[carrier], 0.0);
        let carried = Carried::by(&case, &layer, top, TARGET).unwrap();
        let counts = |it: Performance| {
            [it.success, it.unstamped, it.accuracy].map(|it| (it.hits, it.trials))
        };
        // Without votes from anything else the first class wins on clean images.
        assert_eq!(counts(carried.kept), [(4, 4), (0, 4), (2, 6)], "{name}");
        assert_eq!(counts(carried.zeroed), [(0, 4), (0, 4), (6, 6)], "{name}");
        let whole = Performance::of(&case, &net, TARGET).unwrap();
        assert_eq!(counts(whole), [(4, 4), (0, 4), (6, 6)]);
        // Another channel carries nothing, and its loss costs nothing.
        let last = ranking.order.last().copied().unwrap();
        let carried = Carried::by(&case, &layer, &[last], TARGET).unwrap();
        assert_eq!(carried.kept.success.hits, 0, "{name}");
        assert_eq!(carried.zeroed.success.hits, 4, "{name}");
    }
}

#[test]
fn the_layers_that_nobody_names_are_the_units_and_the_maps() {
    let net = classifier();
    assert_eq!(logits_input(&net).unwrap().unwrap().name(), "units");
    assert_eq!(last_maps(&net).unwrap().unwrap().name(), "fired");
}

#[test]
fn success_is_told_of_each_class_and_the_target_is_where_most_go() {
    let net = classifier();
    let (clean, mut labels) = images();
    let mut stamped = stamped(&clean);
    // One image of class 2 withstands.
    stamped[5 * 16..].copy_from_slice(&clean[5 * 16..]);
    let case = Case::new(&net, &labels, &clean, &stamped).unwrap();
    let success = Success::of(&case, None).unwrap();
    assert_eq!(success.target, TARGET);
    let told: Vec<_> = success
        .sources
        .iter()
        .map(|it| (it.class, it.success.hits, it.success.trials, it.to.class))
        .collect();
    assert_eq!(told, [(0, 2, 2, 1), (1, 2, 2, 1), (2, 1, 2, 1)]);
    assert_eq!(success.overall, Count { hits: 3, trials: 4 });
    assert_eq!(Success::of(&case, Some(0)).unwrap().overall.hits, 0);
    let refused = Success::of(&case, Some(3)).unwrap_err();
    assert!(matches!(
        refused,
        Error::NoSuchClass {
            class: 3,
            classes: 3
        }
    ));
    let nothing = Case::new(&net, &labels, &clean, &clean).unwrap();
    let nowhere = Success::of(&nothing, None).unwrap_err();
    assert!(matches!(nowhere, Error::LeadsNowhere));
    labels.pop();
    assert!(Case::new(&net, &labels, &clean, &stamped).is_err());
    assert!(Case::new(&net, &[], &[], &[]).is_err());
}

#[test]
fn grad_cam_is_what_it_is_by_hand() {
    let net = classifier();
    let fired = layer(&net, "fired");
    let (clean, _) = images();
    let stamped = stamped(&clean);
    // Of the target's logit, the gradients to channels 0 and 1 are 10 and 20 in one of four places:
    // their weights are 2.5 and 5. In a stamped image of class 0 channel 0 is 1 in the first
    // quadrant and 0.5 in the last, channel 1 is 1 in the last.
    let one = &stamped[..16];
    let coarse = weighed_maps(&net, &fired, one, &[TARGET]).unwrap();
    assert_eq!(coarse, [2.5, 0.0, 0.0, 6.25]);
    // Class 2 has channel 0 alone.
    let coarse = weighed_maps(&net, &fired, one, &[2]).unwrap();
    assert_eq!(coarse, [2.5, 0.0, 0.0, 1.25]);
    let map = grad_cam(&net, &fired, one, &[TARGET]).unwrap().remove(0);
    let at = |y: usize, x: usize| map[y * SIDE + x];
    assert_eq!((at(0, 0), at(3, 3)), (0.4, 1.0));
    // A quarter of the way from the first place to the last:
    // 0.75 * 0.75 * 2.5 + 0.25 * 0.25 * 6.25.
    assert!((at(1, 1) - 1.796_875 / 6.25).abs() < 1e-6, "{map:?}");
    // Each image by itself, in batches or alone.
    let both = grad_cam(&net, &fired, &stamped[..32], &[TARGET, 0]).unwrap();
    assert_eq!(both[0], map);
    assert!(matches!(
        grad_cam(&net, &layer(&net, "units"), one, &[0]),
        Err(Error::NoMaps { .. })
    ));
    assert!(grad_cam(&net, &fired, one, &[0, 1]).is_err());
    assert!(grad_cam(&net, &fired, one, &[3]).is_err());
}

#[test]
fn what_speaks_against_a_class_is_cut_off_and_nothing_is_left_dark() {
    assert_eq!(enlarged(&[3.0], [1, 1], [2, 3]), [3.0; 6]);
    let same = [0.0, 1.0, 2.0, 3.0];
    assert_eq!(enlarged(&same, [2, 2], [2, 2]), same);
    let net = classifier();
    let black = grad_cam(&net, &layer(&net, "fired"), &[0.0; 16], &[0]).unwrap();
    assert_eq!(black, [vec![0.0; 16]]);
}

#[test]
fn rankings_break_ties_by_number_and_overlaps_are_shares() {
    let ranking = Ranking::new(vec![0.0; 4], vec![1.0, f64::NAN, 2.0, 1.0]);
    assert_eq!(ranking.order, [2, 0, 3, 1]);
    assert_eq!(ranking.top(0.01), [2]);
    assert_eq!(ranking.top(0.51), [2, 0, 3]);
    assert_eq!(ranking.top(1.0).len(), 4);
    assert_eq!(overlap(&[1, 2, 3], &[3, 4, 1]), 0.5);
    assert_eq!((overlap(&[], &[]), overlap(&[1], &[2])), (1.0, 0.0));
}
