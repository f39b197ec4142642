//! The HTML page: every section is there, nothing is loaded from elsewhere, and no string gets out
//! of its place.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use crate::sample::{
    CLEAN, INFECTED, every_verdict, evidence, report, sign, trigger, two_witnesses,
};
use gifthorse_report::{
    Evidence, Report,
    evidence::Truth,
    html::{HtmlOptions, ScanPage, render, render_demo},
    report::{
        Branch, BranchScope, ClassVerdict, ModelOutput, OutputPart, TriggerFile, TriggerKind,
        Verdict,
    },
};

fn page(report: &Report, evidence: &Evidence) -> String {
    let page = ScanPage {
        title: "signs-v3.onnx",
        report,
        evidence,
        truth: None,
    };
    render(&page, HtmlOptions::default())
}

/// The page up to and from `mark`.
fn split<'a>(page: &'a str, mark: &str) -> (&'a str, &'a str) {
    page.split_once(mark)
        .unwrap_or_else(|| panic!("{mark:?} is missing"))
}

#[test]
fn sections_come_in_order_with_the_verdict_first() {
    let report = report(Verdict::Backdoored, &INFECTED);
    let page = page(&report, &evidence(&report));
    let mut rest = page.as_str();
    for mark in [
        "This model carries a backdoor.",
        "Why",
        "What to do next",
        ">Target classes</h2>",
        "Recovered trigger",
        "Mask",
        "Held-out images, before and after stamping",
        ">All classes</h2>",
        "<svg",
        "class=\"threshold\"",
        "class=\"target\"",
        "Triggers of the other classes",
        "Classes, the most suspicious first",
        "Statistics behind the verdict",
        "Published rules, applied as published",
        "Parameters of Neural Cleanse (Wang et al. 2019)",
        "Checks before the search",
        "--range 0..255",
        "Can its gradients be searched with?",
        ">Coverage</h2>",
        "Tested",
        "Not tested",
        "WaNet",
        ">Provenance</h2>",
        &report.model.sha256,
        &report.images.as_ref().unwrap().sha256,
        "Preprocessing",
        "18446744073709551615",
    ] {
        rest = split(rest, mark).1;
    }
    assert!(page.contains("gifthorse 0.1.0"));
}

#[test]
fn every_verdict_is_said_in_words_and_marked_by_more_than_colour() {
    let expected = [
        ("backdoored", "This model carries a backdoor.", "“stop”"),
        (
            "clean",
            "No backdoor was found.",
            "2.6\u{a0}% of the image (26.5 pixels)",
        ),
        (
            "inconclusive",
            "The scan cannot tell.",
            "zero for 97 % of the images",
        ),
    ];
    for (report, (word, headline, meaning)) in every_verdict().iter().zip(expected) {
        let page = page(report, &evidence(report));
        let header = split(split(&page, "<header").1, "</header>").0;
        assert!(
            header.contains(&format!("class=\"verdict {word}\"")),
            "{header}"
        );
        for text in [word, headline, meaning] {
            assert!(header.contains(text), "{text:?} is not in {header}");
        }
    }
}

#[test]
fn the_most_suspicious_class_comes_first() {
    let report = report(Verdict::Backdoored, &INFECTED);
    let page = page(&report, &evidence(&report));
    let table = split(&page, "Classes, the most suspicious first</caption>").1;
    let first = split(split(table, "<tbody>").1, "</tr>").0;
    assert!(
        first.contains("stop") && first.contains("target"),
        "{first}"
    );
    let thumbnails = split(split(&page, "Triggers of the other classes").1, "</ul>").0;
    assert!(!thumbnails.contains("“<bdi>stop</bdi>”"));
    let children = thumbnails.find("children crossing").unwrap();
    assert!(
        children < thumbnails.find("roadworks").unwrap(),
        "smaller triggers come first"
    );
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    for report in every_verdict().into_iter().chain([two_witnesses()]) {
        let page = page(&report, &evidence(&report));
        for forbidden in [
            "http:",
            "https:",
            "//",
            "<script",
            "<link",
            "<iframe",
            "@import",
            "url(",
            "javascript:",
            " on",
        ] {
            // Words like "trigger on grey" are text, not attributes.
            let found = match forbidden {
                " on" => ["onload=", "onclick=", "onerror="]
                    .iter()
                    .any(|event| page.contains(event)),
                "//" => page
                    .split("base64,")
                    .any(|part| split_data(part).contains("//")),
                _ => page.contains(forbidden),
            };
            assert!(!found, "{forbidden:?} is in the page");
        }
        let sources: Vec<_> = page
            .match_indices("src=\"")
            .map(|(at, _)| &page[at + 5..])
            .collect();
        assert!(
            sources
                .iter()
                .all(|source| source.starts_with("data:image/png;base64,"))
        );
        assert!(!page.contains("href=\"") || page.contains("href=\"#"));
        assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    }
}

