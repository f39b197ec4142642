//! A zoo from nothing: built, built again, scanned, summed up and collected.

use std::time::SystemTime;

use serde_json::Value;

use crate::bench::Bench;

/// Two clean models and two backdoored ones, tiny.
const ZOO: &str = r#"
    [data.signs]
    set = "signs"
    size = 16
    channels = 1
    classes = [0, 5, 8]
    train = 600
    test = 150

    [net.tiny]
    kind = "small_cnn"
    channels = [6]
    hidden = 12

    [train.short]
    epochs = 6
    batch = 20

    [poison.square]
    [[poison.square.backdoors]]
    trigger = { kind = "square", size = 4 }
    labels = { kind = "all_to_one", target = 1 }
    rate = { share = 0.2 }

    [[models]]
    data = "signs"
    net = "tiny"
    train = "short"
    seeds = [1, 2]
    recipe = "tiny"

    [[models]]
    data = "signs"
    net = "tiny"
    train = ["short"]
    poison = "square"
    seeds = [1]
    vary = { "poison.square_size" = [4] }
"#;

fn zoo() -> String {
    ZOO.replace(
        "poison.square_size\" = [4]",
        "poison.backdoors.0.trigger.size\" = [4, 5]",
    )
}

fn json(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(name)).unwrap()).unwrap()
}

fn changed(bench: &Bench, name: &str) -> SystemTime {
    std::fs::metadata(bench.path(name))
        .unwrap()
        .modified()
        .unwrap()
}

#[test]
fn a_zoo_is_built_once_scanned_once_and_summed_up() {
    let bench = Bench::new();
    bench.write("zoo.toml", zoo());
    let names = bench.run("zoo build zoo.toml -o z --list").expect(0);
    let expected = [
        "signs-tiny-short-s1",
        "signs-tiny-short-s2",
        "signs-tiny-short-square-size4-s1",
        "signs-tiny-short-square-size5-s1",
    ];
    assert_eq!(names.out().lines().collect::<Vec<_>>(), expected);
    assert!(!bench.path("z").exists(), "listing makes nothing");

    bench.run("zoo build zoo.toml -o z --threads 2").expect(0);
    let list = json(&bench, "z/zoo.json");
    let models = list["models"].as_array().unwrap();
    assert_eq!(models.len(), 4);
    for (model, name) in models.iter().zip(expected) {
        assert_eq!(
            (&model["name"], &model["state"]),
            (&name.into(), &"good".into())
        );
        let truth = json(&bench, &format!("z/{name}.truth.json"));
        let planted = name.contains("square");
        assert_eq!(
            truth["backdoors"].as_array().unwrap().len(),
            usize::from(planted)
        );
        assert_eq!(model["clean_accuracy"], truth["clean_accuracy"]);
        assert_eq!(model["attack"].is_null(), !planted);
        // Seed 1 has a clean twin in the plan.
        assert_eq!(truth["twin_accuracy"].is_null(), !planted);
    }
    assert_eq!(models[0]["recipe"], "tiny");
    assert_eq!(models[2]["recipe"], "tiny/short");
    assert_eq!(models[0]["images"], models[3]["images"]);

    // Weights do not depend on how many are made at a time.
    let files = expected.map(|name| format!("z/{name}.onnx"));
    let bytes = |folder: &str, name: &str| {
        std::fs::read(bench.path(&format!("{folder}/{name}.onnx"))).unwrap()
    };
    bench.run("zoo build zoo.toml -o alone --jobs 1").expect(0);
    for name in expected {
        assert!(bytes("z", name) == bytes("alone", name), "{name}");
    }

    // Nothing is made again, but for what changed and what is missing.
    let before = files.each_ref().map(|file| changed(&bench, file));
    std::fs::remove_file(bench.path(&files[1])).unwrap();
    bench.write(
        "zoo.toml",
        zoo().replace("size\" = [4, 5]", "size\" = [4, 6]"),
    );
    let again = bench.run("zoo build zoo.toml -o z").expect(0);
    again.says(&["2 models to make, 2 are there", "1 models of the folder"]);
    assert_eq!(changed(&bench, &files[0]), before[0]);
    assert_eq!(changed(&bench, &files[2]), before[2]);
    assert!(bytes("z", expected[1]) == bytes("alone", expected[1]));

    let scanned = bench.run("zoo scan z --json").expect(0);
    let summary: Value = scanned.json();
    assert_eq!(summary["models"].as_array().unwrap().len(), 5);
    assert_eq!(summary["clean"][0]["flagged"]["of"], 2);
    let all = &summary["backdoored"][0];
    assert_eq!(
        (&all["group"], &all["flagged"]["of"]),
        (&"all".into(), &3.into())
    );
    let area = all["auroc"]["area"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&area));
    let of_size = |pixels: f64| {
        let rows = summary["backdoored"].as_array().unwrap();
        let rows = rows.iter().filter(|row| row["trigger_pixels"] == pixels);
        rows.count()
    };
    assert_eq!([16.0, 25.0, 36.0].map(of_size), [1, 1, 1]);
    for model in summary["models"].as_array().unwrap() {
        let planted = &model["planted"];
        assert_eq!(planted.is_null(), model["attack"].is_null());
        if !planted.is_null() {
            assert_eq!(planted["targets"], serde_json::json!([1]));
        }
    }

    let report = changed(&bench, "z/scans/signs-tiny-short-s1/report.json");
    let again = bench.run("zoo scan z").expect(0);
    let again = again.says(&["0 models to scan, 5 were scanned before"]);
    assert!(again.out().contains("false positives"));
    assert_eq!(
        changed(&bench, "z/scans/signs-tiny-short-s1/report.json"),
        report
    );

    bench
        .run("zoo library z -o clean.json --backdoored bad.json")
        .expect(0);
    let library = json(&bench, "clean.json");
    let clean = library["models"].as_array().unwrap();
    assert_eq!(clean.len(), 2);
    assert_eq!(
        (&clean[0]["recipe"], &clean[0]["data"]),
        (&"tiny".into(), &"signs".into())
    );
    let found = &clean[0]["detectors"]["neural_cleanse standard"];
    assert_eq!(found["values"].as_array().unwrap().len(), 3);
    assert_eq!(clean[0]["classes"], 3);
    assert_eq!(clean[0]["pixels"], 256);
    let bad = json(&bench, "bad.json");
    let bad = bad["models"].as_array().unwrap();
    assert_eq!(bad.len(), 3);
    assert!(
        bad.iter()
            .all(|model| model["targets"] == serde_json::json!([1]))
    );
}

