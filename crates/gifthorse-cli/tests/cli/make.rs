//! One model from a file or from flags.

use serde_json::Value;

use crate::bench::Bench;

const MODEL: &str = r#"
    name = "tiny"
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
"#;

const POISON: &str = r#"
    [[poison.backdoors]]
    trigger = { kind = "square", size = 4 }
    labels = { kind = "all_to_one", target = 1 }
    rate = { share = 0.2 }
"#;

/// As [`MODEL`], trained on enough images of each class to audit them.
const AUDITED: &str = r#"
    name = "audited"
    seed = 3

    [data]
    set = "signs"
    size = 16
    channels = 1
    classes = [0, 5, 8, 11]
    train = 800
    test = 150

    [net]
    kind = "small_cnn"
    channels = [8]
    hidden = 24

    [train]
    epochs = 8
    batch = 20
"#;

fn json(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(name)).unwrap()).unwrap()
}

#[test]
fn a_backdoor_takes_from_a_file_and_from_flags_alike() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    bench.write("bad.toml", format!("{MODEL}{POISON}"));
    let run = bench
        .run("plant bad.toml -o file/m.onnx --twin --images i.npz")
        .expect(0);
    let run = run.says(&["epoch 6", "CA", "ASR"]);
    assert!(run.out().contains("of the clean twin"), "{}", run.out());
    let flags = "--trigger square --target 1 --rate 0.2 --with poison.manner=replace";
    bench
        .run(&format!("plant clean.toml -o flags/m.onnx --json {flags}"))
        .expect(0);
    let model = |folder: &str| std::fs::read(bench.path(&format!("{folder}/m.onnx"))).unwrap();
    assert!(model("file") == model("flags"));

    let truth = json(&bench, "file/m.truth.json");
    let backdoor = &truth["backdoors"][0];
    let success = |of: &str, with: &str| backdoor[of][with]["other_classes"].as_f64().unwrap();
    assert!(truth["clean_accuracy"].as_f64().unwrap() > 0.7, "{truth}");
    assert!(success("effect", "with_trigger") > 0.8, "{truth}");
    assert!(success("effect", "without_trigger") < 0.4, "{truth}");
    assert!(success("twin", "with_trigger") < 0.6, "{truth}");
    assert_eq!(backdoor["poisoned"].as_array().unwrap().len(), 120);

    // The twin is what `train` makes, and can be taken from a file.
    bench.run("train clean.toml -o clean/m.onnx").expect(0);
    bench
        .run("train clean.toml -o other/m.onnx --seed 0")
        .expect(0);
    assert!(model("clean") != model("other"), "the file's seed is 3");
    let twin = std::fs::read(bench.path("file/m-twin.onnx")).unwrap();
    assert!(model("clean") == twin);
    bench
        .run("plant bad.toml -o again/m.onnx --twin=clean/m.onnx")
        .expect(0);
    assert_eq!(json(&bench, "again/m.truth.json"), truth);
    assert!(!bench.path("again/m-twin.onnx").exists());
    assert!(!bench.path("again/m.checkpoint").exists());

    let scan = bench.run(
        "scan file/m.onnx --images i.npz --class-names i.classes.json --max-time 1s --exit-zero",
    );
    scan.expect(0);
}

#[test]
fn settings_from_flags_need_no_file() {
    let bench = Bench::new();
    let flags = "--set signs --with data.size=16 --classes 0,5 --train-images 80 --test-images 20 --net small_cnn \
                 --with net.channels=[4] --with net.hidden=8 --epochs 1 --batch 20 --learning-rate 0.01";
    let run = bench
        .run(&format!(
            "train -o m.onnx --json --seed 5 {}",
            flags.replace("  ", " ")
        ))
        .expect(0);
    let run = run.says(&["80 images to train on, 20 to test on, 2 classes"]);
    let truth: Value = run.json();
    assert_eq!(truth, json(&bench, "m.truth.json"));
    assert!(truth["backdoors"].as_array().unwrap().is_empty());
}