#[test]
fn the_chart_is_well_formed_and_has_a_mark_for_each_class() {
    let report = report(Verdict::Backdoored, &INFECTED);
    let page = page(&report, &evidence(&report));
    let chart = split(split(&page, "<svg").1, "</svg>").0;
    for element in ["line", "circle", "polygon", "text", "title"] {
        let (open, close) = (format!("<{element}"), format!("</{element}>"));
        let (opened, closed) = (chart.matches(&open).count(), chart.matches(&close).count());
        assert!(
            opened == closed && opened > 0,
            "{element}: {opened} opened, {closed} closed"
        );
    }
    assert_eq!(chart.matches("<circle").count(), 11);
    assert_eq!(chart.matches("<polygon").count(), 1);
    let target = split(split(chart, "<polygon").1, "</polygon>").0;
    assert!(target.contains("stop (class 4): 9.8"), "{target}");
    let x = |part: &str| {
        split(split(part, "x1=\"").1, "\"")
            .0
            .parse::<f64>()
            .unwrap()
    };
    let threshold = x(split(chart, "line class=\"threshold\"").1);
    let median = x(split(chart, "line class=\"median\"").1);
    let circles = chart
        .split("cx=\"")
        .skip(1)
        .map(|rest| split(rest, "\"").0.parse::<f64>().unwrap());
    let leftmost = circles.fold(f64::INFINITY, f64::min);
    assert!(
        threshold < leftmost && leftmost < median,
        "{threshold} {leftmost} {median}"
    );
}

/// What follows the picture data that `part` starts with.
fn split_data(part: &str) -> &str {
    part.find('"').map_or(part, |end| &part[end..])
}

