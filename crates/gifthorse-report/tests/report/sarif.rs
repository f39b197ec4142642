//! `report.sarif` fits the standard's schema (`sarif-schema-2.1.0.json` is that of OASIS, its
//! faulty pattern of a language mended as in erratum 01) and what GitHub asks of a log beyond it:
//! docs.github.com, "SARIF support for code scanning".
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use crate::sample::{CLEAN, INFECTED, every_verdict, report, two_witnesses};
use gifthorse_report::{
    Report,
    report::{
        Branch, BranchScope, DormantUnit, ModelOutput, OutputPart, StructureFinding, StructureRule,
        Verdict,
    },
    sarif,
};
use serde_json::Value;

fn log(report: &Report) -> Value {
    serde_json::from_str(&sarif::render(&[report]).unwrap()).unwrap()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn every_verdict_fits_the_schema() {
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in every_verdict() {
        let log = log(&report);
        let errors: Vec<_> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut broken = log(&report(Verdict::Backdoored, &INFECTED));
    broken["runs"][0]["results"][0]["message"] = Value::Null;
    assert!(!validator.is_valid(&broken));
}

#[test]
fn every_target_is_a_finding_and_a_clean_model_has_none() {
    let mut infected = report(Verdict::Backdoored, &INFECTED);
    infected.targets = vec![3, 1];
    let found = log(&infected);
    assert_eq!(results(&found).len(), 2);
    for (result, target) in results(&found).iter().zip([3, 1]) {
        assert_eq!(result["ruleId"], "model-backdoor");
        assert_eq!(result["level"], "error");
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.contains(&infected.class_name(target)), "{text}");
    }
    let unknown = log(&report(Verdict::Inconclusive, &CLEAN));
    assert_eq!(results(&unknown)[0]["ruleId"], "model-scan-inconclusive");
    assert!(results(&log(&report(Verdict::Clean, &CLEAN))).is_empty());
}

#[test]
fn a_finding_names_its_witnesses() {
    let both = [
        "Neural Cleanse (Wang et al. 2019)",
        "Largest margins (Nobody 2020)",
    ];
    let text = |report: &Report| {
        let log = log(report);
        results(&log)[0]["message"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut report = two_witnesses();
    let said = text(&report);
    assert!(both.iter().all(|title| said.contains(title)), "{said}");
    let told = "margin 58.7\u{a0}logits (largest lead of the class's logit over the others)";
    assert!(said.contains(told), "{said}");
    report.classes[4].witnesses = vec!["margins".to_owned()];
    let said = text(&report);
    assert!(!said.contains(both[0]) && said.contains(both[1]), "{said}");
    assert!(
        !said.contains("norm") && !said.contains("trigger"),
        "{said}"
    );
    report.images = None;
    let log = log(&report);
    assert!(log["runs"][0]["properties"]["imagesSha256"].is_null());
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&log));
}

#[test]
fn a_switch_is_a_finding_of_its_own_and_an_activation_is_none() {
    let branch = |scope| Branch {
        node: "gate](http://a.b)".to_owned(),
        operator: "If".to_owned(),
        scope,
    };
    let mut backdoored = report(Verdict::Backdoored, &INFECTED);
    backdoored.model.branches = vec![branch(BranchScope::Element), branch(BranchScope::Region)];
    assert_eq!(results(&log(&backdoored)).len(), 1);
    backdoored.model.branches.push(branch(BranchScope::Image));
    let found = log(&backdoored);
    let [_, switch] = &results(&found)[..] else {
        panic!("{found}");
    };
    assert_eq!(switch["ruleId"], "model-switched-by-image");
    assert_eq!(switch["level"], "warning");
    let text = switch["message"]["text"].as_str().unwrap();
    assert!(
        text.contains("If node `gate") && !text.contains("gate]"),
        "{text}"
    );
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&found));
}

#[test]
fn outputs_without_a_verdict_are_a_finding_and_those_with_one_a_run() {
    let output = |name: &str, part| ModelOutput {
        name: name.to_owned(),
        shape: None,
        looks: "scores of 8 classes".to_owned(),
        part,
    };
    let mut one = report(Verdict::Backdoored, &INFECTED);
    one.model.outputs = vec![
        output("a", OutputPart::Scanned),
        output("[b", OutputPart::Unseen),
    ];
    let found = log(&one);
    assert_eq!(results(&found)[1]["ruleId"], "model-output-not-scanned");
    let text = results(&found)[1]["message"]["text"].as_str().unwrap();
    assert!(text.contains(r"`\[b`"), "{text}");

    let mut other = one.clone();
    one.model.outputs[1].part = OutputPart::Beside;
    other.model.outputs = vec![
        output("a", OutputPart::Beside),
        output("[b", OutputPart::Scanned),
    ];
    let both: Value = serde_json::from_str(&sarif::render(&[&one, &other]).unwrap()).unwrap();
    let runs = both["runs"].as_array().unwrap();
    let told = |key: &str| [&runs[0], &runs[1]].map(|run| run[key].to_string());
    let [first, second] = told("automationDetails");
    assert_ne!(first, second);
    let prints = [0, 1].map(|at| &runs[at]["results"][0]["partialFingerprints"]);
    assert_ne!(prints[0], prints[1]);
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&found) && validator.is_valid(&both));
}

