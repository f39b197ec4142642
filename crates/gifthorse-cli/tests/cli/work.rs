//! A scan that is killed or stopped goes on from its work folder and reports what an uninterrupted
//! one does.

use std::fs;
use std::time::Duration;

use gifthorse_report::Report;
use gifthorse_report::report::FindingState;

use crate::bench::{Bench, CLASSES, Kind, Run};

/// One detector, so that a folder holds one file for each class.
const SCAN: &str = "scan bad.onnx --images images --detector neural_cleanse --json";
/// How the files of full searches begin.
const FULL: &str = "neural_cleanse-full-class-";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 25, |class| class.to_string());
    bench
}

fn timeless(run: &Run) -> Report {
    Report::from_json(&run.out()).unwrap().without_times()
}

/// Contents of the classes' files in the folder `work`, without what is not yet whole.
fn kept(bench: &Bench) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(bench.path("work")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let classes = names.filter(|name| name.starts_with(FULL) && !name.ends_with(".new"));
    let mut kept: Vec<_> = classes
        .map(|name| {
            let text = fs::read_to_string(bench.path("work").join(&name)).unwrap();
            (name, text)
        })
        .collect();
    kept.sort();
    kept
}

fn under_way(kept: &[(String, String)]) -> usize {
    let under_way = |(_, text): &&(String, String)| text.contains("\n{\"search\":");
    kept.iter().filter(under_way).count()
}

#[test]
fn a_killed_scan_goes_on_and_gives_the_same_report() {
    let bench = bench();
    let whole = timeless(&bench.run(SCAN).expect(1));

    let mut scan = bench.start(&format!("{SCAN} --work work"));
    while kept(&bench).len() < 2 {
        assert!(scan.try_wait().unwrap().is_none(), "nothing was kept");
        std::thread::sleep(Duration::from_millis(2));
    }
    scan.kill().unwrap();
    scan.wait().unwrap();
    let at_death = kept(&bench);
    assert!(at_death.len() < CLASSES, "it was killed too late");

    // The dead scan's lock does not hold, nor does what it left half written.
    bench.write(&format!("work/{FULL}0.new"), "half");
    let resumed = bench.run(&format!("{SCAN} --work work")).expect(1);
    let begun = format!("{} of {CLASSES} searches are there", at_death.len());
    let resumed = resumed.says(&["going on with the scan kept", &begun]);
    assert!(!resumed.err().contains("warning"), "{}", resumed.err());
    assert_eq!(timeless(&resumed), whole);

    let at_end = kept(&bench);
    assert_eq!((at_end.len(), under_way(&at_end)), (CLASSES, 0));
    let again = bench.run(&format!("{SCAN} --work work")).expect(1);
    assert_eq!(timeless(&again), whole);
    assert_eq!(kept(&bench), at_end);
}

#[test]
fn a_scan_in_portions_of_time_gives_the_same_report() {
    let bench = bench();
    let whole = timeless(&bench.run(SCAN).expect(1));
    // How far a portion comes depends on the machine, so that a portion may end between two searches:
    // longer and longer ones until one has ended within a search, anew with other lengths if none has.
    let interrupted = (0..6).any(|attempt| {
        let _ = fs::remove_dir_all(bench.path("work"));
        let mut seconds = 0.1 * 1.1f64.powi(attempt);
        loop {
            let run = bench.run(&format!("{SCAN} --work work --max-time {seconds}s"));
            let report = Report::from_json(&run.out()).unwrap();
            let mut findings = report.detectors[0].findings.iter();
            if findings.all(|found| found.state != FindingState::Skipped) {
                break false;
            }
            if under_way(&kept(&bench)) > 0 {
                break true;
            }
            seconds *= 1.25;
        }
    });
    assert!(interrupted, "it was never interrupted within a search");
    let rest = bench.run(&format!("{SCAN} --work work"));
    assert_eq!(timeless(&rest), whole);
}

#[test]
fn a_damaged_class_is_searched_again() {
    let bench = bench();
    let scan = format!("{SCAN} --classes 2,5,6 --work work");
    let whole = timeless(&bench.run(&scan));
    let before = kept(&bench);
    let [cut, flipped] = ["2", "5"].map(|class| bench.path(&format!("work/{FULL}{class}")));
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let mut bytes = fs::read(&flipped).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&flipped, bytes).unwrap();

    let run = bench.run(&scan);
    let run = run.says(&[
        "warning: the search of class-2 starts again",
        "warning: the search of class-5 starts again",
        "full-class-5 does not match its checksum",
    ]);
    assert!(!run.err().contains("class-6 starts"), "{}", run.err());
    assert_eq!(timeless(&run), whole);
    let after = kept(&bench);
    assert_eq!(after[2], before[2], "class 6 was kept as it was");

    // What says whose scan it is cannot be searched again.
    bench.write("work/scan", "half");
    bench
        .run(&scan)
        .expect(2)
        .says(&["does not say which scan it holds", "remove it"]);
}

#[test]
fn a_folder_is_one_scan_s_alone() {
    let bench = bench();
    let scan = "scan bad.onnx --images images --detector neural_cleanse --classes 2 --max-time 0s --work work";
    bench.run(scan).expect(3);
    for (more, says) in [
        ("--seed 7", "its seed is 0, now 7"),
        (
            "--preset paper",
            "its setting patience of neural_cleanse is 4, now 10",
        ),
        ("--max-images 40", "SHA-256 of the images and labels"),
    ] {
        let run = bench.run(&format!("{scan} {more}")).expect(2);
        run.says(&["holds another scan", says, "a folder of its own (--work)"]);
    }
    let other = scan.replace("--classes 2", "--classes 2,3");
    bench
        .run(&other)
        .expect(2)
        .says(&["its classes is 2, now 2,3"]);
    bench.model("other.onnx", Kind::Clean);
    let other = scan.replace("bad.onnx", "other.onnx");
    bench
        .run(&other)
        .expect(2)
        .says(&["SHA-256 of the model file"]);
    // More time is the same scan.
    bench.run(&scan.replace("0s", "0.001s")).expect(3);

    let lock = fs::File::open(bench.path("work/lock")).unwrap();
    lock.lock().unwrap();
    bench
        .run(scan)
        .expect(2)
        .says(&["another scan is using the folder work now"]);
    drop(lock);
    bench.run(scan).expect(3);

    let other = scan.replace("--work work", "--work images");
    bench
        .run(&other)
        .expect(2)
        .says(&["the folder images holds", "but no scan"]);
}
