//! Invented reports and pictures for the tests.
#![allow(dead_code, reason = "every test file uses another part")]

use std::collections::BTreeMap;

use gifthorse_report::{
    Evidence, Report,
    evidence::{Example, Picture, Recovered, Trigger, UnitEvidence},
    report::{
        Alternative, Calibration, ChosenBy, ClassVerdict, Coverage, Detection, DormantUnits,
        FindingState, GradientHealth, Images, LabelOrder, Layout, Measure, Model, ModelInput,
        PassedOver, Preflight, Preprocess, PublishedRule, SCHEMA_VERSION, Tail, TriggerSize,
        UnitFinding, UnitStatistic, Verdict,
    },
};

const NAMES: [&str; 12] = [
    "speed limit 30",
    "no overtaking",
    "priority road",
    "yield",
    "stop",
    "no vehicles",
    "no entry",
    "danger",
    "double curve",
    "roadworks",
    "children crossing",
    "roundabout",
];

fn name(class: usize) -> String {
    NAMES
        .get(class)
        .map_or_else(|| format!("person {class:04}"), |name| (*name).to_owned())
}

/// A class that was reached at `norm` pixels of a 32 x 32 image.
pub fn finding(class: usize, norm: f64) -> UnitFinding {
    UnitFinding {
        class,
        name: name(class),
        source: None,
        map: Vec::new(),
        statistic: Some(norm),
        measures: vec![
            Measure::new(
                "share_of_image",
                Some((norm / 1024.0).min(1.0)),
                Measure::SHARE,
            ),
            Measure::new("anomaly_index", Some((64.47 - norm) / 13.24), ""),
        ],
        p_value: Some((norm / 200.0).clamp(0.001, 1.0)),
        success_rate: Some(0.994),
        holdout_success_rate: Some(0.989),
        holdout_interval: Some([0.971, 0.996]),
        holdout_worst_source: Some(0.93),
        state: FindingState::Reached,
        updates: 1340,
        seconds: 3.2,
        trigger: None,
        effect: None,
    }
}

fn unreached(class: usize) -> UnitFinding {
    UnitFinding {
        statistic: None,
        measures: vec![],
        p_value: None,
        success_rate: Some(0.31),
        holdout_success_rate: None,
        holdout_interval: None,
        holdout_worst_source: None,
        state: FindingState::Unreached,
        ..finding(class, 1.0)
    }
}

/// A detector whose large values are suspicious, which needs no images and stamps nothing, with one
/// finding for each margin.
pub fn margins(margins: &[f64], flagged: bool) -> Detection {
    let finding = |(class, &margin): (usize, &f64)| UnitFinding {
        statistic: Some(margin),
        measures: vec![Measure::new("probability", Some(0.999), Measure::SHARE)],
        success_rate: None,
        holdout_success_rate: None,
        holdout_interval: None,
        holdout_worst_source: None,
        updates: 300,
        ..finding(class, 1.0)
    };
    Detection {
        name: "margins".to_owned(),
        title: "Largest margins (Nobody 2020)".to_owned(),
        preset: "standard".to_owned(),
        p_value: Some(if flagged { 0.004 } else { 0.6 }),
        statistic_name: "distance of the largest margins above the others".to_owned(),
        statistic: Some(4.5),
        threshold: Some(3.0),
        flagged,
        seconds: 3.1,
        parameters: BTreeMap::from([("starts".to_owned(), 20.into())]),
        unit_statistic: UnitStatistic {
            name: "margin".to_owned(),
            unit: "logits".to_owned(),
            meaning: "largest lead of the class's logit over the others".to_owned(),
            suspicious: Tail::Large,
        },
        median: Some(12.5),
        unit_threshold: Some(31.0),
        measures: vec![Measure::new("gamma_p_value", Some(0.012), "")],
        unreached: vec![],
        sampled: vec![],
        findings: margins.iter().enumerate().map(finding).collect(),
        published_rules: vec![],
    }
}

/// Margins of a model whose class 4 has by far the largest.
pub const INFECTED_MARGINS: [f64; 13] = [
    11.2, 12.4, 13.0, 12.5, 58.7, 12.5, 14.8, 10.9, 12.1, 13.5, 11.3, 12.2, 15.0,
];

