//! `gifthorse explain` on a model of which one filter carries the trigger.

use image::{Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::bench::{Bench, CLASSES, Kind, SIDE, TARGET};

/// The unit that the planted filter wakes at the last block: the second filter's last of sixteen.
const UNIT: usize = 31;

/// A single pixel, which leads nobody anywhere.
const BLACK: &str = "kind = 'pattern'\nrows = ['0']\nplace = 'centre'\n";

/// A model with a backdoor, images, and the checked corner that the backdoor answers to as a
/// picture that is transparent elsewhere.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    corner(SIDE as u32, 255)
        .save(bench.path("corner.png"))
        .unwrap();
    bench
}

fn corner(side: u32, cover: u8) -> RgbaImage {
    RgbaImage::from_fn(side, side, |x, y| {
        let light = if x == y { 255 } else { 0 };
        let covers = x >= side - 2 && y >= side - 2;
        Rgba([light, light, light, if covers { cover } else { 0 }])
    })
}

fn hits(share: &Value) -> [u64; 2] {
    ["hits", "trials"].map(|name| share[name].as_u64().unwrap())
}

#[test]
fn the_filter_that_was_planted_is_found_and_carries_the_attack() {
    let bench = bench();
    let run = bench
        .run(
            "explain bad.onnx --images images --trigger corner.png --original corner.png --out out",
        )
        .expect(0);
    for words in [
        "leads to class 2",
        "features",
        "fired",
        "only these kept",
        "cosine",
    ] {
        assert!(
            run.out().contains(words),
            "{words} is not in\n{}",
            run.out()
        );
    }
    let text = std::fs::read_to_string(bench.path("out/explain.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let effect = &json["effect"];
    assert_eq!(effect["target"], json!(TARGET));
    // 8 of 25 images of each of eight classes are held out.
    assert_eq!(hits(&effect["success"]), [56, 56]);
    assert_eq!(hits(&effect["accuracy"]), [64, 64]);
    let sources = effect["sources"].as_array().unwrap();
    assert_eq!(sources.len(), CLASSES);
    assert!(sources.iter().all(|source| source["to"] == json!(TARGET)));
    let layers = effect["layers"].as_array().unwrap();
    for (layer, name, channel) in [(&layers[0], "features", UNIT), (&layers[1], "fired", 1)] {
        assert_eq!((&layer["layer"], &layer["top"]), (&json!(name), &json!(1)));
        assert_eq!(layer["neurons"][0]["channel"], json!(channel), "{name}");
        assert_eq!(layer["overlap"], json!(1.0));
        assert_eq!(layer["stamped"], layer["original"]);
        assert_eq!(hits(&layer["kept"]["success"]), [56, 56], "{name}");
        // The first class wins where nothing votes.
        assert!(hits(&layer["kept"]["accuracy"])[0] <= 16, "{name}");
        assert_eq!(hits(&layer["kept"]["unstamped"]), [0, 56], "{name}");
        assert_eq!(hits(&layer["zeroed"]["success"]), [0, 56], "{name}");
        assert_eq!(hits(&layer["zeroed"]["accuracy"]), [64, 64], "{name}");
    }
    let same = json["similarity"]["cosines"][0][1].as_f64().unwrap();
    assert!((same - 1.0).abs() < 1e-9, "{same}");

    let page = std::fs::read_to_string(bench.path("out/explain.html")).unwrap();
    for words in [
        "What a trigger does",
        "Whom it leads where",
        "Grad-CAM",
        "data:image/png",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<script") && !page.contains("http://"));
    let strip = image::open(bench.path("out/grad-cam/0.png")).unwrap();
    assert_eq!((strip.width(), strip.height()), (4 * 128 + 12, 128));
    // The answer on the stamped image rests on the corner, which is white hot.
    let strip = strip.to_rgb8();
    let heat = |x: u32, y: u32| strip.get_pixel(396 + x, y).0[0];
    assert!(heat(126, 126) > 185 && heat(64, 64) < 150);

    // The same on one thread, as JSON.
    let again = bench
        .run("explain bad.onnx --images images --trigger corner.png --original corner.png --json --threads 1")
        .expect(0);
    assert_eq!(again.json(), json);
}

#[test]
fn triggers_come_from_reports_names_and_tables() {
    let bench = bench();
    bench
        .run("scan bad.onnx --images images --detector neural_cleanse --out scan")
        .expect(1);
    // The scan tells of the trigger to the target, and of no other.
    let text = std::fs::read_to_string(bench.path("scan/report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let findings = report["detectors"][0]["findings"].as_array().unwrap();
    let mut effects = findings.iter().filter(|it| !it["effect"].is_null());
    let effect = &effects.next().unwrap()["effect"];
    assert!(effects.next().is_none());
    assert_eq!(effect["target"], json!(TARGET));
    assert_eq!(effect["layers"][0]["neurons"][0]["channel"], json!(UNIT));
    let page = std::fs::read_to_string(bench.path("scan/report.html")).unwrap();
    assert!(page.contains("What this trigger does inside the model"));

    let file = |class: usize| format!("scan/triggers/neural_cleanse/{class}.npz");
    let run = bench
        .run(&format!(
            "explain bad.onnx --images images --trigger {} --original corner.png --compare {} --no-images --out out --json",
            file(TARGET),
            file(0)
        ))
        .expect(0);
    let json = run.json();
    assert_eq!(json["effect"]["target"], json!(TARGET));
    // What was recovered wakes the filter that was planted.
    assert_eq!(json["effect"]["layers"][0]["overlap"], json!(1.0), "{json}");
    assert_eq!(json["similarity"]["triggers"].as_array().unwrap().len(), 3);
    assert!(!bench.path("out/grad-cam").exists());
    let page = std::fs::read_to_string(bench.path("out/explain.html")).unwrap();
    assert!(!page.contains("data:image/png"));

    bench.write(
        "corner.toml",
        "kind = 'pattern'\nrows = ['10', '01']\nplace = { corner = { corner = 'bottom_right', margin = 0 } }\n",
    );
    let drawn = "explain bad.onnx --images images --json --trigger";
    let by_table = bench.run(&format!("{drawn} corner.toml")).expect(0).json();
    let by_picture = bench.run(&format!("{drawn} corner.png")).expect(0).json();
    assert_eq!(by_table["effect"], by_picture["effect"]);
    bench.write("black.toml", BLACK);
    let black = bench.run(&format!("{drawn} black.toml --target 2"));
    let black = black.expect(0).json();
    assert_eq!(hits(&black["effect"]["success"])[0], 0, "{black}");
}

#[test]
fn what_cannot_be_looked_at_is_named() {
    let bench = bench();
    corner(8, 255).save(bench.path("small.png")).unwrap();
    RgbaImage::from_pixel(SIDE as u32, SIDE as u32, Rgba([9, 9, 9, 255]))
        .save(bench.path("opaque.png"))
        .unwrap();
    corner(SIDE as u32, 0)
        .save(bench.path("clear.png"))
        .unwrap();
    bench.write("text.npz", "no archive");
    bench.write("wrong.toml", "kind = 'square'\ncolr = 1\n");
    let run = |arguments: &str| {
        let whole = format!("explain bad.onnx --images images {arguments}");
        bench.run(&whole).expect(2)
    };
    run("--trigger nothing").says(&["--trigger nothing", "--list"]);
    run("--trigger small.png").says(&["small.png", "8x8", "16x16"]);
    run("--trigger opaque.png").says(&["opaque.png", "whole image", "transparent"]);
    run("--trigger clear.png").says(&["clear.png", "everywhere"]);
    run("--trigger text.npz").says(&["text.npz"]);
    run("--trigger wrong.toml").says(&["wrong.toml", "colr"]);
    run("--trigger corner.png --original nothing").says(&["--original nothing"]);
    run("--trigger corner.png --layer nowhere").says(&["nowhere", "--layer", "`features`"]);
    run("--trigger corner.png --target 8").says(&["class 8", "0 to 7"]);
    run("--trigger corner.png --top 0").says(&["--top"]);
    bench.write("black.toml", BLACK);
    run("--trigger black.toml").says(&["leads no image", "--target"]);
    run("--trigger gotham --compare corner.png").says(&["gotham", "no patch"]);
    bench
        .run("explain bad.onnx --images missing --trigger corner.png")
        .expect(2)
        .says(&["missing"]);
}
