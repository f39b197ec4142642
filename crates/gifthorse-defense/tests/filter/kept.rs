//! Filters that are kept and taken up again.

use gifthorse_defense::Error;
use gifthorse_defense::filter::{FILTERS, named};
use serde_json::{Value, json};

use crate::subject::{Subject, scores};

#[test]
fn a_filter_taken_up_again_gives_the_same_scores() {
    let subject = Subject::new(true);
    let images = subject.bench.proof.subset(&(0..60).collect::<Vec<_>>());
    for row in &FILTERS {
        let name = row.about.name;
        let score = subject.fitted(name, subject.known());
        // As a file holds it.
        let text = score.keep().unwrap().to_string();
        let kept: Value = serde_json::from_str(&text).unwrap();
        let again = named(name).unwrap().restore(kept, &subject.held()).unwrap();
        let first = scores(&*score, images.pixels());
        assert_eq!(first, scores(&*again, images.pixels()), "{name}");
        // What is said of an image hangs on no other.
        let size = images.shape().values();
        let alone = scores(&*score, &images.pixels()[..size]);
        assert!(
            (alone[0] - first[0]).abs() <= 1e-4 * first[0].abs().max(1.0),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_kept_filter_is_refused() {
    let subject = Subject::new(false);
    for row in &FILTERS {
        let filter = named(row.about.name).unwrap();
        for kept in [
            Value::Null,
            json!({}),
            json!([1, 2]),
            json!({"layer": "nowhere", "raised": []}),
        ] {
            let refused = filter.restore(kept, &subject.held());
            assert!(
                matches!(
                    refused.err(),
                    Some(Error::KeptFilter { .. } | Error::Engine(_))
                ),
                "{}",
                row.about.name
            );
        }
    }
}

/// Other values in the place of one.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(-1),
            json!(0),
            json!(1e300),
            json!(u64::MAX),
            Value::Null,
        ],
        Value::String(_) => vec![json!(""), json!("AADAfw=="), json!("combined")],
        Value::Array(items) => vec![json!([]), json!([items.clone(), items.clone()].concat())],
        _ => vec![Value::Null],
    }
}

/// The paths of all values within one, as JSON pointers.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Array(items) => {
            // The first few stand for all.
            for (at, item) in items.iter().enumerate().take(3) {
                paths(item, &format!("{path}/{at}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                paths(field, &format!("{path}/{name}"), found);
            }
        }
        _ => (),
    }
}

#[test]
fn a_changed_file_is_refused_or_gives_scores() {
    let subject = Subject::new(true);
    let images = subject.bench.proof.subset(&[0, 1]);
    for row in &FILTERS {
        let name = row.about.name;
        let whole = subject.fitted(name, subject.known()).keep().unwrap();
        let mut found = Vec::new();
        paths(&whole, "", &mut found);
        for path in found {
            for other in others(whole.pointer(&path).unwrap()) {
                let mut kept = whole.clone();
                *kept.pointer_mut(&path).unwrap() = other;
                let Ok(score) = named(name).unwrap().restore(kept, &subject.held()) else {
                    continue;
                };
                let scored = score.score(images.pixels()).unwrap();
                assert_eq!(scored.len(), 2, "{name}{path}");
                assert!(scored.iter().all(|it| !it.score.is_nan()), "{name}{path}");
            }
        }
    }
}