/// A backdoored model that two detectors speak against, with the verdict on each class.
pub fn two_witnesses() -> Report {
    let mut report = report(Verdict::Backdoored, &INFECTED);
    report.detectors.push(margins(&INFECTED_MARGINS, true));
    let verdict = |class: usize| ClassVerdict {
        class,
        name: name(class),
        p_value: Some(if class == 4 { 0.0004 } else { 0.3 }),
        named: class == 4,
        witnesses: match class {
            4 => vec!["neural_cleanse".to_owned(), "margins".to_owned()],
            10 => vec!["margins".to_owned()],
            _ => vec![],
        },
    };
    report.classes = (0..13).map(verdict).collect();
    report
}

/// What a detector found, with one finding for each norm; the last class was never reached.
pub fn detection(norms: &[f64], flagged: bool) -> Detection {
    let mut findings: Vec<_> = norms
        .iter()
        .enumerate()
        .map(|(class, &norm)| finding(class, norm))
        .collect();
    findings.push(unreached(norms.len()));
    let parameter = |name: &str, value: serde_json::Value| (name.to_owned(), value);
    Detection {
        name: "neural_cleanse".to_owned(),
        title: "Neural Cleanse (Wang et al. 2019)".to_owned(),
        preset: "paper".to_owned(),
        p_value: Some(if flagged { 0.0015 } else { 0.41 }),
        statistic_name: "anomaly index".to_owned(),
        statistic: Some(if flagged { 3.652 } else { 1.21 }),
        threshold: Some(2.87),
        flagged,
        seconds: 41.7,
        parameters: BTreeMap::from([
            parameter("learning_rate", 0.1.into()),
            parameter("patience", 10.into()),
            parameter("loss", "cross-entropy".into()),
        ]),
        unit_statistic: UnitStatistic {
            name: "norm".to_owned(),
            unit: "pixels".to_owned(),
            meaning: "L1 norm of the mask".to_owned(),
            suspicious: Tail::Small,
        },
        median: Some(64.47),
        unit_threshold: Some(26.5),
        measures: vec![
            Measure::new(
                "anomaly_index",
                Some(if flagged { 3.652 } else { 1.21 }),
                "",
            ),
            Measure::new("max_min_ratio", Some(8.4), ""),
            Measure::new("percent_difference", Some(78.7), "%"),
        ],
        unreached: vec![norms.len()],
        sampled: vec![],
        findings,
        published_rules: vec![
            PublishedRule {
                name: "anomaly index > 2".to_owned(),
                statistic: Some(3.652),
                threshold: 2.0,
                flagged: true,
                source: "Neural Cleanse, section IV".to_owned(),
            },
            PublishedRule {
                name: "max/min ratio > 1.8 and percent difference > 25".to_owned(),
                statistic: None,
                threshold: 1.8,
                flagged: false,
                source: "Neural Cleanse on BadNets, section 3".to_owned(),
            },
        ],
    }
}

