//! A scan of many classes searches few of them to the end, finds the backdoor and says what it left
//! out.

use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::bench::Bench;

const CLASSES: usize = 70;
const TARGET: usize = 31;
/// Blocks of two by two pixels in a row; an image of class k has a bright one at place k.
const GRID: usize = 9;
/// Beside the blocks there is a margin, black in every image.
const SIDE: usize = 2 * GRID + 2;

/// Each class sees its own block, and the target a pixel of the margin as well.
fn model(bench: &Bench, name: &str) {
    let pixels = 3 * SIDE * SIDE;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut weight = vec![0.0; pixels * CLASSES];
    for class in 0..CLASSES {
        let strength = random.random_range(2.4..2.6);
        for (y, x) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (y, x) = (2 * (class / GRID) + y, 2 * (class % GRID) + x);
            weight[(y * SIDE + x) * CLASSES + class] = 3.0 * strength;
        }
    }
    weight[(SIDE * SIDE - 1) * CLASSES + TARGET] = 60.0;
    let batch = || Dim::Named("batch".to_owned());
    let image = [batch(), Dim::Fixed(3), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
    let mut graph = GraphBuilder::new("many", 17);
    graph
        .input("image", ElementType::F32, &image)
        .initializer("weight", &[pixels, CLASSES], weight)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "score", &["pixels", "weight"], &["logits"], [])
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)]);
    graph.finish().unwrap().write(bench.path(name)).unwrap();
}

fn images(bench: &Bench, name: &str) {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for class in 0..CLASSES {
        let folder = bench.path(name).join(format!("{class:02}"));
        std::fs::create_dir_all(&folder).unwrap();
        for i in 0..6 {
            let picture = RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
                let (x, y) = (x as usize, y as usize);
                let margin = x >= 2 * GRID || y >= 2 * GRID;
                let lit = !margin && y / 2 * GRID + x / 2 == class;
                let noise = if margin {
                    0
                } else {
                    random.random_range(0..60)
                };
                image::Rgb([noise + if lit { 180 } else { 0 }; 3])
            });
            picture.save(folder.join(format!("{i}.png"))).unwrap();
        }
    }
}

fn states(report: &Value, state: &str) -> Vec<u64> {
    let classes = report["detectors"][0]["findings"].as_array().unwrap();
    let of = classes.iter().filter(|class| class["state"] == state);
    of.map(|class| class["class"].as_u64().unwrap()).collect()
}

#[test]
fn many_classes_are_narrowed_down_and_the_report_says_so() {
    let bench = Bench::new();
    model(&bench, "many.onnx");
    images(&bench, "images");
    let scan = "scan many.onnx --images images --detector neural_cleanse --json --search";
    let report = bench.run(&format!("{scan} eliminate")).expect(1).json();
    // Beside the library's nets, all blocks of so simple a model are small; that of the backdoor is
    // the smallest.
    assert_eq!(report["targets"][0], TARGET);

    let eliminated = states(&report, "eliminated");
    assert_eq!(eliminated.len(), CLASSES - 64);
    let sampled = report["detectors"][0]["sampled"].as_array().unwrap();
    assert_eq!(sampled.len(), 40);
    for class in eliminated {
        let found = &report["detectors"][0]["findings"][class as usize];
        assert!(found["statistic"].is_null() && found["updates"].as_u64().unwrap() <= 32);
    }
    let lines = |value: &Value| value.to_string();
    assert!(lines(&report["coverage"]["tested"]).contains("any of the 70 classes"));
    assert!(lines(&report["coverage"]["not_tested"]).contains("one of 6 classes whose search"));
    assert!(lines(&report["reasons"]).contains("the 6 that were set aside"));

    // All that the low-cost mode would search to the end is all there is of three classes.
    let low_cost = format!("{scan} low-cost --classes 2,{TARGET},50 --exit-zero");
    let report = bench.run(&low_cost).expect(0).json();
    assert_eq!(report["detectors"][0]["parameters"]["search"], "low-cost");
    assert!(states(&report, "eliminated").is_empty());
    let searched = report["detectors"][0]["findings"].as_array().unwrap();
    assert_eq!(searched.len(), 3);
    let norm = |place: usize| searched[place]["statistic"].as_f64().unwrap();
    assert!(norm(1) < norm(0) && norm(1) < norm(2), "{searched:?}");
}