#[test]
fn hostile_strings_stay_text() {
    let attack = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>\u{202e}\u{1b}[2J\u{0}'";
    let mut report = report(Verdict::Backdoored, &INFECTED);
    let strings = [
        &mut report.model.path,
        &mut report.model.producer,
        &mut report.model.output,
        &mut report.model.input.name,
        &mut report.model.sha256,
        &mut report.preprocess.channels,
        &mut report.reasons[0],
        &mut report.coverage.tested[0],
        &mut report.coverage.not_tested[0],
        &mut report.started,
        &mut report.version,
    ];
    strings
        .into_iter()
        .for_each(|string| *string = attack.to_owned());
    let images = report.images.as_mut().unwrap();
    for text in [
        &mut images.path,
        &mut images.format,
        &mut images.warnings[0],
        &mut images.split,
    ] {
        *text = attack.to_owned();
    }
    images.labels = Some(attack.to_owned());
    images.class_names = Some(attack.to_owned());
    report.classes = vec![ClassVerdict {
        class: 4,
        name: attack.to_owned(),
        p_value: None,
        named: true,
        witnesses: vec![attack.to_owned()],
    }];
    report.preprocess.crop = Some(attack.to_owned());
    report.preprocess.resize = Some(attack.to_owned());
    let preflight = report.preflight.as_mut().unwrap();
    preflight.message = Some(attack.to_owned());
    preflight.alternatives[0].name = attack.to_owned();
    preflight.label_order.as_mut().unwrap().name = attack.to_owned();
    report.health.as_mut().unwrap().message = attack.to_owned();
    let detection = &mut report.detectors[0];
    detection.name = attack.to_owned();
    detection.title = attack.to_owned();
    detection.preset = attack.to_owned();
    detection.unit_statistic.name = attack.to_owned();
    detection.unit_statistic.unit = attack.to_owned();
    detection.unit_statistic.meaning = attack.to_owned();
    detection.measures[0].name = attack.to_owned();
    detection.measures[0].unit = attack.to_owned();
    detection.statistic_name = attack.to_owned();
    detection
        .parameters
        .insert(attack.to_owned(), attack.into());
    detection.published_rules[0].name = attack.to_owned();
    detection.published_rules[0].source = attack.to_owned();
    for finding in &mut detection.findings {
        finding.name = attack.to_owned();
        finding.trigger = Some(TriggerFile {
            path: attack.to_owned(),
            kind: TriggerKind::Patch,
        });
        for measure in &mut finding.measures {
            measure.name = attack.to_owned();
            measure.unit = attack.to_owned();
        }
    }
    let evidence = evidence(&report);
    let truth = Truth {
        backdoored: true,
        target: Some(4),
        trigger: Some(sign(1)),
    };
    let scan = ScanPage {
        title: attack,
        report: &report,
        evidence: &evidence,
        truth: Some(&truth),
    };
    for page in [
        render(&scan, HtmlOptions::default()),
        render_demo(&[scan, scan], HtmlOptions::default()),
    ] {
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        for raw in ["<script", "<img src=x", "\u{202e}", "\u{1b}", "\u{0}"] {
            assert!(!page.contains(raw), "{raw:?} got through");
        }
        assert!(page.contains("\\u{202e}\\u{1b}[2J\\u{0}"));
        // Every quote of the attack is escaped, so no attribute ends early.
        assert!(!page.contains("</script&gt;\""));
    }
}

#[test]
fn people_are_left_out_on_request_and_triggers_stay() {
    let report = report(Verdict::Backdoored, &INFECTED);
    let evidence = evidence(&report);
    let scan = ScanPage {
        title: "m",
        report: &report,
        evidence: &evidence,
        truth: None,
    };
    let with = render(&scan, HtmlOptions { images: true });
    let without = render(&scan, HtmlOptions { images: false });
    assert!(with.contains("clean image, taken for"));
    assert!(
        !without.contains("clean image, taken for")
            && !without.contains("stamped image, taken for")
    );
    assert!(
        without.contains("recovered trigger for")
            && without.contains("left out of this page on request")
    );
    // One trigger and one mask for the target, one trigger for each other class that was reached.
    assert_eq!(without.matches("<img").count(), 2 + 11);
    assert_eq!(with.matches("<img").count(), 2 + 11 + 2 * 5);
}

#[test]
fn every_picture_has_a_text_and_every_anchor_is_there_once() {
    let report = report(Verdict::Backdoored, &INFECTED);
    let evidence = evidence(&report);
    let truth = Truth {
        backdoored: true,
        target: Some(4),
        trigger: Some(trigger(4, 3).on_grey()),
    };
    let scan = ScanPage {
        title: "m",
        report: &report,
        evidence: &evidence,
        truth: Some(&truth),
    };
    let page = render_demo(&[scan, scan], HtmlOptions::default());
    assert_eq!(
        page.matches("<img").count(),
        page.matches(" alt=\"").count()
    );
    assert!(!page.contains("alt=\"\""));
    let ids: Vec<_> = page
        .split(" id=\"")
        .skip(1)
        .map(|rest| split(rest, "\"").0)
        .collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for reference in page
        .split("href=\"#")
        .chain(page.split("aria-labelledby=\""))
        .skip(1)
    {
        let id = split(reference, "\"").0;
        assert!(
            ids.contains(&id) || reference.starts_with("<!DOCTYPE"),
            "{id:?} leads nowhere"
        );
    }
    assert_eq!(page.matches("<h1").count(), 1);
}

#[test]
fn the_demo_shows_verdict_and_truth_side_by_side() {
    let (infected, clean) = (
        report(Verdict::Backdoored, &INFECTED),
        report(Verdict::Clean, &CLEAN),
    );
    let (infected_evidence, clean_evidence) = (evidence(&infected), evidence(&clean));
    let planted = Truth {
        backdoored: true,
        target: Some(4),
        trigger: Some(trigger(4, 3).on_grey()),
    };
    let nothing = Truth {
        backdoored: false,
        target: None,
        trigger: None,
    };
    let overview = |infected_truth: &Truth, clean_truth: &Truth| {
        let pages = [
            ScanPage {
                title: "infected.onnx",
                report: &infected,
                evidence: &infected_evidence,
                truth: Some(infected_truth),
            },
            ScanPage {
                title: "clean.onnx",
                report: &clean,
                evidence: &clean_evidence,
                truth: Some(clean_truth),
            },
        ];
        let page = render_demo(&pages, HtmlOptions::default());
        assert!(page.contains("Planted trigger") || !infected_truth.backdoored);
        split(split(&page, "Verdicts and truth</caption>").1, "</table>")
            .0
            .to_owned()
    };
    let right = overview(&planted, &nothing);
    assert_eq!(
        (
            right.matches(">right<").count(),
            right.matches(">wrong<").count()
        ),
        (2, 0)
    );
    let elsewhere = Truth {
        target: Some(5),
        ..planted.clone()
    };
    assert_eq!(overview(&elsewhere, &planted).matches(">wrong<").count(), 2);
}

#[test]
fn a_thousand_classes_give_a_light_page_with_all_of_them() {
    let mut norms: Vec<f64> = (0..1282)
        .map(|class| 40.0 + f64::from(class * 37 % 101))
        .collect();
    norms[4] = 6.0;
    let report = report(Verdict::Backdoored, &norms);
    let page = page(&report, &evidence(&report));
    assert!(page.matches("<img").count() < 60);
    assert!(page.contains("<details><summary>Table of all 1283 classes"));
    for class in [11, 700, 1281] {
        assert!(
            page.contains(&format!("person {class:04}")) || class == 11,
            "class {class} is missing"
        );
    }
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn degenerate_numbers_make_a_page() {
    let mut report = report(Verdict::Clean, &[0.0, f64::INFINITY, 1e-310, 1e300]);
    report.detectors[0].median = Some(f64::NAN);
    report.detectors[0].unit_threshold = Some(-3.0);
    report.detectors[0].findings[2].name = String::new();
    report.detectors.push(crate::sample::detection(&[], false));
    report
        .detectors
        .push(crate::sample::margins(&[-2.0, 0.0], false));
    report.images = None;
    report.preflight = None;
    report.health = None;
    let page = page(&report, &Evidence::default());
    assert!(page.contains("</html>") && !page.contains("=\"NaN") && !page.contains("=\"inf"));
}

#[test]
fn outputs_beside_the_scanned_one_are_listed() {
    let mut report = report(Verdict::Clean, &CLEAN);
    let output = |name: &str, part| ModelOutput {
        name: name.to_owned(),
        shape: None,
        looks: "scores of 7 classes".to_owned(),
        part,
    };
    report.model.outputs = vec![
        output("taken", OutputPart::Scanned),
        output("<i>sly", OutputPart::Unseen),
    ];
    let warning = report.model.unseen_warning().unwrap();
    assert!(warning.contains("`taken`") && warning.contains("--output <i>sly"));
    let others = (0..9).map(|at| output(&format!("label{at}"), OutputPart::Same));
    report.model.outputs.extend(others);
    let page = page(&report, &evidence(&report));
    for words in [
        "taken",
        "&lt;i&gt;sly",
        ", not scanned",
        "label6",
        "and 2 more",
    ] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    assert!(!page.contains("<i>sly") && !page.contains("label7"));
}

#[test]
fn nodes_that_decide_by_the_image_are_named_and_activations_counted() {
    let mut report = report(Verdict::Clean, &CLEAN);
    let page_of = |report: &Report| page(report, &evidence(report));
    assert!(page_of(&report).contains("nowhere"));
    let branch = |node: String, scope| Branch {
        node,
        operator: "Where".to_owned(),
        scope,
    };
    report.model.branches = vec![branch("<b>gate".to_owned(), BranchScope::Image)];
    report
        .model
        .branches
        .extend((0..9).map(|i| branch(format!("part{i}"), BranchScope::Region)));
    report
        .model
        .branches
        .extend((0..2).map(|i| branch(format!("leak{i}"), BranchScope::Element)));
    let page = page_of(&report);
    for words in [
        "&lt;b&gt;gate",
        "the whole image",
        "part6",
        "and 2 more",
        "2 nodes",
    ] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    for words in ["<b>gate", "part7", "leak0"] {
        assert!(!page.contains(words), "{words:?} is there");
    }
}

#[test]
fn each_detector_has_its_section_with_chart_pictures_and_columns_of_its_own() {
    let report = two_witnesses();
    let page = page(&report, &evidence(&report));
    let first = split(
        &page,
        ">All classes: Neural Cleanse (Wang et al. 2019)</h2>",
    )
    .1;
    let (first, second) = split(first, ">All classes: Largest margins (Nobody 2020)</h2>");
    let second = split(second, "</section>").0;
    for (section, there, elsewhere) in [
        (
            first,
            [
                "L1 norm of the mask in pixels, logarithmic",
                "the further left, the more suspicious",
                "Triggers of the other classes",
                ">norm (pixels)</th>",
                ">anomaly index</th>",
                ">held-out success</th>",
            ],
            ["logits", "margin", "probability"],
        ),
        (
            second,
            [
                "over the others in logits, logarithmic",
                "the further right, the more suspicious",
                "Images of the other classes",
                ">margin (logits)</th>",
                ">probability</th>",
                "58.7",
            ],
            ["norm", "pixels", "anomaly index"],
        ),
    ] {
        for text in there {
            assert!(section.contains(text), "{text:?} is missing");
        }
        for text in elsewhere {
            assert!(!section.contains(text), "{text:?} is of another detector");
        }
    }
    assert!(
        !second.contains("success"),
        "nothing was stamped, so there are no rates"
    );
    let chart = split(second, "<figcaption").0;
    let at = |mark: &str| -> f64 {
        let after = split(split(chart, mark).1, "\"").0;
        after
            .trim_start_matches("points=\"")
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    let circles = chart.split("cx=\"").skip(1);
    let rightmost = circles.map(|rest| split(rest, "\"").0.parse::<f64>().unwrap());
    let rightmost = rightmost.fold(0.0, f64::max);
    let threshold = at("line class=\"threshold\" x1=\"");
    let target: f64 = {
        let points = split(split(chart, "points=\"").1, "\"").0;
        points.split(',').next().unwrap().parse().unwrap()
    };
    assert!(
        rightmost < threshold && threshold < target,
        "{rightmost} {threshold} {target}"
    );
}

#[test]
fn the_head_names_the_accused_classes_and_who_speaks_against_them() {
    let report = two_witnesses();
    let page = page(&report, &evidence(&report));
    let head = split(split(&page, "<header").1, "</header>").0;
    let table = split(
        split(head, "Classes, by all detectors together</caption>").1,
        "</table>",
    )
    .0;
    let rows: Vec<_> = split(table, "<tbody>").1.split("</tr>").collect();
    assert!(rows[0].contains("stop") && rows[0].contains("4e-4") && rows[0].contains("yes"));
    assert!(rows[0].contains("Neural Cleanse (Wang et al. 2019), Largest margins (Nobody 2020)"));
    assert!(rows[1].contains("children crossing") && rows[1].contains("no"));
    assert!(rows[1].contains("Largest margins") && !rows[1].contains("Neural Cleanse"));
    assert!(!table.contains("danger"));
}

#[test]
fn a_card_shows_what_every_detector_recovered() {
    let report = two_witnesses();
    let page = page(&report, &evidence(&report));
    let card = split(split(&page, ">Target classes</h2>").1, "</section>").0;
    let (patch, image) = split(card, "Largest margins (Nobody 2020)");
    assert!(patch.contains("Recovered trigger, on grey") && patch.contains("before and after"));
    assert!(
        image.contains("Image with the largest margin found"),
        "{image}"
    );
    assert!(!image.contains("before and after") && !image.contains("Success on"));
    assert_eq!(card.matches(">witness<").count(), 2);
}

#[test]
fn a_scan_without_images_says_so_and_speaks_of_no_trigger_that_was_not_searched() {
    let mut report = two_witnesses();
    report.detectors.remove(0);
    report.classes[4].witnesses = vec!["margins".to_owned()];
    report.images = None;
    report.preflight = None;
    report.health = None;
    report.coverage.tested = vec![];
    report.coverage.not_tested = vec![];
    report.reasons = vec![];
    let page = page(&report, &evidence(&report));
    let text = split(&page, "<body").1;
    assert!(text.contains("The scan had no images to check this with."));
    assert!(text.contains("None: the scan used the model alone."));
    for word in [
        "norm of the mask",
        "recovered trigger",
        "stamped image",
        "replays",
    ] {
        assert!(!text.contains(word), "{word:?} is of another method");
    }
}