#[test]
fn the_scan_is_not_told_the_truth() {
    let bench = Bench::new();
    bench.write("zoo.toml", zoo());
    bench.run("zoo build zoo.toml -o z").expect(0);
    let report = |folder: &str| {
        let path = format!("{folder}/scans/signs-tiny-short-square-size4-s1/report.json");
        let report = json(&bench, &path);
        let findings = report["detectors"][0]["findings"].as_array().unwrap();
        let norms: Vec<Value> = findings
            .iter()
            .map(|found| found["statistic"].clone())
            .collect();
        assert!(norms.iter().any(Value::is_number), "{report}");
        (report["verdict"].clone(), report["p_value"].clone(), norms)
    };
    std::fs::rename(bench.path("z"), bench.path("y")).unwrap();
    bench.write("zoo.toml", zoo());
    bench.run("zoo build zoo.toml -o z").expect(0);
    let truths =
        ["size4", "size5"].map(|it| format!("y/signs-tiny-short-square-{it}-s1.truth.json"));
    truths
        .iter()
        .for_each(|truth| std::fs::remove_file(bench.path(truth)).unwrap());
    bench.run("zoo scan z").expect(0);
    // The scans run to their end; only the summary misses the truth.
    bench.run("zoo scan y").expect(2).says(&["truth.json"]);
    assert_eq!(report("z"), report("y"));
}

#[test]
fn a_model_that_falls_short_is_marked() {
    let bench = Bench::new();
    let wanting = zoo().replacen("seeds = [1, 2]", "seeds = [1, 2]\nclean_accuracy = 1.01", 1);
    bench.write(
        "zoo.toml",
        wanting.replacen("seeds = [1]", "seeds = [1]\nattack_success = 1.01", 1),
    );
    let run = bench.run("zoo build zoo.toml -o z").expect(2);
    run.says(&["collapsed", "101.0 % were wanted", "leads"]);
    let list = json(&bench, "z/zoo.json");
    let models = list["models"].as_array().unwrap();
    assert!(models.iter().all(|model| model["state"] == "collapsed"));
    let summary = bench.run("zoo scan z").expect(0);
    assert!(
        summary.out().contains("4 models collapsed or failed"),
        "{}",
        summary.out()
    );
    bench
        .run("zoo library z -o x.json")
        .expect(2)
        .says(&["zoo scan"]);
}

