//! A search that was laid by and taken up again ends as if it had never stopped.

use gifthorse_defense::Error;
use gifthorse_defense::detect::neural_cleanse::{Aim, ClassSearch, SNAPSHOT_VERSION, Snapshot};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::search::{
    KeepNothing, Keeper, KeeperError, Kept, Search, Silent, SnapshotError, Stage,
};
use serde_json::Value;

use crate::bench::{Bench, Counter, Memory, timeless};

#[test]
fn portions_and_snapshots_change_no_bit() {
    let bench = Bench::new(6, Some(2));
    for class in [0, 2] {
        let mut straight = ClassSearch::new(bench.task(), Aim::To(class)).unwrap();
        straight.advance(usize::MAX).unwrap();
        assert!(straight.has_ended());

        let mut broken = ClassSearch::new(bench.task(), Aim::To(class)).unwrap();
        for portion in [0, 1, 7, 2, 13].into_iter().cycle() {
            broken.advance(portion).unwrap();
            let text = broken.snapshot().unwrap();
            let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
            assert_eq!(snapshot, broken.at_rest());
            broken = ClassSearch::resume(bench.task(), Aim::To(class), snapshot).unwrap();
            if broken.has_ended() {
                break;
            }
        }
        assert_eq!(straight.trace(), broken.trace());
        let updates = straight.trace().len() * 4;
        let findings = |search: ClassSearch| timeless(vec![search.finding().unwrap()]);
        let (straight, broken) = (findings(straight), findings(broken));
        assert_eq!(straight, broken);
        assert_eq!(straight[0].state, State::Reached);
        assert_eq!(straight[0].updates, updates);
    }
}

#[test]
fn an_interrupted_scan_goes_on_and_gives_the_same() {
    let bench = Bench::new(6, Some(2));
    let all = Counter::new(usize::MAX);
    let whole = timeless(bench.search(&all, &KeepNothing).unwrap().units);

    let memory = Memory::default();
    let mut made = 0;
    let mut interruptions = 0;
    let resumed = loop {
        let counter = Counter::new(100);
        let findings = bench.search(&counter, &memory).unwrap().units;
        made += counter.count();
        if findings
            .iter()
            .all(|finding| finding.state != State::Skipped)
        {
            break timeless(findings);
        }
        interruptions += 1;
    };
    assert!(interruptions > 1);
    assert_eq!(whole, resumed);
    assert_eq!(made, all.count(), "steps were made twice or left out");
    assert_eq!(memory.finished_units(), 6);

    let again = Counter::new(usize::MAX);
    let kept = bench.search(&again, &memory).unwrap().units;
    assert_eq!((timeless(kept), again.count()), (whole, 0));
}

fn snapshot(bench: &Bench) -> Snapshot {
    let mut search = ClassSearch::new(bench.task(), Aim::To(1)).unwrap();
    search.advance(3).unwrap();
    search.at_rest()
}

fn refusal(bench: &Bench, class: usize, snapshot: Snapshot) -> SnapshotError {
    match ClassSearch::resume(bench.task(), Aim::To(class), snapshot) {
        Err(Error::Snapshot(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn what_belongs_to_another_search_is_refused() {
    let bench = Bench::new(4, None);
    let kept = snapshot(&bench);
    let differs = |refusal| match refusal {
        SnapshotError::OtherSearch { what, .. } => what,
        other => panic!("{other}"),
    };
    assert_eq!(differs(refusal(&bench, 2, kept.clone())), "class");

    let mut other = Bench::new(4, None);
    other.seed = 4;
    assert_eq!(differs(refusal(&other, 1, kept.clone())), "seed");

    let mut other = Bench::new(4, None);
    other.config.learning_rate = 0.05;
    assert_eq!(differs(refusal(&other, 1, kept.clone())), "setting");

    let mut other = Bench::new(4, None);
    other.config.exclude_target = false;
    assert_eq!(differs(refusal(&other, 1, kept)), "number of images");
}

#[test]
fn what_is_damaged_is_refused() {
    let bench = Bench::new(4, None);
    let kept = serde_json::to_value(snapshot(&bench)).unwrap();
    let with = |path: &str, value: Value| {
        let mut changed = kept.clone();
        *changed.pointer_mut(path).unwrap() = value;
        refusal(&bench, 1, serde_json::from_value(changed).unwrap())
    };
    assert_eq!(
        with("/version", (SNAPSHOT_VERSION + 1).into()),
        SnapshotError::Version {
            found: SNAPSHOT_VERSION + 1,
            known: SNAPSHOT_VERSION,
        }
    );
    for (path, value) in [
        ("/mask", "AACAPw==".into()),
        ("/pattern", "".into()),
        ("/pattern_moments/second", "".into()),
        ("/mask_moments/steps", 0.into()),
        ("/queue", serde_json::json!([18])),
    ] {
        let refusal = with(path, value);
        assert!(
            matches!(
                refusal,
                SnapshotError::Damaged {
                    unit: Unit::Class(1),
                    ..
                }
            ),
            "{path}: {refusal}"
        );
    }
}

#[test]
fn a_keeper_that_fails_ends_the_search() {
    struct Full;
    impl Keeper for Full {
        fn load(&self, _: Stage, _: Unit) -> Result<Option<Kept>, KeeperError> {
            Ok(None)
        }
        fn keep(&self, _: Stage, _: Unit, _: &str) -> Result<(), KeeperError> {
            Ok(())
        }
        fn finished(&self, _: Stage, _: &Finding) -> Result<(), KeeperError> {
            Err("the disk is full".into())
        }
        fn interval(&self) -> std::time::Duration {
            std::time::Duration::MAX
        }
    }
    let bench = Bench::new(3, None);
    let error = bench.search(&Silent, &Full).unwrap_err();
    assert!(matches!(&error, Error::Keeper { source, .. } if source.to_string().contains("full")));
}
