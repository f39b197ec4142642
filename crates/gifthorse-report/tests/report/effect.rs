//! What a trigger does inside a model, as JSON and on a page, whatever the model calls its parts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::sample::{INFECTED, evidence, report, sign};
use gifthorse_report::{
    Report,
    evidence::{HeatExample, Heated},
    html::{EffectPage, HtmlOptions, ScanPage, render, render_effect},
    report::{Effect, LayerEffect, Neuron, Performance, Share, SourceEffect, Verdict, json_schema},
};

/// Nothing of it may reach a page as it is.
const HOSTILE: &str = "</h3><script>alert(1)</script>\u{202e}";

fn share(hits: u64, trials: u64) -> Share {
    Share {
        hits,
        trials,
        interval: [0.25, 0.75],
    }
}

fn effect() -> Effect {
    let performance = |success| Performance {
        success: share(success, 80),
        unstamped: share(2, 80),
        accuracy: share(11, 90),
    };
    let source = |class| SourceEffect {
        class,
        success: share(9, 10),
        to: 4,
        to_share: 0.9,
    };
    Effect {
        target: 4,
        images: 90,
        accuracy: share(88, 90),
        success: share(77, 80),
        original_success: Some(share(0, 0)),
        sources: (0..70).map(source).collect(),
        layers: vec![LayerEffect {
            layer: HOSTILE.to_owned(),
            channels: 512,
            top: 6,
            neurons: vec![Neuron {
                channel: 317,
                clean: Some(0.5),
                stamped: Some(8.25),
                original: None,
            }],
            clean: None,
            stamped: Some(8.25),
            original: Some(9.5),
            overlap: Some(0.5),
            kept: performance(79),
            zeroed: performance(3),
        }],
    }
}

fn is_harmless(page: &str) {
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

/// The words of a page, whatever separates them.
fn shows(page: &str, words: &[&str]) {
    let plain = page.replace('\u{a0}', " ");
    for words in words {
        assert!(plain.contains(words), "{words:?} is missing");
    }
}

#[test]
fn a_report_tells_the_effect_and_is_read_without_it() {
    let mut told = report(Verdict::Backdoored, &INFECTED);
    let target = told.targets[0];
    let mut findings = told.detectors[0].findings.iter_mut();
    let finding = findings.find(|finding| finding.class == target).unwrap();
    finding.effect = Some(effect());
    let text = told.to_json().unwrap();
    assert_eq!(Report::from_json(&text).unwrap(), told);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    assert!(schema.is_valid(&value));

    let mut before = value;
    for finding in before["detectors"][0]["findings"].as_array_mut().unwrap() {
        finding.as_object_mut().unwrap().remove("effect");
    }
    let read = Report::from_json(&before.to_string()).unwrap();
    assert!(
        read.detectors[0]
            .findings
            .iter()
            .all(|it| it.effect.is_none())
    );

    let page = render(
        &ScanPage {
            title: "model.onnx",
            report: &told,
            evidence: &evidence(&told),
            truth: None,
        },
        HtmlOptions::default(),
    );
    let (_, block) = page
        .split_once("<details><summary>What this trigger does inside the model")
        .unwrap();
    is_harmless(block);
    shows(
        block,
        &[
            "96.2 %",
            "317",
            "8.25",
            "50.0 %",
            "10 more classes",
            "98.8 %",
        ],
    );
}

#[test]
fn a_page_of_its_own_shows_pictures_and_comparisons() {
    let (effect, names) = (effect(), vec![HOSTILE.to_owned(); 5]);
    let heated = |answer| Heated {
        picture: sign(0),
        heat: sign(1),
        answer,
    };
    let heat = [HeatExample {
        label: 0,
        clean: heated(0),
        stamped: heated(4),
    }];
    let compared = [HOSTILE.to_owned(), "b.npz".to_owned()];
    let cosines = [vec![Some(1.0), Some(0.125)], vec![Some(0.125), None]];
    let page = EffectPage {
        title: HOSTILE,
        sha256: "9f86",
        trigger: HOSTILE,
        original: Some(HOSTILE),
        class_names: &names,
        effect: &effect,
        compared: &compared,
        cosines: &cosines,
        heat_layer: Some(HOSTILE),
        heat: &heat,
        warnings: &[HOSTILE.to_owned()],
    };
    let shown = render_effect(&page, HtmlOptions::default());
    is_harmless(&shown);
    shows(&shown, &["(class 4)", "class 59", "0.125", "–", "Grad-CAM"]);
    assert_eq!(shown.matches("data:image/png").count(), 4);
    let without = render_effect(&page, HtmlOptions { images: false });
    assert_eq!(without.matches("data:image/png").count(), 0);
    shows(&without, &["left out"]);
}