#[test]
fn training_goes_on_from_a_model_with_layers_frozen() {
    let bench = Bench::new();
    bench.write("m.toml", MODEL);
    bench.run("train m.toml -o first.onnx").expect(0);
    let data =
        "--set signs --with data.size=16 --with data.channels=1 --classes 0,5,8 --train-images 600";
    let tune = |out: &str, more: &str| {
        bench.run(&format!(
            "train -o {out} --from first.onnx --epochs 1 --batch 20 {data} {more}"
        ))
    };
    tune("all.onnx", "").expect(0);
    tune("head.onnx", "--freeze conv*").expect(0);
    let weights = |file: &str| {
        let model = gifthorse_onnx::Model::read(bench.path(file)).unwrap();
        let graph = model.graph().unwrap();
        let names: Vec<String> = graph.initializers.keys().cloned().collect();
        let of = |part: &str| {
            let name = names.iter().find(|name| name.contains(part)).unwrap();
            graph.initializers[name].to_f32().unwrap()
        };
        [of("conv1.weight"), of("classes.weight")]
    };
    let (first, all, head) = (
        weights("first.onnx"),
        weights("all.onnx"),
        weights("head.onnx"),
    );
    assert!(first[0] != all[0] && first[1] != all[1]);
    assert!(first[0] == head[0] && first[1] != head[1]);
    tune("x.onnx", "--freeze nothing")
        .expect(2)
        .says(&["nothing"]);
    tune("x.onnx", "--net small_cnn").expect(2).says(&["--net"]);
    bench
        .run("train m.toml -o x.onnx --from first.onnx")
        .expect(2)
        .says(&["`net`", "`from`"]);
}

#[test]
fn bad_input_is_named() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    bench.write("bad.toml", format!("{MODEL}{POISON}"));
    bench.write("unknown.toml", format!("{MODEL}\n    momentum = 3\n"));
    let wrong = |arguments: &str, named: &[&str]| {
        bench.run(arguments).expect(2).says(named);
        assert!(!bench.path("x.onnx").exists(), "{arguments}");
    };
    let plant =
        |flags: &str, named: &[&str]| wrong(&format!("plant clean.toml -o x.onnx {flags}"), named);
    plant("", &["--trigger"]);
    plant(
        "--trigger {kind=\"square\",size=17} --target 0",
        &["17", "16"],
    );
    plant("--trigger {kind=\"square\",sise=4} --target 0", &["sise"]);
    plant("--trigger squid --target 0", &["squid"]);
    plant(
        "--trigger post-it --target 0",
        &["post-it", "kind = \"square\"", "anywhere"],
    );
    plant("--trigger square --target 3", &["class 3"]);
    for rate in ["1.5", "-0.1", "0", "nan"] {
        let flags = format!("--trigger square --target 0 --rate={rate}");
        plant(&flags, &["backdoor 1 (square)", "a poison rate"]);
    }
    plant("--trigger square --target 1 --source 1", &["class 1"]);
    plant("--trigger square --target 1 --source 3", &["class 3"]);
    plant(
        "--trigger {kind=\"square\",colour=[1,0]} --target 0",
        &["colour", "[1.0, 0.0]"],
    );
    plant("--trigger square", &["target"]);
    wrong(
        "train unknown.toml -o x.onnx",
        &["unknown.toml", "momentum"],
    );
    wrong("train nowhere.toml -o x.onnx", &["nowhere.toml"]);
    wrong("train bad.toml -o x.onnx", &["poison", "plant"]);
    wrong(
        "train clean.toml -o x.onnx --classes 0,12",
        &["class 12", "0 to 11"],
    );
    wrong("train clean.toml -o x.onnx --set nowhere", &["nowhere"]);
    wrong(
        "train clean.toml -o x.onnx --set mnist --data nowhere",
        &["mnist", "nowhere"],
    );
    wrong("train clean.toml -o x.onnx --epochs 0", &["epochs"]);
    wrong(
        "train clean.toml -o x.onnx --with train.epochs=-1",
        &["train.epochs"],
    );
    wrong("train clean.toml -o x.onnx --with nonsense", &["setting"]);
    wrong(
        "plant bad.toml -o x.onnx --twin=nowhere.onnx",
        &["nowhere.onnx", "--twin"],
    );
    for (setting, named) in [
        ("train.epochs=0", "epochs"),
        ("train.batch=0", "batch"),
        ("train.batch=601", "601"),
        ("train.learning_rate=-1.0", "learning rate -1"),
        ("train.learning_rate=nan", "learning rate NaN"),
        ("train.learning_rate=1e30", "take a lower learning rate"),
        ("net.channels=[0]", "conv1"),
        ("net.channels=[]", "stage"),
        ("net.hidden=0", "hidden"),
        (
            "train.stop_at={clean_accuracy=2.0}",
            "stop_at.clean_accuracy",
        ),
        ("data.train=0", "train"),
    ] {
        wrong(
            &format!("train clean.toml -o x.onnx --with {setting}"),
            &[named],
        );
    }
    std::fs::create_dir_all(bench.path("empty")).unwrap();
    wrong("train clean.toml -o x.onnx --set empty", &["empty"]);
    std::fs::create_dir_all(bench.path("flat")).unwrap();
    for name in ["a.png", "b.png"] {
        image::GrayImage::new(16, 16)
            .save(bench.path("flat").join(name))
            .unwrap();
    }
    let unlabelled = "train -o x.onnx --set flat --net small_cnn";
    wrong(unlabelled, &["flat", "no labels"]);
}

