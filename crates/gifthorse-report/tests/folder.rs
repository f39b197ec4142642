//! The output folder of a scan. Set `GIFTHORSE_PAGES` to a folder to keep the pages for a look in a browser.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod sample;

use std::{env, fs, path::PathBuf};

use gifthorse_report::{
    Report,
    evidence::{Truth, read_trigger, trigger_path},
    html::{HtmlOptions, ScanPage, render_demo},
    report::Verdict,
    write::{WriteError, write_out},
};
use sample::{CLEAN, INFECTED, every_verdict, evidence, report, trigger};

#[test]
fn holds_all_files_and_they_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(Verdict::Backdoored, &INFECTED);
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
    for finding in &read.detectors[0].classes {
        let Some(path) = &finding.trigger else {
            assert_eq!(
                finding.class, 12,
                "only the class that was never reached has no trigger"
            );
            continue;
        };
        assert_eq!(*path, trigger_path(finding.class));
        let trigger = read_trigger(&folder, path, [3, 32, 32]).unwrap();
        assert_eq!(trigger, evidence.of(finding.class).unwrap().trigger);
        let picture = image::open(folder.join(path).with_extension("png")).unwrap();
        assert_eq!((picture.width(), picture.height()), (32, 32));
    }
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
    report.detectors[0].classes[12].trigger = Some("triggers/12.npz".to_owned());
    let evidence = evidence(&report);
    let written = write_out(
        folder.path(),
        &report,
        &evidence,
        None,
        HtmlOptions::default(),
    )
    .unwrap();
    assert_eq!(written.detectors[0].classes[12].trigger, None);
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
    let truth = Truth {
        backdoored: true,
        target: Some(4),
        trigger: Some(trigger(4, 3).on_grey()),
    };
    for (name, report) in [
        ("infected", &infected),
        ("clean", &clean),
        ("unsure", &unsure),
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