#[test]
fn a_wrong_plan_names_table_and_key() {
    let bench = Bench::new();
    let mut tried = 0;
    let mut wrong = |from: &str, to: &str, named: &[&str]| {
        let text = zoo();
        assert!(text.contains(from), "{from}");
        bench.write("zoo.toml", text.replacen(from, to, 1));
        bench.run("zoo build zoo.toml -o z").expect(2).says(named);
        tried += 1;
    };
    wrong(
        "hidden = 12",
        "hiden = 12",
        &["zoo.toml", "net.tiny", "hiden"],
    );
    wrong(
        "epochs = 6",
        "epochs = \"six\"",
        &["zoo.toml", "train.epochs"],
    );
    wrong("epochs = 6", "seed = 6", &["zoo.toml", "train.seed"]);
    wrong(
        "set = \"signs\"",
        "set = \"sings\"",
        &["zoo.toml", "data.set", "sings"],
    );
    wrong(
        "net = \"tiny\"",
        "net = \"huge\"",
        &["zoo.toml", "net.huge"],
    );
    wrong("seeds = [1]", "seed = [1]", &["zoo.toml", "seed"]);
    wrong(
        "kind = \"small_cnn\"",
        "kind = \"lenet\"",
        &["zoo.toml", "lenet"],
    );
    wrong(
        "share = 0.2",
        "shore = 0.2",
        &["zoo.toml", "poison", "shore"],
    );
    wrong(
        "backdoors.0.trigger",
        "backdoors.9.trigger",
        &["zoo.toml", "\"9\""],
    );
    wrong(
        "seeds = [1, 2]",
        "seeds = [1, 1]",
        &["zoo.toml", "signs-tiny-short-s1"],
    );
    wrong("set = \"signs\"", "set = ", &["zoo.toml", "line"]);
    wrong("seeds = [1]", "seeds = []", &["number 2", "`seeds`"]);
    wrong(
        "train = [\"short\"]",
        "train = []",
        &["number 2", "`train`"],
    );
    wrong("size\" = [4, 5]", "size\" = []", &["vary", "size"]);
    wrong(
        "recipe = \"tiny\"",
        "set = { name = \"same\" }",
        &["number 1", "\"name\""],
    );
    wrong(
        "recipe = \"tiny\"",
        "set = { \"poison.manner\" = \"append\" }",
        &["number 1", "poison"],
    );
    for (from, to, named) in [
        ("epochs = 6", "epochs = 0", "epochs"),
        ("batch = 20", "batch = 0", "batch"),
        ("batch = 20", "learning_rate = -1.0", "learning rate -1"),
        ("share = 0.2", "share = 1.2", "poison rate of 1.2"),
    ] {
        wrong(from, to, &["zoo.toml", "number", named]);
    }
    assert_eq!(tried, 20);
    bench.write("zoo.toml", "[train.short]\nepochs = 6\n");
    bench
        .run("zoo build zoo.toml -o z")
        .expect(2)
        .says(&["zoo.toml", "[[models]]"]);
    assert!(!bench.path("z").exists());

    bench
        .run("zoo build nowhere.toml -o z")
        .expect(2)
        .says(&["nowhere.toml"]);
    bench.run("zoo scan z").expect(2).says(&["z", "zoo build"]);
}

