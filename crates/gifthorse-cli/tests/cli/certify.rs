//! `gifthorse certify` on a model with a filter that carries a trigger.

use serde_json::{Value, json};

use crate::bench::{Bench, Kind, TARGET};

/// A single pixel that becomes a hundredth lighter: a change of at most 0.03, in three channels.
const FAINT: &str =
    "kind = 'square'\nsize = 1\ncolour = [1.0]\ntransparency = 0.99\nplace = 'centre'\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 3, |class| class.to_string());
    bench
}

#[test]
fn answers_are_certified_and_a_trigger_is_held_against_them() {
    let bench = bench();
    std::fs::write(bench.path("faint.toml"), FAINT).unwrap();
    let command = "certify bad.onnx --images images --sigma 0.05 --copies 200 --trigger faint.toml --target 2";
    let run = bench.run(&format!("{command} --json")).expect(0);
    let made: Value = serde_json::from_str(&run.out()).unwrap();
    assert_eq!(made["sigma"], json!(0.05));
    assert_eq!(
        (&made["counting"], &made["choosing"]),
        (&json!(200), &json!(20))
    );
    let images = made["certificates"].as_array().unwrap();
    assert_eq!(images.len(), 24);
    // 0.05 times the quantile of 0.001 ^ (1 / 200), by scipy.
    let most = 0.05 * 1.8257;
    for image in images {
        let radius = &image["radius"];
        assert_eq!(radius.is_null(), image["class"].is_null());
        assert!(radius.is_null() || radius.as_f64().unwrap() <= most);
    }
    let right = |place: usize| made["radii"][place]["right"]["hits"].as_u64().unwrap();
    assert!(right(0) > 0, "none is certified");
    assert!((1..5).all(|place| right(place) <= right(place - 1)));
    let trigger = &made["trigger"];
    assert_eq!(trigger["target"], json!(TARGET));
    assert_eq!(trigger["covered"]["of"], json!(21));
    assert!(trigger["length"].as_f64().unwrap() <= 0.03);
    let beyond = |least: f64| {
        let is_so = |image: &&Value| {
            let radius = image["radius"].as_f64();
            image["label"] != json!(TARGET) && radius.is_some_and(|radius| radius > least)
        };
        images.iter().filter(is_so).count() as u64
    };
    let covered = trigger["covered"]["hits"].as_u64().unwrap();
    assert!(covered > 0 && (beyond(0.03)..=beyond(0.0)).contains(&covered));

    // The table says the same, and the seed decides.
    let table = bench.run(command).expect(0).out();
    let answered = format!("smoothed model answers: {} of 24", made["answered"]["hits"]);
    assert!(table.contains(&answered), "{answered} is not in\n{table}");
    assert!(table.contains("faint.toml"));
    let again = bench
        .run(&format!("{command} --json --threads 1"))
        .expect(0);
    assert_eq!(again.out(), run.out());
}

#[test]
fn noise_that_is_none_and_a_trigger_that_is_none_are_refused_before_the_smoothing() {
    let bench = bench();
    let certify = "certify bad.onnx --images images";
    let none = bench.run(&format!("{certify} --sigma 0")).expect(2);
    assert!(none.err().contains("noise of 0"), "{}", none.err());
    let absent = bench
        .run(&format!("{certify} --trigger nowhere.npz"))
        .expect(2);
    assert!(absent.err().contains("nowhere.npz"), "{}", absent.err());
    let wrong = bench
        .run(&format!(
            "{certify} --trigger square --target 99 --copies 1000000"
        ))
        .expect(2);
    assert!(wrong.err().contains("no class 99"), "{}", wrong.err());
    let lone = bench.run(&format!("{certify} --target 2")).expect(2);
    assert!(lone.err().contains("--trigger"), "{}", lone.err());
}

#[test]
fn a_model_is_held_against_clean_ones_and_lengths_are_certified() {
    let bench = bench();
    bench.model("clean.onnx", Kind::Clean);
    bench.model("other.onnx", Kind::SpelledOut);
    std::fs::write(bench.path("faint.toml"), FAINT).unwrap();
    let command = "certify bad.onnx --images images --sigma 0.05 --copies 500 --trigger faint.toml --target 2 \
                   --reference clean.onnx other.onnx";
    let run = bench.run(&format!("{command} --json")).expect(0);
    let made: Value = serde_json::from_str(&run.out()).unwrap();
    let found = &made["detection"];
    let number = |of: &Value| of.as_f64().unwrap();
    // Two models can keep no rate below a third.
    assert!((number(&found["rate"]) - 1.0 / 3.0).abs() < 1e-12);
    let references = found["references"].as_array().unwrap();
    let theirs = references.iter().map(|clean| number(&clean["statistic"]));
    let most = theirs.fold(0.0, f64::max);
    assert_eq!(number(&found["threshold"]), most);
    let statistic = number(&found["statistic"]);
    assert_eq!(found["flagged"], json!(statistic > most));
    let shares = found["probabilities"].as_array().unwrap();
    assert!((shares.iter().map(number).sum::<f64>() - 1.0).abs() < 1e-9);
    let class = found["class"].as_u64().unwrap() as usize;
    assert_eq!(number(&shares[class]), statistic);
    // The length is that of the formula, and grows with what is asked of the trigger.
    let lengths = found["certified"].as_array().unwrap();
    let lengths = lengths.iter().map(|line| number(&line["length"]));
    assert!(lengths.is_sorted(), "{found}");
    // Nearly all copies keep their class with and without a trigger that is this faint.
    let trigger = &found["trigger"];
    assert_eq!(trigger["certified"], json!(false));
    let least = number(&trigger["statistic_at_least"]);
    assert!(least <= number(&shares[2]) + number(&found["margin"]));
    assert!(run.err().contains("reference 2 of 2"), "{}", run.err());
    let table = bench.run(command).expect(0).out();
    assert!(table.contains("found for certain if shorter"), "{table}");
}

#[test]
fn references_that_are_none_are_refused() {
    let bench = bench();
    bench.model("clean.onnx", Kind::Clean);
    let certify = "certify bad.onnx --images images --copies 20 --reference";
    for (references, why) in [
        ("bad.onnx", "is the model itself"),
        ("clean.onnx clean.onnx", "is the same as"),
        ("nowhere.onnx", "nowhere.onnx"),
    ] {
        let run = bench.run(&format!("{certify} {references}")).expect(2);
        assert!(run.err().contains(why), "{}", run.err());
    }
}
