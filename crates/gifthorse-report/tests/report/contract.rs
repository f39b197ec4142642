//! `report.json` keeps its contract: the committed schema, the field names, and round trips.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{env, fs, path::Path};

use crate::sample::{CLEAN, INFECTED, every_verdict, report, two_witnesses};
use gifthorse_report::{
    Report,
    report::{Calibration, JsonError, Measure, ReferenceModel, Verdict, json_schema},
    terminal,
};
use serde_json::{Value, json};

fn schema_file() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.schema.json");
    if env::var_os("GIFTHORSE_UPDATE_SCHEMA").is_some() {
        let text = serde_json::to_string_pretty(&json_schema()).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn as_value(report: &Report) -> Value {
    serde_json::from_str(&report.to_json().unwrap()).unwrap()
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let same = schema_file() == json_schema();
    assert!(
        same,
        "run this test with GIFTHORSE_UPDATE_SCHEMA=1 and commit the schema"
    );
    assert_eq!(
        schema_file()["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn sample_reports_fit_the_schema() {
    let validator = jsonschema::validator_for(&schema_file()).unwrap();
    let mut without_images = two_witnesses();
    without_images.images = None;
    without_images.preflight = None;
    without_images.health = None;
    let more = [two_witnesses(), without_images];
    for report in every_verdict().into_iter().chain(more) {
        let errors: Vec<_> = validator
            .iter_errors(&as_value(&report))
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn broken_reports_do_not() {
    let validator = jsonschema::validator_for(&schema_file()).unwrap();
    let good = as_value(&two_witnesses());
    let mut broken = 0;
    for (pointer, value) in [
        ("/verdict", json!("infected")),
        ("/schema_version", json!("1")),
        ("/targets/0", json!(-1)),
        ("/targets/0", json!("stop")),
        ("/p_value", json!(1.5)),
        ("/fpr", Value::Null),
        ("/calibration", json!("guessed")),
        ("/calibration/kind", json!("guessed")),
        (
            "/calibration",
            json!({"kind": "library", "models": -1, "version": "x"}),
        ),
        ("/model/sha256", json!("9f86")),
        ("/model/input/shape", json!([32, 32])),
        ("/preflight/interval", json!([0.5])),
        ("/preflight/accuracy", json!(-0.1)),
        ("/preprocess/chosen_by", json!("dice")),
        ("/detectors/0/findings/0/state", json!("found")),
        ("/detectors/0/findings/0/p_value", json!(-1.0)),
        ("/detectors/0/findings/0/measures/0/value", json!("much")),
        ("/detectors/0/findings/0/trigger", json!("triggers/0.npz")),
        ("/detectors/0/unit_statistic/suspicious", json!("odd")),
        ("/detectors/0/unit_statistic", Value::Null),
        ("/classes", Value::Null),
        ("/classes/0/named", json!("yes")),
        ("/classes/0/witnesses", json!([3])),
        ("/detectors/0/flagged", Value::Null),
        ("/seed", json!(1.5)),
    ] {
        let mut report = good.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&report), "{pointer} was accepted");
        broken += 1;
    }
    for field in good.as_object().unwrap().keys() {
        let mut report = good.clone();
        report.as_object_mut().unwrap().remove(field);
        assert!(
            !validator.is_valid(&report),
            "a report without {field} was accepted"
        );
        broken += 1;
    }
    assert!(broken > 30);
}

/// Programs that read reports rely on these names.
#[test]
fn promised_fields_are_there() {
    let report = as_value(&two_witnesses());
    for pointer in [
        "/schema_version",
        "/verdict",
        "/reasons",
        "/targets",
        "/p_value",
        "/fpr",
        "/calibration",
        "/coverage/tested",
        "/coverage/not_tested",
        "/coverage/largest_trigger",
        "/model/path",
        "/model/sha256",
        "/model/classes",
        "/model/input",
        "/model/branches",
        "/preflight/accuracy",
        "/preflight/images",
        "/detectors/0/name",
        "/detectors/0/p_value",
        "/detectors/0/statistic",
        "/detectors/0/flagged",
        "/detectors/0/seconds",
        "/detectors/0/title",
        "/detectors/0/preset",
        "/detectors/0/unit_statistic/name",
        "/detectors/0/unit_statistic/unit",
        "/detectors/0/unit_statistic/meaning",
        "/detectors/0/unit_statistic/suspicious",
        "/detectors/0/median",
        "/detectors/0/unit_threshold",
        "/detectors/0/measures/0/name",
        "/detectors/0/measures/0/value",
        "/detectors/0/measures/0/unit",
        "/detectors/0/findings/0/class",
        "/detectors/0/findings/0/source",
        "/detectors/0/findings/0/statistic",
        "/detectors/0/findings/0/measures/0/value",
        "/detectors/0/findings/0/p_value",
        "/detectors/0/findings/0/success_rate",
        "/detectors/0/findings/0/holdout_success_rate",
        "/detectors/0/findings/0/state",
        "/classes/0/class",
        "/classes/0/p_value",
        "/classes/0/named",
        "/classes/0/witnesses",
        "/seed",
        "/version",
    ] {
        assert!(report.pointer(pointer).is_some(), "{pointer} is missing");
    }
    assert_eq!(report["verdict"], "backdoored");
    assert_eq!(report["calibration"]["kind"], "equal_classes");
    assert_eq!(report["detectors"][0]["findings"][12]["state"], "unreached");
}

#[test]
fn reports_come_back_as_they_were() {
    for report in every_verdict().into_iter().chain([two_witnesses()]) {
        assert_eq!(
            Report::from_json(&report.to_json().unwrap()).unwrap(),
            report
        );
    }
    let mut awkward = report(Verdict::Clean, &CLEAN);
    awkward.fpr = 0.1 + 0.2;
    awkward.seconds = 1.0 / 3.0;
    awkward.model.path = "a\"\\\u{202e}\u{0}<script>".to_owned();
    awkward.preflight = None;
    awkward.images = None;
    assert_eq!(
        Report::from_json(&awkward.to_json().unwrap()).unwrap(),
        awkward
    );
}

#[test]
fn reports_from_before_branches_were_listed_are_read() {
    let mut value = as_value(&report(Verdict::Clean, &CLEAN));
    value["model"]
        .as_object_mut()
        .unwrap()
        .remove("branches")
        .unwrap();
    let read = Report::from_json(&value.to_string()).unwrap();
    assert!(read.model.branches.is_empty() && read.model.switch_warning().is_none());
}

#[test]
fn undefined_numbers_are_null_or_an_error_that_names_the_field() {
    let mut report = report(Verdict::Clean, &CLEAN);
    report.detectors[0].measures[1].value = Some(f64::INFINITY);
    assert_eq!(
        as_value(&report)["detectors"][0]["measures"][1]["value"],
        Value::Null
    );
    report.detectors[0].seconds = f64::NAN;
    let error = report.to_json().unwrap_err();
    assert!(
        matches!(&error, JsonError::Unwritable { field, .. } if field == "detectors[0].seconds"),
        "{error}"
    );
}

#[test]
fn what_is_no_report_is_an_error_that_says_where() {
    let text = report(Verdict::Clean, &CLEAN).to_json().unwrap();
    let later = text.replace("\"schema_version\": 3", "\"schema_version\": 4");
    assert!(matches!(
        Report::from_json(&later),
        Err(JsonError::Version { found: 4 })
    ));
    let broken = text.replace("\"statistic\": 61.2", "\"statistic\": \"large\"");
    let error = Report::from_json(&broken).unwrap_err().to_string();
    assert!(
        error.contains("detectors[0].findings[0].statistic"),
        "{error}"
    );
    for text in [
        "",
        "{}",
        "[]",
        "null",
        &text[..text.len() / 2],
        &format!("{text} x"),
        &"[".repeat(100_000),
    ] {
        assert!(Report::from_json(text).is_err());
    }
    let with_more = text.replacen('{', "{\"added_later\": [1, 2],", 1);
    assert!(Report::from_json(&with_more).is_ok());
}

/// As version 2 wrote it, with names that are no longer there.
#[test]
fn a_report_of_version_2_is_told_to_be_made_anew() {
    let old = r#"{"schema_version": 2, "verdict": "clean", "detectors": [{"classes": [{"norm": 61.2}]}]}"#;
    let error = Report::from_json(old).unwrap_err();
    assert!(matches!(error, JsonError::Version { found: 2 }));
    let message = error.to_string();
    for said in [
        "schema version 2",
        "reads version 3",
        "scan the model again",
    ] {
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn without_times_only_findings_are_compared() {
    let first = report(Verdict::Backdoored, &INFECTED);
    let mut second = first.clone();
    second.seconds = 7.0;
    second.threads = 64;
    second.started = "2026-01-01T00:00:00Z".to_owned();
    second.detectors[0].seconds = 8.0;
    second.detectors[0].findings[3].seconds = 9.0;
    assert_ne!(first, second);
    assert_eq!(
        first.clone().without_times(),
        second.clone().without_times()
    );
    second.detectors[0].findings[3].statistic = Some(83.2);
    assert_ne!(first.without_times(), second.without_times());
}

#[test]
fn every_calibration_is_written_read_and_explained() {
    let own = ReferenceModel {
        name: "ours<b>.onnx".to_owned(),
        sha256: "ab".repeat(32),
        measures: vec![Measure::new("percent_difference", Some(20.0), "%")],
    };
    let validator = jsonschema::validator_for(&schema_file()).unwrap();
    for (calibration, said) in [
        (Calibration::EqualClasses, "equally hard"),
        (
            Calibration::Library {
                models: 152,
                version: "0123456789ab".to_owned(),
            },
            "152 clean models that were scanned before (library 0123456789ab)",
        ),
        (
            Calibration::References {
                models: vec![own.clone()],
                library_models: 152,
            },
            "1 clean model of your own and 152 that were scanned before",
        ),
        (
            Calibration::References {
                models: vec![own],
                library_models: 0,
            },
            "1 clean model of your own;",
        ),
    ] {
        let mut report = report(Verdict::Clean, &CLEAN);
        report.calibration = calibration;
        assert!(validator.is_valid(&as_value(&report)));
        assert_eq!(
            Report::from_json(&report.to_json().unwrap()).unwrap(),
            report
        );
        let shown = terminal::render(&report, false);
        let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(said), "{flat}");
    }
}
