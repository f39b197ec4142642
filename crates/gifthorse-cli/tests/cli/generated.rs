//! Triggers that a generator makes of each image: planted, kept beside the model, used again.

use serde_json::Value;

use crate::bench::Bench;

const AWARE: &str = r#"
    seed = 3

    [data]
    set = "signs"
    size = 16
    channels = 1
    classes = [0, 5, 8]
    train = 600
    test = 150

    [net]
    kind = "small_cnn"
    channels = [6]
    hidden = 12

    [train]
    epochs = 6
    batch = 20

    [poison]
    manner = "input_aware"
    generator = { channels = [4, 8], mask_steps = 60 }

    [[poison.backdoors]]
    trigger = { kind = "generated" }
    labels = { kind = "all_to_one", target = 1 }
    rate = { share = 0.2 }
"#;

#[test]
fn a_generator_lies_beside_the_model_and_stamps_images_wherever_it_is_named() {
    let bench = Bench::new();
    bench.write("aware.toml", AWARE);
    let run = bench
        .run("plant aware.toml -o made/m.onnx --twin --images i.npz")
        .expect(0);
    let run = run.says(&["epoch 6", "ASR"]);
    assert!(run.out().contains("of another image"), "{}", run.out());
    let truth = std::fs::read(bench.path("made/m.truth.json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    assert_eq!(truth["manner"], "input_aware");
    let planted = &truth["backdoors"][0];
    let trigger = &planted["trigger"];
    assert_eq!(trigger["generator"], "m.generator.onnx");
    assert!(planted["effect"]["cross"]["label_kept"].as_f64().is_some());
    assert!(bench.path("made/m.generator.onnx").exists());
    assert!(!bench.path("made/m-twin.generator.onnx").exists());

    // A table that names it, from another folder than the one that the program runs in.
    let table = format!(
        "kind = 'generated'\ngenerator = 'm.generator.onnx'\nsha256 = {}\n",
        trigger["sha256"]
    );
    bench.write("made/t.toml", &table);
    let draw = "trigger --toml made/t.toml --grey --size 16x16 -o drawn.png";
    bench.run(draw).expect(0);
    let drawn = image::open(bench.path("drawn.png")).unwrap().to_luma8();
    assert!(drawn.pixels().any(|pixel| pixel.0 != [128]));
    bench
        .run("trigger --toml made/t.toml --size 16x16 -o drawn.png")
        .expect(2)
        .says(&["m.generator.onnx", "it takes images of"]);

    // The truth is read with it, and not without it or with another file.
    let repair = "repair made/m.onnx --images i.npz --method fine_tuning --truth made/m.truth.json -o fixed.onnx";
    let generator = bench.path("made/m.generator.onnx");
    let bytes = std::fs::read(&generator).unwrap();
    std::fs::write(&generator, &bytes[..bytes.len() - 1]).unwrap();
    bench.run(draw).expect(2).says(&["SHA-256", "another file"]);
    bench
        .run(repair)
        .expect(2)
        .says(&["(--truth)", "m.generator.onnx", "SHA-256"]);
    std::fs::remove_file(&generator).unwrap();
    bench
        .run(repair)
        .expect(2)
        .says(&["(--truth)", "m.generator.onnx", "backdoor 1"]);
}

#[test]
fn what_is_no_generator_is_named_before_training() {
    let bench = Bench::new();
    bench.write("aware.toml", AWARE);
    let run = |with: &str| {
        bench
            .run(&format!("plant aware.toml -o m.onnx {with}"))
            .expect(2)
    };
    run("--with poison.generator.cross=2").says(&["`cross`"]);
    run("--with poison.manner=blind").says(&["generator"]);
    run("--with data.size=4 --with poison.generator.channels=[4,4,4,4]").says(&["size"]);
    assert!(!bench.path("m.onnx").exists());
}
