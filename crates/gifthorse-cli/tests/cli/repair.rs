//! A planted backdoor is repaired, with proof; a clean model is left alone.

use gifthorse::repair::record::{Origin, RepairRecord};
use serde_json::Value;

use crate::bench::{Bench, Kind, TARGET};

fn record(bench: &Bench, name: &str) -> RepairRecord {
    let text = std::fs::read(bench.path(name)).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A folder with a model of this kind and images for it.
fn bench(kind: Kind) -> Bench {
    let bench = Bench::new();
    bench.model("model.onnx", kind);
    bench.images("images", 40, |class| class.to_string());
    bench
}

const QUICK: &str = "--detector neural_cleanse";

#[test]
fn a_backdoor_is_found_repaired_and_proven_gone() {
    let bench = bench(Kind::Backdoored);
    let run = bench
        .run(&format!(
            "repair model.onnx --images images {QUICK} -o fixed.onnx"
        ))
        .expect(0);
    let run = run.says(&["repair 1 of"]);
    assert!(run.out().starts_with("REPAIRED"), "{}", run.out());

    let record = record(&bench, "fixed.repair/repair.json");
    assert!(record.repaired);
    assert_eq!(record.targets, [TARGET]);
    assert!(record.before.as_ref().unwrap().is_backdoored());
    let last = record.rounds.last().unwrap();
    assert!(!last.scan.as_ref().unwrap().is_backdoored());
    let proof = record.proof.as_ref().unwrap();
    assert!(proof.clean.after.rate >= proof.clean.before.rate - 0.01);
    let trigger = &proof.triggers[0];
    assert_eq!(
        (trigger.origin, trigger.target),
        (Origin::Recovered, Some(TARGET))
    );
    assert!(trigger.success.before.rate > 0.9, "{trigger:?}");
    assert!(trigger.success.after.rate < 0.05, "{trigger:?}");
    assert!(trigger.robust.after.rate > 0.9, "{trigger:?}");
    // Images in three parts that share none.
    let parts = record.images.unwrap();
    assert_eq!(parts.fit + parts.check + parts.proof, 320);
    assert_eq!(proof.clean.before.of, parts.proof as u64);
    // The file that was written is the one that was measured, and the model is as it was.
    let fixed = record.fixed.as_ref().unwrap();
    let digest = gifthorse::hash::sha256(&bench.path("fixed.onnx")).unwrap();
    assert_eq!(fixed.sha256, digest);
    let model = gifthorse::hash::sha256(&bench.path("model.onnx")).unwrap();
    assert_eq!(record.model.sha256, model);
    // The page says the same, and leads to the reports of the scans.
    let page = std::fs::read_to_string(bench.path("fixed.repair/repair.html")).unwrap();
    for words in [
        "Clean accuracy kept to the budget",
        &digest,
        &model,
        "taken",
        "(--truth)",
        "(--retune; ",
    ] {
        assert!(page.contains(words), "{words} is not in the page");
    }
    for link in ["before/report.html", "after-1/report.html"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
        assert!(bench.path("fixed.repair").join(link).exists(), "{link}");
    }
    // The trigger and its mask, and six images as they are and stamped.
    assert_eq!(page.matches("<img").count(), 2 + 2 * 6);
    // What was changed is what anybody sees who compares the files.
    let compared = bench.run("compare model.onnx fixed.onnx --images images --json");
    let compared = compared.expect(1).json();
    assert_eq!(compared["after"]["sha256"], digest);
    let changes = serde_json::to_value(record.changes.unwrap()).unwrap();
    assert_eq!(compared["changes"], changes);
}

#[test]
fn what_pruning_repairs_is_clean_to_a_scan_and_differs_by_a_node() {
    let bench = bench(Kind::Backdoored);
    let pruned = format!(
        "repair model.onnx --images images {QUICK} --method neural_cleanse_pruning -o fixed.onnx"
    );
    bench.run(&pruned).expect(0);
    let record = record(&bench, "fixed.repair/repair.json");
    let changes = record.changes.unwrap();
    assert!(
        changes
            .constants
            .iter()
            .all(|change| change.before.is_none())
    );
    let svg = std::fs::read_to_string(bench.path("fixed.repair/pruning.svg")).unwrap();
    assert!(svg.contains("clean accuracy"));
    let page = std::fs::read_to_string(bench.path("fixed.repair/repair.html")).unwrap();
    assert!(
        page.contains(svg.trim_end()),
        "the curves are not in the page"
    );
    assert!(page.contains(">added<"), "the node is not in the page");
    bench
        .run(&format!("scan fixed.onnx --images images {QUICK}"))
        .expect(0);
}

#[test]
fn a_report_saves_the_first_scan_and_the_same_seed_gives_the_same_file() {
    let bench = bench(Kind::Backdoored);
    bench
        .run(&format!(
            "scan model.onnx --images images {QUICK} --out scan"
        ))
        .expect(1);
    for name in ["a", "b"] {
        let run = bench.run(&format!(
            "repair model.onnx --images images --report scan/report.json --method unlearning --no-rescan -o {name}.onnx --json"
        ));
        let json: Value = serde_json::from_str(&run.expect(0).out()).unwrap();
        assert_eq!(json["rounds"][0]["taken"], "unlearning");
        assert_eq!(json["rounds"][0]["scan"], Value::Null);
        assert!(!bench.path(&format!("{name}.repair/before")).exists());
    }
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(bytes("a.onnx") == bytes("b.onnx"));
    let other = "repair other.onnx --images images --report scan/report.json -o c.onnx";
    bench.model("other.onnx", Kind::Clean);
    bench.run(other).expect(2).says(&["SHA-256"]);
}

#[test]
fn nothing_is_done_to_a_clean_model() {
    let bench = bench(Kind::Clean);
    let run = bench
        .run(&format!(
            "repair model.onnx --images images {QUICK} -o fixed.onnx"
        ))
        .expect(0);
    assert!(run.out().starts_with("NOTHING REPAIRED"), "{}", run.out());
    assert!(run.out().contains("found no backdoor"), "{}", run.out());
    assert!(!bench.path("fixed.onnx").exists());
    assert!(record(&bench, "fixed.repair/repair.json").rounds.is_empty());
    let page = std::fs::read_to_string(bench.path("fixed.repair/repair.html")).unwrap();
    assert!(
        page.contains("Nothing was changed") && page.contains("found no backdoor"),
        "{page}"
    );
}

#[test]
fn what_is_not_repaired_is_not_written_unless_forced() {
    let bench = bench(Kind::Backdoored);
    bench
        .run(&format!(
            "scan model.onnx --images images {QUICK} --out scan"
        ))
        .expect(1);
    let weak = "repair model.onnx --images images --report scan/report.json --method fine_tuning --no-rescan -o fixed.onnx";
    let run = bench.run(weak).expect(5);
    assert!(run.out().starts_with("NOT REPAIRED"), "{}", run.out());
    assert!(run.out().contains("nothing was written"), "{}", run.out());
    assert!(!bench.path("fixed.onnx").exists());
    bench.run(&format!("{weak} --force")).expect(5);
    assert!(bench.path("fixed.onnx").exists());
    // Where nothing can be measured, nothing is called repaired.
    let blind = format!(
        "repair model.onnx --images images --detector last_layer --target {TARGET} --method ft_sam --no-rescan -o f.onnx"
    );
    let run = bench.run(&blind).expect(5);
    assert!(run.out().contains("nothing shows"), "{}", run.out());
    // No channel of two filters stands out, so this repair cannot be done at all.
    let none = weak.replace("fine_tuning", "clp");
    let run = bench.run(&none).expect(5);
    assert!(
        run.out().contains("no repair could be done"),
        "{}",
        run.out()
    );
}

#[test]
fn a_trigger_that_is_told_needs_no_scan() {
    let bench = bench(Kind::Backdoored);
    bench
        .run(&format!(
            "scan model.onnx --images images {QUICK} --out scan"
        ))
        .expect(1);
    bench
        .run(&format!(
            "repair model.onnx --images images --target {TARGET} --trigger scan/triggers/neural_cleanse/{TARGET}.npz \
             --no-rescan --retune --no-images -o fixed.onnx"
        ))
        .expect(0);
    let record = record(&bench, "fixed.repair/repair.json");
    assert!(record.before.is_none());
    let proof = record.proof.unwrap();
    assert_eq!(proof.triggers[0].origin, Origin::Told);
    assert_eq!(proof.came_back.len(), 1);
    let told = record.not_measured.join("\n");
    assert!(
        told.contains("not scanned again") && !told.contains("--retune"),
        "{told}"
    );
    let page = std::fs::read_to_string(bench.path("fixed.repair/repair.html")).unwrap();
    assert!(page.contains("given trigger to class 2"), "{page}");
    assert_eq!(page.matches("<img").count(), 2);
}

#[test]
fn requests_that_make_no_sense_are_refused_before_any_work() {
    let bench = bench(Kind::Backdoored);
    for (arguments, says) in [
        (
            "repair model.onnx --images images -o model.onnx",
            "is the model itself",
        ),
        ("repair model.onnx -o fixed.onnx", "needs clean images"),
        (
            "repair model.onnx --images images -o f.onnx --method magic",
            "ft_sam",
        ),
        (
            "repair model.onnx --images images -o f.onnx --trigger x.npz",
            "--target",
        ),
        (
            "repair model.onnx --images images -o f.onnx --budget 1.5",
            "below 1",
        ),
        (
            "repair model.onnx --images images -o f.onnx --target 99 --force --detector neural_cleanse --classes 0,1",
            "no class 99",
        ),
        (
            "repair model.onnx --images images -o f.onnx --truth model.onnx",
            "not known (--truth)",
        ),
    ] {
        bench.run(arguments).expect(2).says(&[says]);
    }
}

#[test]
fn few_images_bound_the_scan_as_well() {
    let bench = bench(Kind::Backdoored);
    bench
        .run(&format!(
            "repair model.onnx --images images {QUICK} --max-images 160 --method neural_cleanse_pruning --no-rescan \
             -o fixed.onnx"
        ))
        .expect(0);
    let parts = record(&bench, "fixed.repair/repair.json").images.unwrap();
    assert_eq!(parts.fit + parts.check + parts.proof, 160);
    let report = std::fs::read(bench.path("fixed.repair/before/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["images"]["count"], 160);
}

#[test]
fn time_bounds_all_of_it_and_what_was_had_is_proven() {
    let bench = bench(Kind::Backdoored);
    // A scan without time cannot say anything.
    bench
        .run(&format!(
            "repair model.onnx --images images {QUICK} --max-time 0s -o fixed.onnx"
        ))
        .expect(3);
    bench
        .run(&format!(
            "scan model.onnx --images images {QUICK} --out scan"
        ))
        .expect(1);
    let told = "repair model.onnx --images images --report scan/report.json";
    let run = bench.run(&format!("{told} --max-time 0s -o fixed.onnx"));
    let run = run.expect(5);
    assert!(run.out().contains("no time was left"), "{}", run.out());
    let untried = record(&bench, "fixed.repair/repair.json").not_measured;
    assert!(untried[0].contains("unlearning"), "{untried:?}");
    assert!(!bench.path("fixed.onnx").exists());

    // Both rates of these take far longer than that.
    let methods = "--method sau,i_bau,sau,i_bau,sau,i_bau";
    let run = bench.run(&format!("{told} {methods} --max-time 2s -o fixed.onnx"));
    let record = record(&bench, "fixed.repair/repair.json");
    assert!(record.seconds < 30.0, "{}", record.seconds);
    let left_out = record.not_measured.join("\n");
    assert!(left_out.contains("--max-time"), "{left_out}\n{}", run.out());
    let was_tried = !record.rounds[0].attempts.is_empty();
    assert_eq!(record.proof.is_some(), was_tried, "{}", run.out());
}

#[test]
fn all_labels_are_patched_where_that_is_asked() {
    let bench = bench(Kind::Clean);
    bench
        .run(&format!(
            "scan model.onnx --images images {QUICK} --out scan -q"
        ))
        .expect(0);
    let run = bench.run(
        "repair model.onnx --images images --report scan/report.json --every-class --method unlearning --no-rescan --force \
         -o fixed.onnx -q",
    );
    assert!([0, 5].contains(&run.status()), "{}", run.err());
    let record = record(&bench, "fixed.repair/repair.json");
    assert_eq!(record.targets, (0..8).collect::<Vec<usize>>());
    let proof = record.proof.as_ref().unwrap();
    assert_eq!(proof.triggers.len(), 8);
    let excess = |trigger: &gifthorse::repair::record::TriggerProof| {
        let rate = |share: &gifthorse::repair::record::Share| share.rate;
        rate(&trigger.success.before) - rate(&trigger.success.after)
    };
    // Clean as the model is, large patches lead to each class, and to most no longer.
    let patched = proof.triggers.iter().filter(|it| excess(it) > 0.3).count();
    assert!(patched >= 4, "{:?}", proof.triggers);
}
