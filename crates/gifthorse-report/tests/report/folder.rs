//! The output folder of a scan. Set `GIFTHORSE_PAGES` to a folder to keep the pages for a look in a
//! browser.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::{env, fs, path::PathBuf};

use crate::sample::{CLEAN, INFECTED, every_verdict, evidence, report, trigger, two_witnesses};
use gifthorse_report::{
    Report,
    evidence::{Recovered, Truth, read_trigger},
    html::{HtmlOptions, ScanPage, render_demo},
    report::{TriggerFile, TriggerKind, Unit, Verdict},
    write::{WriteError, write_out},
};

#[test]
fn holds_all_files_and_they_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = two_witnesses();
    let evidence = evidence(&report);
    let written = write_out(
        &folder.path().join("a/b"),
        &report,
        &evidence,
        None,
        HtmlOptions::default(),
    )
    .unwrap();
    let folder = folder.path().join("a/b");
    let read = Report::from_json(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(read, written);
    let mut paths = Vec::new();
    for (detection, kind) in read
        .detectors
        .iter()
        .zip([TriggerKind::Patch, TriggerKind::Image])
    {
        for finding in &detection.findings {
            let Some(file) = &finding.trigger else {
                assert_eq!(
                    (&detection.name[..], finding.class),
                    ("neural_cleanse", 12),
                    "only the class that was never reached has no trigger"
                );
                continue;
            };
            assert_eq!(
                file.path,
                format!("triggers/{}/{}.npz", detection.name, finding.class)
            );
            assert_eq!(file.kind, kind);
            let recovered = read_trigger(&folder, file, [3, 32, 32]).unwrap();
            let shown = evidence.of(&detection.name, finding.unit()).unwrap();
            assert_eq!(recovered, shown.recovered);
            let picture = image::open(folder.join(&file.path).with_extension("png")).unwrap();
            assert_eq!((picture.width(), picture.height()), (32, 32));
            paths.push(file.path.clone());
        }
    }
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 12 + 13, "no file is written twice");
    assert!(
        fs::read_to_string(folder.join("report.html"))
            .unwrap()
            .contains("signs-v3.onnx")
    );
    assert!(
        fs::read_to_string(folder.join("report.sarif"))
            .unwrap()
            .contains("model-backdoor")
    );
}

#[test]
fn trigger_files_of_the_report_are_those_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = report(Verdict::Backdoored, &INFECTED);
    report.detectors[0].findings[12].trigger = Some(TriggerFile {
        path: "triggers/neural_cleanse/12.npz".to_owned(),
        kind: TriggerKind::Patch,
    });
    let evidence = evidence(&report);
    let written = write_out(
        folder.path(),
        &report,
        &evidence,
        None,
        HtmlOptions::default(),
    )
    .unwrap();
    assert_eq!(written.detectors[0].findings[12].trigger, None);
}

#[test]
fn a_name_that_leaves_the_folder_and_a_file_written_twice_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(Verdict::Backdoored, &INFECTED);
    let write = |report: &Report, evidence| {
        write_out(
            folder.path(),
            report,
            &evidence,
            None,
            HtmlOptions::default(),
        )
        .unwrap_err()
    };
    let mut outside = evidence(&report);
    outside.units[0].detector = "../../etc".to_owned();
    let error = write(&report, outside);
    assert!(matches!(&error, WriteError::Name(_)), "{error}");
    let mut twice = evidence(&report);
    twice.units[0].unit = Unit::class(1);
    twice.units[0].recovered = Recovered::Image(trigger(1, 3).on_grey());
    let error = write(&report, twice);
    assert!(
        error.to_string().contains("triggers/neural_cleanse/1.npz"),
        "{error}"
    );
    let mut same_name = report.clone();
    same_name.detectors.push(report.detectors[0].clone());
    let error = write(&same_name, evidence(&report));
    assert!(matches!(&error, WriteError::Twice { .. }), "{error}");
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(
        left, 0,
        "nothing is written before all paths are known to be good"
    );
}

#[test]
fn errors_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "").unwrap();
    let report = report(Verdict::Clean, &CLEAN);
    let error = write_out(
        &file,
        &report,
        &evidence(&report),
        None,
        HtmlOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, WriteError::Io { .. }));
    assert!(error.to_string().contains("taken"), "{error}");
    fs::create_dir_all(folder.path().join("out/report.json")).unwrap();
    let error = write_out(
        &folder.path().join("out"),
        &report,
        &evidence(&report),
        None,
        HtmlOptions::default(),
    );
    assert!(error.unwrap_err().to_string().contains("report.json"));
}

#[test]
fn every_verdict_and_size_is_written() {
    let temporary = tempfile::tempdir().unwrap();
    let folder =
        env::var_os("GIFTHORSE_PAGES").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let mut many: Vec<f64> = (0..1282)
        .map(|class| 40.0 + f64::from(class * 37 % 101))
        .collect();
    many[4] = 6.0;
    let [infected, clean, unsure] = every_verdict();
    let faces = report(Verdict::Backdoored, &many);
    let two = two_witnesses();
    let truth = Truth {
        backdoored: true,
        target: Some(4),
        trigger: Some(trigger(4, 3).on_grey()),
    };
    for (name, report) in [
        ("infected", &infected),
        ("clean", &clean),
        ("unsure", &unsure),
        ("two", &two),
        ("faces", &faces),
    ] {
        let out = folder.join(name);
        write_out(
            &out,
            report,
            &evidence(report),
            None,
            HtmlOptions::default(),
        )
        .unwrap();
        assert!(out.join("report.html").is_file());
    }
    let nothing = Truth {
        backdoored: false,
        target: None,
        trigger: None,
    };
    let (infected_evidence, clean_evidence) = (evidence(&infected), evidence(&clean));
    let pages = [
        ScanPage {
            title: "infected.onnx",
            report: &infected,
            evidence: &infected_evidence,
            truth: Some(&truth),
        },
        ScanPage {
            title: "clean.onnx",
            report: &clean,
            evidence: &clean_evidence,
            truth: Some(&nothing),
        },
    ];
    fs::write(
        folder.join("demo.html"),
        render_demo(&pages, HtmlOptions::default()),
    )
    .unwrap();
}
