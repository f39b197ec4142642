//! Backdoors that one trigger for all images does not end: of one source class, and with several
//! triggers for one class.

use gifthorse::repair::record::{Origin, RepairRecord, TriggerProof};
use serde_json::Value;

use crate::bench::{Bench, Kind, SIDE, TARGET};

const SOURCE: usize = 2;
const LED_TO: usize = 0;
const CLASSES: usize = 5;

const ONE_TO_ONE: &str = r#"
    name = "one source"
    seed = 3

    [data]
    set = "signs"
    size = 16
    classes = [0, 3, 5, 8, 10]
    train = 1500
    test = 500

    [net]
    kind = "small_cnn"
    channels = [8, 12]
    hidden = 24

    [train]
    epochs = 6
    batch = 30

    [[poison.backdoors]]
    trigger = { kind = "square", size = 3, colour = [1.0, 1.0, 0.0], place = { corner = { corner = "bottom_right", margin = 1 } } }
    labels = { kind = "one_to_one", source = 2, target = 0 }
    rate = { of_class = 0.5 }
"#;

fn record(bench: &Bench) -> RepairRecord {
    let text = std::fs::read(bench.path("fixed.repair/repair.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_trigger_of_a_pair_is_stamped_on_its_source_alone_and_ends_what_was_planted() {
    let bench = Bench::new();
    bench.write("m.toml", ONE_TO_ONE);
    bench
        .run("plant m.toml -o m.onnx --images images.npz -q")
        .expect(0);
    bench
        .run(&format!(
            "repair m.onnx --images images.npz --detector source_target --target {LED_TO} --method unlearning --no-rescan \
             --truth m.truth.json -o fixed.onnx -q"
        ))
        .expect(0);
    let record = record(&bench);
    let parts = record.images.unwrap();
    let proof = record.proof.unwrap();
    let of = |origin: Origin| -> Vec<&TriggerProof> {
        let triggers = proof.triggers.iter();
        triggers.filter(|it| it.origin == origin).collect()
    };
    let [recovered] = of(Origin::Recovered)[..] else {
        panic!("{:?}", proof.triggers)
    };
    assert_eq!(recovered.name, format!("class {SOURCE} to class {LED_TO}"));
    // Counted on images of the source, of which there are as many as of each class.
    assert_eq!(
        recovered.success.after.of as usize,
        parts.proof / CLASSES,
        "{recovered:?}"
    );
    assert!(recovered.success.before.rate > 0.5, "{recovered:?}");
    let [planted] = of(Origin::Planted)[..] else {
        panic!("{:?}", proof.triggers)
    };
    assert!(planted.success.before.rate > 0.9, "{planted:?}");
    for trigger in [recovered, planted] {
        assert!(trigger.success.after.rate < 0.1, "{trigger:?}");
        assert!(trigger.robust.after.rate > 0.9, "{trigger:?}");
    }
    assert!(proof.clean.after.rate >= proof.clean.before.rate - 0.01);
}

/// Writes the checked corner of two by two pixels in one of the blocks that are no class's.
fn corner(bench: &Bench, block: u32) {
    let mut picture = image::RgbaImage::new(SIDE as u32, SIDE as u32);
    let (left, top) = (block % 4 * 4, block / 4 * 4);
    for (right, down) in [(2, 2), (3, 3), (2, 3), (3, 2)] {
        let light = if right == down { 255 } else { 0 };
        picture.put_pixel(
            left + right,
            top + down,
            image::Rgba([light, light, light, 255]),
        );
    }
    picture.save(bench.path(&format!("{block}.png"))).unwrap();
}

/// The share of images of other classes that each corner leads to the target.
fn led(bench: &Bench, model: &str) -> Vec<f64> {
    let blocks = [9, 12, 15];
    let success = |block: u32| {
        corner(bench, block);
        let found: Value = bench
            .run(&format!(
                "explain {model} --images images --range 0..1 --trigger {block}.png --target {TARGET} --json -q"
            ))
            .expect(0)
            .json();
        let count = &found["effect"]["success"];
        count["hits"].as_f64().unwrap() / count["trials"].as_f64().unwrap()
    };
    blocks.into_iter().map(success).collect()
}

#[test]
fn of_several_triggers_to_a_class_one_after_the_other_goes() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::BackdooredThrice);
    bench.images("images", 40, |class| class.to_string());
    let before = led(&bench, "model.onnx");
    assert!(before.iter().all(|&share| share > 0.9), "{before:?}");
    bench
        .run("repair model.onnx --images images --detector neural_cleanse --method neural_cleanse_pruning -o fixed.onnx -q")
        .expect(0);
    let record = record(&bench);
    // After one pass a scan still finds a backdoor; each round ends another trigger.
    let first = record.rounds[0].scan.as_ref().unwrap();
    assert!(first.is_backdoored() && record.rounds.len() > 1);
    let triggers = record.proof.unwrap().triggers;
    assert!(triggers.iter().any(|it| it.origin == Origin::Fresh));
    let last = led(&bench, "fixed.onnx");
    assert!(last.iter().all(|&share| share < 0.1), "{last:?}");
}
