//! A search that was laid by and taken up again, or shared among other threads, ends the same in
//! every bit.

use gifthorse_defense::Error;
use gifthorse_defense::detect::mm_bd::{
    ClassSearch, Config, Preset, SNAPSHOT_VERSION, Snapshot, Task,
};
use gifthorse_defense::search::Search;
use serde_json::Value;

use crate::bench::{End, net, searched, timeless};

#[test]
fn portions_and_snapshots_change_no_bit() {
    let classifier = net(&[3], End::Logits);
    for preset in [Preset::Standard, Preset::Paper] {
        let config = Config::preset(preset);
        let task = Task {
            classifier: &classifier,
            config: &config,
            seed: 4,
        };
        for class in [0, 3] {
            let mut straight = ClassSearch::new(task, class);
            straight.advance(usize::MAX).unwrap();
            let mut broken = ClassSearch::new(task, class);
            for portion in [0, 1, 7, 2, 13].into_iter().cycle() {
                broken.advance(portion).unwrap();
                let text = broken.snapshot().unwrap();
                let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
                assert_eq!(snapshot, broken.at_rest());
                broken = ClassSearch::resume(task, class, snapshot).unwrap();
                if broken.has_ended() {
                    break;
                }
            }
            let finding = |search: ClassSearch| timeless(vec![search.finding().unwrap()]);
            assert_eq!(finding(straight), finding(broken));
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let classifier = net(&[3], End::Logits);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let search = || searched(&classifier, Preset::Standard, 7);
        timeless(pool.unwrap().install(search))
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert_eq!(one, on(16));
}

#[test]
fn what_belongs_to_another_search_is_refused() {
    let (classifier, config) = (net(&[3], End::Logits), Config::preset(Preset::Standard));
    let task = Task {
        classifier: &classifier,
        config: &config,
        seed: 4,
    };
    let mut search = ClassSearch::new(task, 1);
    search.advance(1).unwrap();
    let whole = serde_json::to_value(search.at_rest()).unwrap();
    let refused = |task: Task<'_>, class: usize, value: Value| {
        let resumed = ClassSearch::resume(task, class, serde_json::from_value(value).unwrap());
        matches!(resumed, Err(Error::Snapshot(_)))
    };
    assert!(!refused(task, 1, whole.clone()));
    assert!(refused(task, 2, whole.clone()));
    assert!(refused(Task { seed: 5, ..task }, 1, whole.clone()));
    let fewer = Config {
        starts: 3,
        ..config.clone()
    };
    let other = Task {
        config: &fewer,
        ..task
    };
    assert!(refused(other, 1, whole.clone()));
    for (part, value) in [
        ("version", Value::from(SNAPSHOT_VERSION + 1)),
        ("pixels", Value::from("AAAAAA==")),
        ("best", Value::from("AAAAAA==")),
        ("starts", Value::Array(Vec::new())),
    ] {
        let mut damaged = whole.clone();
        damaged[part] = value;
        assert!(refused(task, 1, damaged), "{part}");
    }
}
