//! The driver knows detectors only by their trait: it keeps, resumes, stops and eliminates the
//! searches of one that merely counts its steps.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use gifthorse_defense::Error;
use gifthorse_defense::detect::{About, Detector, Published, UnitStatistic};
use gifthorse_defense::finding::{Finding, Findings, State, Unit};
use gifthorse_defense::search::{
    Early, KeepNothing, Keeper, KeeperError, Kept, Next, Observer, Search, Silent, Stage, search,
};
use gifthorse_defense::subject::Subject;
use gifthorse_defense::verdict::{Conviction, Statistic, Tail};
use serde_json::Value;

use crate::bench::{Bench, Counter, Memory, timeless};

/// Steps of a search to the end.
const STEPS: usize = 7;
/// Updates in a step.
const UPDATES: usize = 3;

const ABOUT: About = About {
    name: "counting",
    title: "Counting",
    tested: "nothing at {targets}",
    not_tested: &[],
    statistic: UnitStatistic {
        name: "count",
        meaning: "steps made",
        found: "counted to a number",
        unit: "steps",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    by_margins: false,
    needs_images: false,
    presets: &["standard"],
};

/// Searches a pair of classes, the model and as many classes as it is told to.
#[derive(Debug)]
struct Counting {
    classes: usize,
    /// Steps that were made by all searches together.
    made: AtomicUsize,
    /// Whether a few steps decide who is searched to the end.
    eliminates: bool,
}

impl Counting {
    fn new(classes: usize, eliminates: bool) -> Self {
        Self {
            classes,
            made: AtomicUsize::new(0),
            eliminates,
        }
    }

    fn run(&self, observer: &dyn Observer, keeper: &dyn Keeper) -> Result<Findings, Error> {
        let bench = Bench::new(3, None);
        let subject = Subject {
            images: None,
            ..bench.subject()
        };
        search(self, &subject, &self.units(3), observer, keeper)
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

/// So many steps of one unit.
struct Count<'a> {
    detector: &'a Counting,
    unit: Unit,
    steps: usize,
}

impl Search for Count<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let more = steps.min(STEPS - self.steps);
        self.steps += more;
        self.detector.made.fetch_add(more, Ordering::SeqCst);
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.steps == STEPS
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn updates(&self) -> usize {
        UPDATES * self.steps
    }

    /// The higher its number, the further ahead is a class.
    fn standing(&self, _: usize) -> f64 {
        -(self.unit.target().unwrap_or(0) as f64)
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&(self.unit, self.steps))?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        Ok(self.unfinished(State::Reached))
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            statistic: self.steps as f64,
            updates: self.updates(),
            ..Finding::skipped(self.unit)
        }
    }
}

impl Detector for Counting {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        "standard"
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::new()
    }

    fn units(&self, _: usize) -> Vec<Unit> {
        let pair = Unit::Pair {
            source: 1,
            target: 0,
        };
        let classes = (0..self.classes).map(Unit::Class);
        classes.chain([pair, Unit::Model]).collect()
    }

    fn begin<'a>(&'a self, _: &Subject<'a>, unit: Unit) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(Count {
            detector: self,
            unit,
            steps: 0,
        }))
    }

    fn resume<'a>(
        &'a self,
        _: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let (of, steps): (Unit, usize) = serde_json::from_str(kept)?;
        assert_eq!(of, unit, "the driver mixed two searches up");
        Ok(Box::new(Count {
            detector: self,
            unit,
            steps,
        }))
    }

    fn early(&self, units: usize, _: usize) -> Option<Box<dyn Early>> {
        let short = Self::new(self.classes, false);
        (self.eliminates && units > FINALISTS + SAMPLE).then(|| Box::new(Ahead(short)) as _)
    }

    fn most_updates(&self) -> usize {
        UPDATES * STEPS
    }

    fn batch(&self) -> usize {
        1
    }

    fn held_bytes(&self, _: [usize; 3], _: usize, _: usize) -> usize {
        0
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}

/// Units that go on because they are ahead, and units drawn from the rest.
const FINALISTS: usize = 2;
const SAMPLE: usize = 1;

/// One step for all, a second one for the first half of them.
struct Ahead(Counting);

impl Early for Ahead {
    fn detector(&self) -> &dyn Detector {
        &self.0
    }

    fn next(&self, units: usize, tops: &[Vec<Unit>]) -> Next {
        match tops.len() {
            0 => Next::Go { units, steps: 1 },
            1 => Next::Go {
                units: units / 2,
                steps: 2,
            },
            _ => Next::Done,
        }
    }