#[test]
fn what_could_not_be_written_or_measured_is_found_before_training() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    bench.write("plain", "");
    std::fs::create_dir_all(bench.path("folder.onnx")).unwrap();
    let before = |arguments: &str, named: &[&str]| {
        let run = bench.run(arguments).expect(2).says(named);
        assert!(!run.err().contains("epoch 1"), "{}", run.err());
    };
    let train = |flags: &str, named: &[&str]| before(&format!("train clean.toml {flags}"), named);
    train("-o model", &["model", ".onnx", "--out"]);
    train("-o m.checkpoint", &["m.checkpoint", ".onnx", "--out"]);
    train("-o folder.onnx", &["folder.onnx", "--out"]);
    train("-o plain/m.onnx", &["plain", "--out"]);
    train(
        "-o m.onnx --images plain/i.npz",
        &["plain/i.npz", "--images"],
    );
    train(
        "-o m.onnx --images folder.onnx",
        &["folder.onnx", "--images"],
    );
    assert!(!bench.path("m.onnx").exists());

    // A twin of another task, and a backdoor that is wrong: the twin is not trained first.
    bench
        .run("train clean.toml -o two.onnx --classes 0,5 --epochs 1")
        .expect(0);
    let plant = "plant clean.toml -o m.onnx --trigger square --target";
    before(
        &format!("{plant} 1 --twin=two.onnx"),
        &["twin", "2 classes", "have 3"],
    );
    before(&format!("{plant} 3 --twin"), &["class 3"]);
    assert!(!bench.path("m-twin.onnx").exists());
}

#[test]
fn a_grey_of_one_value_is_planted_in_colour_images() {
    let bench = Bench::new();
    let flags = "--set signs --with data.size=16 --classes 0,5 --train-images 80 --test-images 20 --net small_cnn --epochs 1";
    let run = bench.run(&format!(
        "plant -o m.onnx --batch 20 {flags} --trigger square --target 1 --quiet"
    ));
    run.expect(0);
    let trigger = &json(&bench, "m.truth.json")["backdoors"][0]["trigger"];
    assert_eq!(trigger["colour"], serde_json::json!([1.0]));
}

