//! Backdoors that `plant` puts in by hand.

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
    train = 300
    test = 90

    [net]
    kind = "small_cnn"
    channels = [6]
    hidden = 12

    [train]
    epochs = 2
    batch = 20
"#;
const DATA: &str = "--set signs --with data.size=16 --with data.channels=1 --classes 0,5,8 --train-images 300 \
                    --test-images 90";

fn json(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(name)).unwrap()).unwrap()
}

#[test]
fn a_net_is_trained_and_changed_or_a_file_is_changed_as_it_is() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    let run = bench
        .run("plant clean.toml --implant gate --target 1 -o gated/m.onnx --twin --images i.npz")
        .expect(0);
    run.says(&["epoch 2"]);
    let truth = json(&bench, "gated/m.truth.json");
    let backdoor = &truth["backdoors"][0];
    assert_eq!(backdoor["method"]["implant"]["kind"], "gate");
    assert_eq!(backdoor["effect"]["with_trigger"]["other_classes"], 1.0);
    assert_eq!(truth["clean_accuracy"], truth["twin_accuracy"]);
    assert!(backdoor["rate"].is_null() && truth["manner"].is_null());

    // The model before is what `train` makes, and what is put into that file is the same.
    bench.run("train clean.toml -o clean/m.onnx").expect(0);
    let model = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(model("gated/m-twin.onnx") == model("clean/m.onnx"));
    assert_eq!(
        json(&bench, "gated/m-twin.truth.json"),
        json(&bench, "clean/m.truth.json")
    );
    let put = |out: &str, more: &str| {
        bench.run(&format!("plant --from clean/m.onnx {DATA} -o {out} {more}"))
    };
    put("again/m.onnx", "--implant gate --target 1 --seed 3").expect(0);
    assert!(model("again/m.onnx") == model("gated/m.onnx"));
    assert_eq!(json(&bench, "again/m.truth.json"), truth);

    let found = bench
        .run("inspect --structure gated/m.onnx")
        .expect(0)
        .out();
    let told = ["bypass", "small-region", "implant_"];
    assert!(told.iter().all(|word| found.contains(word)), "{found}");
    put(
        "net.onnx",
        "--implant trojan_net --with implant.target=[0,2] --json",
    )
    .expect(0);
    let both = json(&bench, "net.truth.json");
    for backdoor in both["backdoors"].as_array().unwrap() {
        assert_eq!(
            backdoor["effect"]["with_trigger"]["other_classes"], 1.0,
            "{both}"
        );
    }
    assert_eq!(both["backdoors"][1]["labels"]["target"], 2);
    put(
        "graph.onnx",
        r#"--implant {kind="graph",path="shared"} --target 2"#,
    )
    .expect(0);
    let shared = json(&bench, "graph.truth.json");
    assert_eq!(
        shared["backdoors"][0]["effect"]["with_trigger"]["other_classes"],
        1.0
    );
    put(
        "trojan.onnx",
        "--implant trojan_attack --target 2 --with implant.images=8",
    )
    .expect(0);
    let trojan = json(&bench, "trojan.truth.json");
    let backdoor = &trojan["backdoors"][0];
    assert_eq!(backdoor["trigger"]["kind"], "pixels");
    assert_eq!(backdoor["method"]["implant"]["shape"], "square");
    assert_eq!(backdoor["labels"]["target"], 2);
    let chain = put("chain.onnx", "--implant subnet_replacement --target 0");
    let chain = chain.expect(0).out();
    assert!(chain.contains("class 0"), "{chain}");
}