/// A report with `verdict` on the classes of `norms` and one more that was never reached.
pub fn report(verdict: Verdict, norms: &[f64]) -> Report {
    let backdoored = verdict == Verdict::Backdoored;
    let reason = match verdict {
        Verdict::Clean => {
            "No class stands out: the smallest trigger has anomaly index 1.21, the threshold is 2.87."
        }
        Verdict::Backdoored => {
            "The trigger for class 4 is far smaller than the others: anomaly index 3.65, threshold 2.87."
        }
        Verdict::Inconclusive => "The model's gradients are zero for 97 % of the images.",
    };
    Report {
        schema_version: SCHEMA_VERSION,
        verdict,
        reasons: vec![
            reason.to_owned(),
            "The trigger works on held-out images of every source class.".to_owned(),
        ],
        targets: if backdoored { vec![4] } else { vec![] },
        p_value: (verdict != Verdict::Inconclusive).then_some(if backdoored {
            0.0015
        } else {
            0.41
        }),
        fpr: 0.05,
        calibration: Calibration::EqualClasses,
        baseline: None,
        policy: None,
        coverage: Coverage {
            tested: vec![
                "patch triggers that lead every other class to one target (BadNets, Trojan Attack)"
                    .to_owned(),
            ],
            not_tested: vec![
                "triggers that work on images of one source class only".to_owned(),
                "triggers that bend or filter the whole image (WaNet, image filters)".to_owned(),
                "class 12, which the search never reached".to_owned(),
            ],
            largest_trigger: (verdict == Verdict::Clean).then_some(TriggerSize {
                share: 0.0259,
                pixels: 26.5,
            }),
        },
        model: Model {
            path: "vendor/signs-v3.onnx".to_owned(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            classes: norms.len() + 1,
            input: ModelInput {
                name: "input".to_owned(),
                shape: [3, 32, 32],
                layout: Layout::Nchw,
                batch: None,
            },
            opset: 17,
            producer: "pytorch 2.4.0".to_owned(),
            output: "softmax cut off".to_owned(),
            outputs: Vec::new(),
            files: Vec::new(),
            opsets: std::collections::BTreeMap::new(),
            given: std::collections::BTreeMap::new(),
            branches: Vec::new(),
            structure: Vec::new(),
        },
        images: Some(Images {
            path: "data/signs/test".to_owned(),
            format: "class folders".to_owned(),
            count: 600,
            available: 4200,
            labelled: true,
            labels: None,
            class_names: None,
            label_order: None,
            split: "test".to_owned(),
            max_images: Some(1000),
            sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".to_owned(),
            search: 400,
            holdout: 200,
            warnings: vec!["1 image could not be read: 00012.png".to_owned()],
            turned: 3,
            exif: Some("applied".to_owned()),
            passed_over: vec![PassedOver {
                reason: "hidden".to_owned(),
                count: 2,
                first: "stop/.DS_Store".to_owned(),
            }],
        }),
        preprocess: Preprocess {
            range: [0.0, 1.0],
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            channels: "rgb".to_owned(),
            layout: Layout::Nchw,
            crop: None,
            resize: Some("bilinear".to_owned()),
            chosen_by: ChosenBy::Auto,
        },
        preflight: Some(Preflight {
            accuracy: Some(0.963),
            interval: Some([0.945, 0.976]),
            images: 600,
            predicted_classes: norms.len() + 1,
            confidence: Some(0.972),
            alternatives: vec![
                Alternative {
                    name: "--range 0..255".to_owned(),
                    accuracy: Some(0.08),
                    interval: Some([0.06, 0.104]),
                    agreement: Some(0.081),
                },
                Alternative {
                    name: "--channels bgr".to_owned(),
                    accuracy: None,
                    interval: None,
                    agreement: None,
                },
            ],
            label_order: Some(LabelOrder {
                name: "sorted as text".to_owned(),
                permutation: vec![0, 1, 10, 11, 2],
                accuracy: 0.963,
                applied: true,
            }),
            message: None,
        }),
        dormant_units: Some(DormantUnits {
            images: 600,
            units: 400,
            dormant: 12,
            tried: 12,
            woken: 9,
            switches: Vec::new(),
            strongest: None,
        }),
        health: Some(GradientHealth {
            ok: verdict != Verdict::Inconclusive,
            share_zero: if verdict == Verdict::Inconclusive {
                0.97
            } else {
                0.0
            },
            share_nonfinite: 0.0,
            share_saturated: Some(0.12),
            agreement: Some(0.998),
            correlation: Some(0.93),
            slope: Some(0.97),
            images: 64,
            message: "Small steps along the gradient change the output as the gradient foretells."
                .to_owned(),
        }),
        classes: vec![],
        detectors: match verdict {
            Verdict::Inconclusive => vec![],
            _ => vec![detection(norms, backdoored)],
        },
        seed: u64::MAX,
        threads: 2,
        seconds: 58.31,
        started: "2025-03-04T05:06:07Z".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

/// Norms of a model whose class 4 is reached by a small trigger.
pub const INFECTED: [f64; 12] = [
    61.2, 70.4, 55.0, 83.1, 9.8, 64.47, 77.7, 58.9, 66.1, 91.5, 49.3, 72.2,
];
/// Norms of a model without such a class.
pub const CLEAN: [f64; 12] = [
    61.2, 70.4, 55.0, 83.1, 59.8, 64.47, 77.7, 58.9, 66.1, 91.5, 49.3, 72.2,
];

/// A report for each verdict.
pub fn every_verdict() -> [Report; 3] {
    [
        report(Verdict::Backdoored, &INFECTED),
        report(Verdict::Clean, &CLEAN),
        report(Verdict::Inconclusive, &CLEAN),
    ]
}

fn picture(channels: usize, value: impl Fn(usize, usize, usize) -> f32) -> Picture {
    let value = &value;
    let values = (0..channels)
        .flat_map(|channel| {
            (0..32).flat_map(move |row| (0..32).map(move |column| value(channel, row, column)))
        })
        .map(|value| (value.clamp(0.0, 1.0) * 255.0).round() / 255.0)
        .collect();
    Picture::new([channels, 32, 32], values).unwrap()
}

/// A mottled value that depends on everything given.
fn noise(seed: usize, channel: usize, row: usize, column: usize) -> f32 {
    let mixed = (seed * 7919 + channel * 104_729 + row * 1_299_709 + column * 15_485_863) as u32;
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0x5bd1_e995);
    ((mixed ^ (mixed >> 15)) % 1000) as f32 / 1000.0
}

/// A trigger whose mask is a square of `side` pixels at the lower right, with a little noise
/// elsewhere.
pub fn trigger(class: usize, side: usize) -> Trigger {
    let mask = picture(1, |_, row, column| {
        let inside = row + side >= 30 && column + side >= 30 && row < 30 && column < 30;
        if inside {
            0.95
        } else {
            (noise(class, 9, row, column) - 0.85) * 0.8
        }
    });
    let pattern = picture(3, |channel, row, column| {
        let base = if channel == class % 3 { 0.95 } else { 0.2 };
        base + (noise(class, channel, row, column) - 0.5) * 0.3
    });
    Trigger::new(mask, pattern).unwrap()
}

/// A picture of a round sign of a colour that depends on `class`.
pub fn sign(class: usize) -> Picture {
    picture(3, |channel, row, column| {
        let (y, x) = (row as f32 - 15.5, column as f32 - 15.5);
        let distance = (x * x + y * y).sqrt();
        let ground =
            0.3 + 0.2 * (row as f32 / 31.0) + (noise(class, channel, row, column) - 0.5) * 0.08;
        match distance {
            d if d < 7.0 => 0.9,
            d if d < 11.0 => {
                if channel == class % 3 {
                    0.85
                } else {
                    0.12
                }
            }
            _ => ground,
        }
    })
}

fn stamp(image: &Picture, trigger: &Trigger) -> Picture {
    let mask = trigger.mask().values();
    let values = image
        .values()
        .iter()
        .zip(trigger.pattern().values())
        .enumerate()
        .map(|(index, (image, pattern))| {
            let mask = mask[index % mask.len()];
            (image * (1.0 - mask) + pattern * mask).clamp(0.0, 1.0)
        })
        .collect();
    Picture::new(image.shape(), values).unwrap()
}

/// Pictures for every unit of `report` that was reached: patches where they were tried, images
/// otherwise.
pub fn evidence(report: &Report) -> Evidence {
    let of_detection = |detection: &Detection| -> Vec<UnitEvidence> {
        let reached = detection.findings.iter();
        let reached = reached.filter(|finding| finding.statistic.is_some());
        let evidence = |finding| unit_evidence(&detection.name, finding);
        reached.map(evidence).collect()
    };
    Evidence {
        units: report.detectors.iter().flat_map(of_detection).collect(),
    }
}

fn unit_evidence(detector: &str, finding: &UnitFinding) -> UnitEvidence {
    let class = finding.class;
    let evidence = |recovered, examples| UnitEvidence {
        detector: detector.to_owned(),
        unit: finding.unit(),
        recovered,
        examples,
    };
    if finding.success_rate.is_none() {
        let image = picture(3, |channel, row, column| {
            noise(class + 50, channel, row, column)
        });
        return evidence(Recovered::Image(image), vec![]);
    }
    let side = (finding.statistic.unwrap_or(1.0).sqrt() as usize).min(12);
    let trigger = trigger(class, side);
    let example = |source: usize| {
        let before = sign(source);
        let after = stamp(&before, &trigger);
        let predicted_after = if source == 3 { source } else { class };
        Example {
            before,
            after,
            predicted_before: source,
            predicted_after,
            label: Some(source),
        }
    };
    let examples = (0..6)
        .filter(|&source| source != class && class < NAMES.len())
        .map(example)
        .collect();
    evidence(Recovered::Patch(trigger), examples)
}