#[test]
fn a_finding_has_what_github_asks_for() {
    let log = log(&report(Verdict::Backdoored, &INFECTED));
    let run = &log["runs"][0];
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        for field in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[field]["text"].is_string(), "{field} of {rule}");
        }
        let severity: f64 = rule["properties"]["security-severity"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((0.0..=10.0).contains(&severity));
    }
    for result in results(&log) {
        let index = result["ruleIndex"].as_u64().unwrap();
        let rules = &run["tool"]["driver"]["rules"];
        assert_eq!(
            rules[usize::try_from(index).unwrap()]["id"],
            result["ruleId"]
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].is_string());
        assert_eq!(place["region"]["startLine"], 1);
        assert!(result["partialFingerprints"]["primaryLocationLineHash"].is_string());
    }
}

#[test]
fn fingerprints_outlive_another_scan_and_tell_targets_apart() {
    let fingerprints = |report: &Report| -> Vec<String> {
        let print = |result: &Value| result["partialFingerprints"].to_string();
        results(&log(report)).iter().map(print).collect()
    };
    let mut first = report(Verdict::Backdoored, &INFECTED);
    first.targets = vec![3, 1];
    let mut later = first.clone();
    later.model.sha256 = "f".repeat(64);
    later.seconds += 7.0;
    later.detectors[0].findings[3].statistic = Some(1.5);
    assert_eq!(fingerprints(&first), fingerprints(&later));
    assert_ne!(fingerprints(&first)[0], fingerprints(&first)[1]);
}

#[test]
fn names_from_the_model_are_text_and_not_links() {
    let mut hostile = report(Verdict::Backdoored, &INFECTED);
    let target = hostile.targets[0];
    hostile.detectors[0].findings[target].name = "[safe](https://evil.example) {0}".to_owned();
    let log = log(&hostile);
    let text = results(&log)[0]["message"]["text"].as_str().unwrap();
    assert!(
        text.contains(r"\[safe\](https://evil.example) {{0}}"),
        "{text}"
    );
}

#[test]
fn dormant_units_and_structure_are_findings_of_their_own() {
    let unit = DormantUnit {
        node: "gate](http://a.b)".to_owned(),
        layer: "relu".to_owned(),
        channel: 7,
        class: 4,
        images: 24,
        others: 20,
        changed: 20,
        led: 19,
        kept: 24,
    };
    let branch = |rule, rests| StructureFinding {
        rule,
        node: format!("node of {rule:?}"),
        path: vec!["conv".to_owned(), "join".to_owned()],
        constants: vec![0.5],
        branch: None,
        region: None,
        rests,
    };
    let mut report = report(Verdict::Inconclusive, &CLEAN);
    assert!(report.dormant_units.as_ref().unwrap().warning().is_none());
    assert!(report.model.structure_warning().is_none());
    report.dormant_units.as_mut().unwrap().switches = vec![unit];
    report.model.structure = vec![
        branch(StructureRule::Switch, None),
        branch(StructureRule::Bypass, Some(true)),
        branch(StructureRule::Bypass, Some(false)),
        branch(StructureRule::SmallRegion, Some(true)),
    ];
    let found = log(&report);
    let told: Vec<(&str, &str)> = results(&found)
        .iter()
        .map(|result| {
            let text = |field: &str| result[field].as_str().unwrap();
            (text("ruleId"), text("level"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("model-scan-inconclusive", "warning"),
            ("model-structure", "warning"),
            ("model-structure", "warning"),
            ("model-structure", "note"),
            ("model-structure", "note"),
            ("model-dormant-unit", "warning"),
        ]
    );
    let said = results(&found)[5]["message"]["text"].as_str().unwrap();
    assert!(
        said.contains("19 of 20") && said.contains("class 4"),
        "{said}"
    );
    assert!(!said.contains("gate]"), "{said}");
    let said = results(&found)[1]["message"]["text"].as_str().unwrap();
    assert!(
        said.contains("by the constant 0.5") && said.contains("conv > join"),
        "{said}"
    );
    let schema: Value = serde_json::from_str(include_str!("sarif-schema-2.1.0.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&found));
}