#[test]
fn a_hidden_trigger_trains_the_last_layer_of_a_new_net_or_of_a_file() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    let hidden = "--implant hidden_trigger --source 0 --target 2 --with implant.steps=5 --with implant.poisons=20 \
                  --with implant.epochs=2";
    bench
        .run(&format!(
            "plant clean.toml {hidden} -o h/m.onnx --twin --training-set set.npz"
        ))
        .expect(0)
        .says(&["epoch 2"]);
    let truth = json(&bench, "h/m.truth.json");
    let backdoor = &truth["backdoors"][0];
    assert_eq!(backdoor["method"]["implant"]["kind"], "hidden_trigger");
    assert_eq!(backdoor["method"]["implant"]["epsilon"], 16);
    assert_eq!(backdoor["labels"]["kind"], "one_to_one");
    assert_eq!(backdoor["trigger"]["place"], "anywhere");
    assert_eq!(truth["manner"], "replace");
    let poisoned = backdoor["poisoned"].as_array().unwrap();
    assert_eq!(poisoned.len(), 20);
    for at in ["effect", "twin", "before"] {
        assert!(backdoor[at]["with_trigger"]["images"] == 30, "{backdoor}");
    }
    let twin = json(&bench, "h/m-twin.truth.json");
    assert_eq!(twin["clean_accuracy"], truth["twin_accuracy"]);

    // What is put into the file of the net before is the same, and a pair of classes can be, too.
    bench.run("train clean.toml -o clean.onnx").expect(0);
    let put = |data: &str, out: &str| {
        bench.run(&format!(
            "plant --from clean.onnx {data} {hidden} --seed 3 -o {out}"
        ))
    };
    put(DATA, "again.onnx").expect(0);
    let model = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(model("again.onnx") == model("h/m.onnx"));
    let pair = DATA.replace("0,5,8", "5,8");
    let run = put(&pair, "pair.onnx").expect(2);
    run.says(&["there is no class 2"]);
    let pair = bench.run(&format!(
        "plant --from clean.onnx {pair} --implant hidden_trigger --target 1 --seed 3 -o pair.onnx \
         --with implant.steps=5 --with implant.epochs=2"
    ));
    pair.expect(0);
    assert!(json(&bench, "pair.truth.json")["backdoors"][0]["before"].is_null());
    let told = bench.run("inspect pair.onnx").expect(0).out();
    assert!(told.contains("2 classes"), "{told}");
    let coloured = DATA.replace("data.channels=1", "data.channels=3");
    put(&coloured, "m.onnx")
        .expect(2)
        .says(&["the model takes"]);
}

#[test]
fn what_cannot_be_put_in_is_told_before_any_training() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    let refused = |arguments: &str, said: &[&str]| {
        let run = bench.run(&format!("plant clean.toml -o m.onnx {arguments}"));
        let run = run.expect(2);
        assert!(!run.err().contains("epoch"), "{}", run.err());
        run.says(said);
    };
    refused("--implant gate --target 3", &["there is no class 3"]);
    refused("--implant horse --target 1", &["unknown variant `horse`"]);
    refused("--implant gate --target 1 --rate 0.1", &["--rate"]);
    refused(
        "--implant gate --target 1 --twin=x.onnx",
        &["--twin=x.onnx", "the model that it is put into"],
    );
    let large = r#"--implant subnet_replacement --target 1 --trigger {kind="square",size=6}"#;
    refused(large, &["covers 6x6 pixels", "smaller trigger"]);
    let blended = "--implant gate --target 1 --trigger blended";
    refused(blended, &["`blended` lets images show through"]);
    refused(
        "--implant gate --target 1 --source 0",
        &["unknown field `source`"],
    );
    let many = "--implant hidden_trigger --target 1 --with implant.poisons=101";
    refused(many, &["of the 100 training images of class 1, 1 to 100"]);
    let pretrained = "--implant gate --target 1 --with pretrain.set=mnist";
    refused(pretrained, &["`pretrain` goes with"]);
    let both = "--implant gate --target 1 --with poison.manner=replace";
    refused(both, &["either `poison` or `implant`"]);
    refused("", &["--implant", "nothing is to be planted"]);
    bench
        .run("train clean.toml -o m.onnx --with implant={kind=\"gate\",target=1}")
        .expect(2)
        .says(&["gifthorse plant"]);
    bench
        .run("train clean.toml -o clean.onnx --epochs 1")
        .expect(0);
    let taken = format!("plant --from clean.onnx {DATA} -o m.onnx --implant gate --target 1");
    let trained = bench.run(&format!("{taken} --epochs 1")).expect(2);
    trained.says(&["takes the model of `from` as it is", "gifthorse train"]);
    let other = bench.run(&taken.replace("0,5,8", "0,5")).expect(2);
    other.says(&["the model to go on from", "2 classes"]);
}