    fn finalists(&self) -> usize {
        FINALISTS
    }

    fn sample(&self) -> usize {
        SAMPLE
    }
}

#[test]
fn units_of_any_kind_are_searched_in_their_order() {
    let counting = Counting::new(2, false);
    let findings = counting.run(&Silent, &KeepNothing).unwrap();
    let units: Vec<Unit> = findings.units.iter().map(|found| found.unit).collect();
    assert_eq!(units, counting.units(3));
    assert!(findings.sampled.is_empty());
    for found in &findings.units {
        let numbers = (found.state, found.statistic, found.updates);
        assert_eq!(numbers, (State::Reached, STEPS as f64, STEPS * UPDATES));
    }
    assert_eq!(counting.made(), 4 * STEPS);
}

#[test]
fn it_stops_between_two_steps_and_goes_on_without_making_one_twice() {
    let memory = Memory::default();
    let counting = Counting::new(2, false);
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    // After the first unit and a part of the second.
    let portion = STEPS + 3;
    let stopped = one_thread
        .install(|| counting.run(&Counter::new(portion), &memory))
        .unwrap();
    assert_eq!(counting.made(), portion);
    let states: Vec<(State, usize)> = stopped
        .units
        .iter()
        .map(|found| (found.state, found.updates))
        .collect();
    let expected = [
        (State::Reached, UPDATES * STEPS),
        (State::Skipped, UPDATES * 3),
        (State::Skipped, 0),
        (State::Skipped, 0),
    ];
    assert_eq!(states, expected);
    assert_eq!(memory.finished_units(), 1);

    let resumed = counting.run(&Silent, &memory).unwrap();
    assert_eq!(counting.made(), 4 * STEPS);
    let whole = Counting::new(2, false).run(&Silent, &KeepNothing).unwrap();
    assert_eq!(timeless(resumed.units), timeless(whole.units));
    assert_eq!(memory.finished_units(), 4);

    let again = counting.run(&Silent, &memory).unwrap();
    assert_eq!(counting.made(), 4 * STEPS);
    assert!(again.units.iter().all(|found| found.state.has_ended()));
}

#[test]
fn those_ahead_and_a_sample_are_searched_to_the_end() {
    let counting = Counting::new(6, true);
    let findings = counting.run(&Silent, &KeepNothing).unwrap();
    let units = |state| -> Vec<&Finding> {
        let of = findings.units.iter().filter(|found| found.state == state);
        of.collect()
    };
    let ended: Vec<Unit> = units(State::Reached).iter().map(|f| f.unit).collect();
    assert_eq!(findings.sampled.len(), SAMPLE);
    assert_eq!(findings.stand_ins(), findings.sampled);
    assert_eq!(ended.len(), FINALISTS + SAMPLE);
    for ahead in [4, 5].map(Unit::Class) {
        assert!(ended.contains(&ahead) && !findings.sampled.contains(&ahead));
    }
    assert_eq!(findings.eliminated(), 8 - FINALISTS - SAMPLE);
    for left in units(State::Eliminated) {
        // The first half made a second step; of it two are finalists, and one may be in the sample.
        let second = matches!(left.unit, Unit::Class(2 | 3));
        assert_eq!(
            left.updates,
            UPDATES * if second { 2 } else { 1 },
            "{left:?}"
        );
    }
    // The searches to the end begin anew; the steps of the short ones are another detector's.
    assert_eq!(counting.made(), STEPS * (FINALISTS + SAMPLE));
}

#[test]
fn a_kept_finding_of_another_unit_is_refused() {
    struct Mixed;
    impl Keeper for Mixed {
        fn load(&self, _: Stage, _: Unit) -> Result<Option<Kept>, KeeperError> {
            let of_another = Finding::skipped(Unit::Class(9));
            Ok(Some(Kept::Finding(Box::new(of_another))))
        }
        fn keep(&self, _: Stage, _: Unit, _: &str) -> Result<(), KeeperError> {
            Ok(())
        }
        fn finished(&self, _: Stage, _: &Finding) -> Result<(), KeeperError> {
            Ok(())
        }
        fn interval(&self) -> std::time::Duration {
            std::time::Duration::MAX
        }
    }
    let error = Counting::new(2, false).run(&Silent, &Mixed).unwrap_err();
    assert!(matches!(error, Error::KeptFinding { .. }), "{error}");
}