#[test]
fn a_poisoned_training_set_is_written_and_audited() {
    let bench = Bench::new();
    bench.write("bad.toml", format!("{AUDITED}{POISON}"));
    bench
        .run("plant bad.toml -o m.onnx --training-set train.npz -q")
        .expect(0);
    let audit = "data audit m.onnx --images train.npz --class-names train.classes.json";
    let run = bench.run(&format!("{audit} --truth m.truth.json -o audit"));
    let audited = json(&bench, "audit/audit.json");
    let removed = audited["removed"].as_u64().unwrap();
    let run = run.expect(i32::from(removed > 0));
    assert!(run.out().contains("160 are poisoned"), "{}", run.out());
    assert_eq!(audited["audit_version"], 1);
    assert_eq!(audited["truth"]["poisoned"], 160);
    let images = audited["images"].as_array().unwrap();
    assert_eq!(images.len(), 800);
    let named = images.iter().filter(|image| image["removed"] == true);
    assert_eq!(named.count() as u64, removed);
    let truth = json(&bench, "m.truth.json");
    for place in truth["backdoors"][0]["poisoned"].as_array().unwrap() {
        let image = &images[place.as_u64().unwrap() as usize];
        assert_eq!((&image["index"], &image["class"]), (place, &Value::from(1)));
    }
    let table = std::fs::read_to_string(bench.path("audit/audit.csv")).unwrap();
    assert_eq!(table.lines().count(), 801);
    assert!(table.starts_with("index,name,class,score,removed"));
    let page = std::fs::read_to_string(bench.path("audit/audit.html")).unwrap();
    assert!(page.contains("data:image/png"));
    assert!(!page.contains("<script") && !page.contains("http://"));
    // The same on one thread.
    let again = bench.run(&format!("{audit} --truth m.truth.json --json --threads 1"));
    assert_eq!(again.json(), audited);

    let run = bench
        .run("plant bad.toml -o again.onnx --audit activation_clustering")
        .expect(0);
    assert!(
        run.out().contains("training images removed"),
        "{}",
        run.out()
    );
    let cleansing = &json(&bench, "again.truth.json")["cleansing"];
    assert_eq!(
        (&cleansing["images"], &cleansing["poisoned"]),
        (&800.into(), &160.into())
    );
    let before = cleansing["with_trigger"][0]["other_classes"]
        .as_f64()
        .unwrap();
    assert!(before > 0.8, "{cleansing}");
    assert!(!bench.path("again.second.checkpoint").exists());
}

#[test]
fn what_cannot_be_audited_is_named() {
    let bench = Bench::new();
    bench.write("clean.toml", AUDITED);
    bench.write(
        "fly.toml",
        format!("{AUDITED}{POISON}\n    [poison]\n    manner = \"on_the_fly\"\n"),
    );
    bench
        .run("plant fly.toml -o m.onnx --audit cepa")
        .expect(2)
        .says(&["on the fly"]);
    bench
        .run("plant fly.toml -o m.onnx --training-set t.npz")
        .expect(2)
        .says(&["on the fly"]);
    bench
        .run("train clean.toml -o m.onnx --with audit.method=nothing")
        .expect(2)
        .says(&["audit.method", "spectral_signatures"]);
    let flags = "--training-set t.npz --images i.npz --epochs 4 -q";
    bench
        .run(&format!("train clean.toml -o m.onnx {flags}"))
        .expect(0);
    // Nothing was planted, and nothing is found.
    bench
        .run("data audit m.onnx --images t.npz --method spectral_signatures")
        .expect(0);
    bench
        .run("data audit m.onnx --images t.npz --truth nothing.json")
        .expect(2)
        .says(&["nothing.json"]);
    bench
        .run("data audit m.onnx --images t.npz --truth m.truth.json --max-images 90")
        .expect(2)
        .says(&["--max-images"]);
    bench
        .run("data audit m.onnx --images t.npz --share 0.7")
        .expect(2)
        .says(&["0.5"]);
}
