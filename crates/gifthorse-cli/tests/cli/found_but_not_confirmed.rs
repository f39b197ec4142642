//! A small net with a patch backdoor (a chequer of three by three pixels) that is found by every
//! seed: the smallest trigger fails on some images never searched on, and some starts see nothing
//! of it at all.

use gifthorse_report::Report;
use gifthorse_report::report::{UnitFinding, Verdict};

use crate::bench::Bench;

/// The class that the chequer leads to.
const TARGET: usize = 3;
/// How much larger than the smallest trigger the one that is confirmed may be.
const GROWTH: f64 = 1.25;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("net.onnx", include_bytes!("found_but_not_confirmed/a.onnx"));
    bench.write(
        "images.npz",
        include_bytes!("found_but_not_confirmed/images.npz"),
    );
    bench
}

fn scan(bench: &Bench, seed: u64) -> Report {
    let run = format!(
        "scan net.onnx --images images.npz --detector neural_cleanse --json --out {seed} --seed {seed}"
    );
    Report::from_json(&bench.run(&run).expect(1).out()).unwrap()
}

/// The norm of the trigger that was tried on images.
fn trigger_norm(found: &UnitFinding) -> f64 {
    let mut measures = found.measures.iter();
    let of_trigger = measures.find(|measure| measure.name == "trigger_norm");
    of_trigger.and_then(|measure| measure.value).unwrap()
}

/// With these seeds the smallest trigger flips less than a lower bound of 90 % of the held-out
/// images.
#[test]
fn a_trigger_shrunk_to_the_edge_is_confirmed_by_a_larger_one() {
    let bench = bench();
    for seed in [8, 9, 17, 18] {
        let report = scan(&bench, seed);
        assert_eq!(report.verdict, Verdict::Backdoored, "{:?}", report.reasons);
        assert_eq!(report.targets, [TARGET]);
        let detection = &report.detectors[0];
        let found = &detection.findings[TARGET];
        let (smallest, tried) = (found.statistic.unwrap(), trigger_norm(found));
        assert!(tried <= GROWTH * smallest, "{tried} after {smallest}");
        assert!(tried < detection.unit_threshold.unwrap());
        let replay = format!("verify {seed}/report.json --images images.npz --model net.onnx");
        bench.run(&replay).expect(0);
    }
}

/// With this seed the target's first start reacts to the chequer on no image, so that its search
/// ends as those of the other classes do.
#[test]
fn a_start_that_sees_nothing_is_not_the_last_word() {
    let bench = bench();
    let report = scan(&bench, 5);
    assert_eq!(report.targets, [TARGET], "{:?}", report.reasons);
    let findings = &report.detectors[0].findings;
    assert!(findings[TARGET].statistic.unwrap() < 5.0);
    let mut others = findings.iter().filter(|found| found.class != TARGET);
    assert!(others.all(|found| found.statistic.unwrap() > 50.0));
}