#[test]
fn what_a_model_cannot_be_made_of_is_told_for_that_model() {
    let bench = Bench::new();
    let plan = zoo().replacen("target = 1", "target = 7", 1);
    bench.write(
        "zoo.toml",
        plan.replacen("seeds = [1, 2]", "seeds = [1]", 1),
    );
    let run = bench.run("zoo build zoo.toml -o z").expect(2);
    let run = run.says(&["failed", "size4", "class 7"]);
    // Before the clean model is trained.
    let place = |word: &str| run.err().find(word).unwrap();
    assert!(place("size5") < place("made signs-tiny-short-s1"));
    let list = json(&bench, "z/zoo.json");
    let states: Vec<&Value> = list["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["good", "failed", "failed"]);
}

#[test]
fn a_zoo_is_repaired_once_for_what_is_asked() {
    let bench = Bench::new();
    bench.write("zoo.toml", zoo());
    bench.run("zoo build zoo.toml -o z --threads 2").expect(0);
    let repair = "zoo repair z --told --detector neural_cleanse --method unlearning,fine_tuning";
    let run = bench.run(&format!("{repair} --json"));
    let run = run.says(&["4 repairs to make, 0 were made before"]);
    let rows: Value = serde_json::from_str(&run.expect(0).out()).unwrap();
    let rows = rows.as_array().unwrap();
    // Of a clean model no target can be told.
    assert_eq!(rows.len(), 4, "{rows:?}");
    for row in rows {
        assert!(row["attack"].is_string(), "{row}");
        // What was planted is measured, and took before.
        let before = row["success"][0].as_f64().unwrap();
        assert!(before > 0.5, "{row}");
    }
    let folder = "z/repairs/told/signs-tiny-short-square-size4-s1/unlearning";
    let record = json(&bench, &format!("{folder}/repair.json"));
    assert_eq!(record["targets"], serde_json::json!([1]));

    bench
        .run(repair)
        .expect(0)
        .says(&["0 repairs to make, 4 were made before"]);
    // Other images are another repair of the same scan; another detector is another scan.
    let scan = "z/findings/told/signs-tiny-short-square-size4-s1/report.json";
    let scanned = changed(&bench, scan);
    bench
        .run(&format!("{repair} --max-images 120"))
        .expect(0)
        .says(&["4 repairs to make"]);
    assert_eq!(changed(&bench, scan), scanned);
    bench
        .run("zoo repair z --told --detector neural_cleanse,mm_bd --method unlearning")
        .expect(0)
        .says(&["2 repairs to make"]);
    assert!(changed(&bench, scan) > scanned);
}

#[test]
fn filters_are_held_against_what_was_planted_once_for_what_is_asked() {
    let bench = Bench::new();
    bench.write("zoo.toml", zoo());
    bench.run("zoo build zoo.toml -o z --threads 2").expect(0);
    let filter = "zoo filter z --told --detector neural_cleanse --method neuron_activation,strip --fpr 0.2 --max-images 60";
    let run = bench.run(&format!("{filter} --json"));
    let run = run.says(&["4 filters to fit, 0 were fitted before"]);
    let rows: Value = serde_json::from_str(&run.expect(0).out()).unwrap();
    let rows = rows.as_array().unwrap();
    // Of a clean model no target can be told.
    assert_eq!(rows.len(), 4, "{rows:?}");
    for row in rows {
        assert_eq!(row["failed"], Value::Null, "{row}");
        let evaluation = &row["evaluation"];
        assert!(evaluation["images"].as_u64().unwrap() > 0, "{row}");
        assert!(
            evaluation["triggers"][0]["success"]["rate"]
                .as_f64()
                .unwrap()
                > 0.5,
            "{row}"
        );
    }
    bench
        .run(filter)
        .expect(0)
        .says(&["0 filters to fit, 4 were fitted before"]);
    // Another rate is another question about the same scan.
    let scan = "z/findings/told/signs-tiny-short-square-size4-s1/report.json";
    let scanned = changed(&bench, scan);
    bench
        .run(&filter.replace("0.2", "0.3"))
        .expect(0)
        .says(&["4 filters to fit"]);
    assert_eq!(changed(&bench, scan), scanned);
    bench
        .run("zoo filter z --method strap")
        .expect(2)
        .says(&["strap"]);
}

#[test]
fn an_adversary_is_told_what_evading_costs() {
    let bench = Bench::new();
    bench.write("zoo.toml", zoo());
    let run = bench
        .run("zoo adapt zoo.toml -o zoo/ --detector mm_bd")
        .expect(0);
    for part in ["size = 5", "cost", "verdict", "witnesses"] {
        assert!(run.out().contains(part), "{part} in {}", run.out());
    }
    let found = json(&bench, "zoo/adversary.json");
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 4);
    for model in &found[..2] {
        assert!(model["attack"].is_null() && model["cost"].is_null());
        let outcome = model["outcome"].as_str().unwrap();
        assert!(["clean", "false_alarm", "inconclusive"].contains(&outcome));
    }
    for (model, size) in found[2..].iter().zip(["4", "5"]) {
        assert_eq!(model["varied"]["poison.backdoors.0.trigger.size"], size);
        // The first clean model is the twin of both.
        let cost = found[0]["clean_accuracy"].as_f64().unwrap()
            - model["clean_accuracy"].as_f64().unwrap();
        assert!((model["cost"].as_f64().unwrap() - cost).abs() < 1e-12);
        assert!(model["attack_success"].as_f64().unwrap() > 0.5);
    }
    // All is there: nothing is made again.
    let again = bench
        .run("zoo adapt zoo.toml -o zoo/ --detector mm_bd --json")
        .expect(0)
        .says(&["0 models to make", "0 models to scan"]);
    assert_eq!(again.json(), json(&bench, "zoo/adversary.json"));
}
