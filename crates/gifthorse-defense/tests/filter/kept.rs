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
