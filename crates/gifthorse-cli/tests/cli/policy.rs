//! A policy decides the exit status, and the report says which of its rules are not met.

use gifthorse_report::Report;

use crate::bench::{Bench, Blind, Kind, TARGET};

fn report(bench: &Bench, name: &str) -> Report {
    Report::from_json(&std::fs::read_to_string(bench.path(name)).unwrap()).unwrap()
}

#[test]
fn a_backdoor_passes_only_if_accepted_for_this_file_and_day() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    bench.write("policy.toml", "fpr = 0.1\naccuracy = 0.9\nimages = 100\n");
    let scan = "scan bad.onnx --images images --work work --out out --policy policy.toml";
    let run = bench.run(scan).expect(1);
    assert!(
        run.out().contains("Does not meet the policy policy.toml"),
        "{}",
        run.out()
    );
    let found = report(&bench, "out/report.json");
    assert_eq!(found.fpr, 0.1);
    assert_eq!(found.policy.unwrap().unmet.len(), 1);

    let accept = |target: usize, until: &str| {
        format!(
            "fpr = 0.1\n[[accept]]\nsha256 = \"{}\"\ntargets = [{target}]\nreason = \"known\"\nuntil = \"{until}\"\n",
            found.model.sha256
        )
    };
    for (target, until, status) in [
        (TARGET, "9999-01-01", 0),
        (TARGET, "2020-01-01", 1),
        (TARGET + 1, "9999-01-01", 1),
    ] {
        bench.write("policy.toml", accept(target, until));
        bench.run(scan).expect(status);
    }
    let other_file = accept(TARGET, "9999-01-01").replace(&found.model.sha256, &"0".repeat(64));
    bench.write("policy.toml", other_file);
    bench.run(scan).expect(1);
}

#[test]
fn a_clean_model_fails_rules_about_the_scan_with_status_4() {
    let bench = Bench::new();
    bench.model("good.onnx", Kind::Clean);
    bench.images("images", 25, |class| class.to_string());
    let scan = "scan good.onnx --images images --work work --fpr 0.01 --policy policy.toml";
    bench.write("policy.toml", "inconclusive = \"allow\"\n");
    bench.run(scan).expect(0);
    bench.write(
        "policy.toml",
        "inconclusive = \"allow\"\nimages = 5000\nfpr = 0.02\n",
    );
    let run = bench.run(scan).expect(4);
    for said in ["5000 are asked for", "is to be 0.02"] {
        assert!(run.out().contains(said), "{said}: {}", run.out());
    }
}

#[test]
fn an_inconclusive_scan_is_3_unless_allowed() {
    let bench = Bench::new();
    bench.model("rounded.onnx", Kind::Blinding(Blind::Steps("Round")));
    bench.images("images", 25, |class| class.to_string());
    let scan = "scan rounded.onnx --images images --policy policy.toml";
    for (policy, status) in [
        ("images = 5000\n", 3),
        ("inconclusive = \"allow\"\nimages = 5000\n", 4),
        ("inconclusive = \"allow\"\n", 0),
    ] {
        bench.write("policy.toml", policy);
        bench.run(scan).expect(status);
    }
}

#[test]
fn what_is_no_policy_is_named() {
    let bench = Bench::new();
    bench.model("good.onnx", Kind::Clean);
    bench.images("images", 2, |class| class.to_string());
    for (text, said) in [
        ("colour = 1\n", "colour"),
        ("accuracy = 90\n", "accuracy"),
        ("fpr = 0.9\n", "fpr"),
        (
            "[[accept]]\nsha256 = \"1\"\ntargets = []\nreason = \"\"\nuntil = \"2027-01-01\"\n",
            "sha256",
        ),
        (
            "[[accept]]\nsha256 = \"1\"\ntargets = []\nreason = \"\"\nuntil = \"soon\"\n",
            "until",
        ),
    ] {
        bench.write("policy.toml", text);
        bench
            .run("scan good.onnx --images images --policy policy.toml")
            .expect(2)
            .says(&["policy.toml", said]);
    }
    bench
        .run("scan good.onnx --images images --policy missing.toml")
        .expect(2)
        .says(&["missing.toml"]);
}