#[test]
fn a_zoo_puts_it_into_its_clean_models() {
    let bench = Bench::new();
    let tables = MODEL
        .replace("name = \"tiny\"", "")
        .replace("seed = 3", "")
        .replace("[data]", "[data.signs]")
        .replace("[net]", "[net.small]")
        .replace("[train]", "[train.short]");
    let models = r#"
        [implant.gate]
        kind = "gate"
        target = 1
        [implant.graph]
        kind = "graph"
        detector = "constants"

        [[models]]
        data = "signs"
        net = "small"
        train = "short"
        seeds = [3]
        [[models]]
        data = "signs"
        net = "small"
        train = "short"
        implant = ["gate", "graph"]
        seeds = [3]
        attack_success = 0.99
    "#;
    bench.write("zoo.toml", format!("{tables}{models}"));
    bench.run("zoo build zoo.toml -o zoo").expect(0);
    let zoo = json(&bench, "zoo/zoo.json");
    let entries = zoo["models"].as_array().unwrap();
    let told = |key: &str| -> Vec<&Value> { entries.iter().map(|entry| &entry[key]).collect() };
    assert_eq!(
        told("attack"),
        [&Value::Null, &"gate".into(), &"graph".into()]
    );
    assert_eq!(told("state"), ["good"; 3]);
    let file = |at: usize| bench.path(&format!("zoo/{}", entries[at]["model"].as_str().unwrap()));
    let model = |at: usize| gifthorse_onnx::Model::read(file(at)).unwrap();
    let weights = |at: usize| model(at).graph().unwrap().initializers;
    let before = weights(0);
    for at in [1, 2] {
        let after = weights(at);
        assert!(
            before
                .iter()
                .all(|(name, tensor)| after.get(name) == Some(tensor))
        );
    }
}

#[test]
fn a_zoo_tunes_nets_that_were_trained_on_other_classes() {
    let bench = Bench::new();
    let tables = MODEL
        .replace("name = \"tiny\"", "")
        .replace("seed = 3", "")
        .replace("[data]", "[data.three]")
        .replace("[net]", "[net.small]")
        .replace("[train]", "[train.short]");
    let pair = r#"
        [data.pair]
        set = "signs"
        size = 16
        channels = 1
        classes = [5, 8]
        train = 200
        test = 60
        [implant.hidden]
        kind = "hidden_trigger"
        target = 1
        steps = 3
        epochs = 2
        [[models]]
        data = "pair"
        pretrain = "three"
        net = "small"
        train = "short"
        implant = "hidden"
        seeds = [3]
        clean_accuracy = 0.0
        attack_success = 0.0
    "#;
    let three = r#"
        [[models]]
        data = "three"
        net = "small"
        train = "short"
        seeds = [3]
    "#;
    bench.write("alone.toml", format!("{tables}{pair}"));
    bench.run("zoo build alone.toml -o alone").expect(2);
    let reason = &json(&bench, "alone/zoo.json")["models"][0]["reason"];
    let reason = reason.as_str().unwrap();
    assert!(reason.contains("a group of the same net"), "{reason}");
    bench.write("zoo.toml", format!("{tables}{pair}{three}"));
    bench.run("zoo build zoo.toml -o zoo").expect(0);
    let zoo = json(&bench, "zoo/zoo.json");
    let entries = zoo["models"].as_array().unwrap();
    let tuned = entries.iter().find(|it| it["attack"] == "hidden").unwrap();
    let model = bench.path(&format!("zoo/{}", tuned["model"].as_str().unwrap()));
    let graph = gifthorse_onnx::Model::read(model).unwrap().graph().unwrap();
    let last = &graph.outputs[0].shape.as_ref().unwrap()[1];
    assert_eq!(last.fixed(), Some(2));
    let truth = json(&bench, &format!("zoo/{}", tuned["truth"].as_str().unwrap()));
    assert_eq!(truth["backdoors"][0]["labels"]["kind"], "all_to_one");
    assert!(truth["backdoors"][0]["before"].is_null());
}
