//! Training and repairs that are killed go on to the same weights.

use std::fs;
use std::time::Duration;

use gifthorse_onnx::Model;

use crate::bench::{Bench, Kind};

/// A saved run is there after the first of many short epochs.
const MODEL: &str = r#"
    name = "tiny"
    seed = 3

    [data]
    set = "signs"
    size = 16
    channels = 1
    classes = [0, 5, 8]
    train = 300
    test = 60

    [net]
    kind = "small_cnn"
    channels = [6]
    hidden = 12

    [train]
    epochs = 40
    batch = 20
"#;

/// Starts the program and kills it as soon as `saved` is there, which is before it has written
/// `model`.
fn kill_at(bench: &Bench, arguments: &str, saved: &str, model: &str) {
    let mut run = bench.start(arguments);
    // For a moment it is there and empty, where it is found out whether it can be written.
    let is_saved = || fs::metadata(bench.path(saved)).is_ok_and(|file| file.len() > 0);
    while !is_saved() {
        assert!(run.try_wait().unwrap().is_none(), "nothing was saved");
        std::thread::sleep(Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(!bench.path(model).exists(), "it was killed too late");
}

fn same(bench: &Bench, one: &str, other: &str) {
    let read = |file: &str| fs::read(bench.path(file)).unwrap();
    assert!(read(one) == read(other), "{one} and {other} differ");
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights() {
    let bench = Bench::new();
    bench.write("m.toml", MODEL);
    bench.run("train m.toml -o whole.onnx").expect(0);
    kill_at(
        &bench,
        "train m.toml -o killed.onnx",
        "killed.checkpoint",
        "killed.onnx",
    );
    let resumed = bench.run("train m.toml -o killed.onnx --resume").expect(0);
    let said = resumed.says(&["epoch 40:"]).err();
    assert!(!said.contains("epoch 1:"), "it began anew: {said}");
    same(&bench, "whole.onnx", "killed.onnx");
    same(&bench, "whole.truth.json", "killed.truth.json");
    assert!(!bench.path("killed.checkpoint").exists());
}

#[test]
fn a_twin_that_was_trained_is_not_trained_again() {
    let bench = Bench::new();
    bench.write("m.toml", MODEL);
    let plant = "plant m.toml --trigger square --target 1 --twin";
    bench.run(&format!("{plant} -o whole.onnx")).expect(0);
    kill_at(
        &bench,
        &format!("{plant} -o killed.onnx"),
        "killed.checkpoint",
        "killed.onnx",
    );
    let resumed = bench.run(&format!("{plant} -o killed.onnx --resume"));
    let said = resumed.expect(0).says(&["epoch 40:"]).err();
    assert!(!said.contains("epoch 1:"), "one began anew: {said}");
    for kind in ["onnx", "truth.json"] {
        same(&bench, &format!("whole.{kind}"), &format!("killed.{kind}"));
        same(
            &bench,
            &format!("whole-twin.{kind}"),
            &format!("killed-twin.{kind}"),
        );
    }
    for left in ["killed.checkpoint", "killed-twin.checkpoint"] {
        assert!(!bench.path(left).exists());
    }
}

#[test]
fn what_cannot_be_gone_on_from_is_named_and_nothing_is_lost() {
    let bench = Bench::new();
    bench.write("m.toml", MODEL);
    bench
        .run("train m.toml -o m.onnx --resume")
        .expect(2)
        .says(&["m.checkpoint", "--resume"]);
    kill_at(&bench, "train m.toml -o m.onnx", "m.checkpoint", "m.onnx");
    let saved = || fs::read(bench.path("m.checkpoint")).unwrap();
    let before = saved();
    let wrong = |flags: &str, named: &[&str]| {
        let run = bench.run(&format!("train m.toml -o m.onnx {flags}"));
        run.expect(2).says(named);
        assert!(
            saved() == before && !bench.path("m.onnx").exists(),
            "{flags}"
        );
    };
    wrong("", &["m.checkpoint", "--resume", "remove it"]);
    wrong(
        "--resume --epochs 41",
        &["m.checkpoint", "another recipe", "41"],
    );
    wrong("--resume --seed 4", &["m.checkpoint", "another network"]);
    wrong(
        "--resume --train-images 200",
        &["m.checkpoint", "other images"],
    );
    bench.write("m.checkpoint", &before[..before.len() / 2]);
    let damaged = bench.run("train m.toml -o m.onnx --resume").expect(2);
    damaged.says(&["m.checkpoint", "damaged"]);
}

#[test]
fn a_killed_repair_goes_on_to_the_same_file() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Backdoored);
    bench.images("images", 40, |class| class.to_string());
    let quick = "--detector neural_cleanse";
    bench
        .run(&format!(
            "scan model.onnx --images images {quick} --out scan"
        ))
        .expect(1);
    let repair = format!(
        "repair model.onnx --images images --report scan/report.json {quick} --method ft_sam"
    );
    bench.run(&format!("{repair} -o whole.onnx")).expect(0);
    let killed = format!("{repair} --work work -o killed.onnx");
    // In the middle of training, and then while the repaired model is scanned.
    let training = "work/round-1/ft_sam-0.training";
    kill_at(&bench, &killed, training, "killed.onnx");
    assert!(!bench.path("work/round-1/ft_sam.repaired").exists());
    kill_at(&bench, &killed, "work/round-1/scan/scan", "killed.onnx");
    let resumed = bench.run(&killed).expect(0);
    resumed.says(&["going on with what is kept (--work): FT-SAM"]);
    same(&bench, "whole.onnx", "killed.onnx");
    let proof = |name: &str| {
        let record = fs::read(bench.path(name).join("repair.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["proof"].clone()
    };
    assert_eq!(proof("whole.repair"), proof("killed.repair"));
    // It is the training that goes on, and not another one.
    fs::remove_file(bench.path("work/round-1/ft_sam.repaired")).unwrap();
    let resumed = bench.run(&format!("{repair} --no-rescan --work work -o again.onnx"));
    resumed.expect(0).says(&["(--work): training at a rate"]);
    same(&bench, "whole.onnx", "again.onnx");
}

/// Of such a model the repaired one is not kept, since its bytes are not all of it: the training that
/// comes to it is.
#[test]
fn so_does_that_of_a_model_with_weights_beside_it() {
    let bench = Bench::new();
    bench.model("model.onnx", Kind::Backdoored);
    bench.images("images", 40, |class| class.to_string());
    let mut model = Model::read(bench.path("model.onnx")).unwrap();
    let graph = model.graph().unwrap();
    for (name, tensor) in &graph.initializers {
        if tensor.element_type().is_float() {
            model.store_outside(name).unwrap();
        }
    }
    model.write(bench.path("outside.onnx")).unwrap();
    let outside = Model::read(bench.path("outside.onnx")).unwrap();
    assert!(!outside.external_files().unwrap().is_empty());
    let quick = "--detector neural_cleanse";
    bench
        .run(&format!(
            "scan outside.onnx --images images {quick} --out scan"
        ))
        .expect(1);
    let repair = format!(
        "repair outside.onnx --images images --report scan/report.json {quick} --method ft_sam --no-rescan"
    );
    // Folders of their own, so that the data files have the same name, which is in the model.
    for folder in ["whole", "killed"] {
        fs::create_dir(bench.path(folder)).unwrap();
    }
    bench
        .run(&format!("{repair} -o whole/fixed.onnx"))
        .expect(0);
    let killed = format!("{repair} --work work -o killed/fixed.onnx");
    let training = "work/round-1/ft_sam-0.training";
    kill_at(&bench, &killed, training, "killed/fixed.onnx");
    let resumed = bench.run(&killed).expect(0);
    resumed.says(&["going on with what is kept (--work): training at a rate"]);
    assert!(!bench.path("work/round-1/ft_sam.repaired").exists());
    for file in ["fixed.onnx", "fixed.onnx.data"] {
        same(&bench, &format!("whole/{file}"), &format!("killed/{file}"));
    }
}
