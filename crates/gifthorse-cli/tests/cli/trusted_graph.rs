//! Training that is held to a signed graph of its loss.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::bench::Bench;

const MODEL: &str = r#"
    name = "tiny"
    seed = 3

    [data]
    set = "signs"
    size = 16
    channels = 1
    classes = [0, 5, 8]
    train = 130
    test = 30

    [net]
    kind = "small_cnn"
    channels = [4]
    hidden = 8

    [train]
    epochs = 2
    batch = 20
"#;
/// What the DER of an Ed25519 public key begins with.
const PUBLIC: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that is made for the test, as PEM files NAME.pem and NAME.public.pem.
fn key(bench: &Bench, name: &str) {
    let pem = |kind: &str, der: &[u8]| {
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
    };
    let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).unwrap();
    let public = [PUBLIC.as_slice(), pair.public_key().as_ref()].concat();
    bench.write(&format!("{name}.pem"), pem("PRIVATE KEY", private.as_ref()));
    bench.write(&format!("{name}.public.pem"), pem("PUBLIC KEY", &public));
}

#[test]
fn training_is_held_to_the_graph_that_was_signed() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    key(&bench, "expert");
    key(&bench, "somebody");
    bench
        .run("train clean.toml -o a.onnx --loss-graph loss.json")
        .expect(0);
    let held = "--trusted-graph loss.json --trusted-key expert.public.pem";
    bench
        .run(&format!("train clean.toml -o b.onnx {held}"))
        .expect(2)
        .says(&["loss.json.sig", "gifthorse graph sign"]);
    bench
        .run("graph sign loss.json --key expert.public.pem")
        .expect(2)
        .says(&["the key expert.public.pem"]);
    bench
        .run("graph sign loss.json --key expert.pem")
        .expect(0)
        .says(&["loss.json.sig"]);
    assert_eq!(fs::read(bench.path("loss.json.sig")).unwrap().len(), 64);
    bench
        .run(&format!("train clean.toml -o b.onnx {held}"))
        .expect(0);
    let model = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(model("a.onnx") == model("b.onnx"));
    bench
        .run("train clean.toml -o c.onnx --trusted-graph loss.json --trusted-key somebody.public.pem")
        .expect(2)
        .says(&["loss.json is not to be trusted"]);

    // Poisoned data has the same graph; code that adds a loss has not.
    let stamped = "--trigger square --target 1 --loss-graph found.json";
    let planted = format!("{stamped} --rate 0.5");
    bench
        .run(&format!("plant clean.toml -o data.onnx {planted} {held}"))
        .expect(0);
    let same = bench.run("graph compare loss.json found.json").expect(0);
    assert!(
        same.out().contains("12 steps, from 1 on: nothing"),
        "{}",
        same.out()
    );
    let blind = format!("{planted} --with poison.manner=blind");
    bench
        .run(&format!("plant clean.toml -o blind.onnx {blind} {held}"))
        .expect(2)
        .says(&["than the trusted graph", "goes on with weigh", "found.json"]);
    assert!(!bench.path("blind.onnx").exists());
    // So has code that hides it by a loss on what is inside the network.
    for evasion in ["sentinet", "features"] {
        let hidden =
            format!("--rate 1 --with poison.manner=blind --with poison.evade=[\"{evasion}\"]");
        bench
            .run(&format!(
                "plant clean.toml -o hidden.onnx {stamped} {hidden} {held}"
            ))
            .expect(2)
            .says(&["than the trusted graph", "one more loss", " up to "]);
    }
    bench
        .run(&format!("plant clean.toml -o blind.onnx {blind} {held}"))
        .expect(2);
    let other = bench
        .run("graph compare loss.json found.json -o difference.svg")
        .expect(1);
    assert!(other.out().contains("weigh"), "{}", other.out());
    let drawn = fs::read_to_string(bench.path("difference.svg")).unwrap();
    for part in ["<svg", "in the trusted graph alone", "weigh", "log softmax"] {
        assert!(drawn.contains(part), "{part}");
    }

    // The loss is added in half of the batches: two graphs, of which somebody has to mean both.
    bench
        .run(&format!("plant clean.toml -o blind.onnx {blind}"))
        .expect(0);
    bench
        .run("graph sign found.json --key expert.pem")
        .expect(2)
        .says(&["--several"]);
    bench
        .run("graph sign found.json --key expert.pem --several")
        .expect(0);

    // One byte more, and it is not what was signed.
    let text = fs::read_to_string(bench.path("loss.json")).unwrap();
    bench.write("loss.json", format!("{text} "));
    bench
        .run(&format!("train clean.toml -o d.onnx {held}"))
        .expect(2)
        .says(&["no signature of it"]);
}

#[test]
fn nothing_is_held_to_a_graph_where_nothing_is_trained() {
    let bench = Bench::new();
    bench.write("clean.toml", MODEL);
    key(&bench, "expert");
    bench
        .run("train clean.toml -o a.onnx --loss-graph loss.json")
        .expect(0);
    bench.run("graph sign loss.json --key expert.pem").expect(0);
    let data = "--set signs --with data.size=16 --with data.channels=1 --classes 0,5,8 --train-images 130 --test-images 30";
    bench
        .run(&format!(
            "plant --from a.onnx {data} -o b.onnx --implant gate --target 1 --trusted-graph loss.json \
             --trusted-key expert.public.pem"
        ))
        .expect(2)
        .says(&["--trusted-graph", "no loss is computed"]);
}
