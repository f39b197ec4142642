use proptest::prelude::*;

use super::*;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Numbers folders that all have pictures.
fn folders(
    calls: &[&str],
    names: &[&str],
    classes: Option<usize>,
    order: LabelOrder,
) -> Result<Numbered, String> {
    let names = (!names.is_empty()).then(|| ClassNames {
        names: strings(names),
        aliases: Vec::new(),
    });
    let known = Known {
        names: names.as_ref(),
        classes,
        order: &order,
    };
    number(&strings(calls), false, &vec![true; calls.len()], &known)
}

fn classes(numbered: Result<Numbered, String>) -> Vec<usize> {
    numbered.unwrap().class_of.into_iter().flatten().collect()
}

#[test]
fn numbers_below_the_classes_are_classes() {
    let gap = folders(&["0", "1", "3"], &[], Some(4), LabelOrder::Auto).unwrap();
    assert_eq!(
        (gap.class_of, gap.note),
        (vec![Some(0), Some(1), Some(3)], None)
    );
    let padded = folders(
        &["00000", "00010", "00002"],
        &[],
        Some(12),
        LabelOrder::Auto,
    );
    assert_eq!(classes(padded), [0, 10, 2]);
    let without_zero = folders(&["1", "2"], &[], Some(4), LabelOrder::Auto);
    assert_eq!(classes(without_zero), [1, 2]);
}

#[test]
fn numbers_from_one_to_the_classes_are_one_lower() {
    let from_one = folders(&["1", "2", "4"], &[], Some(4), LabelOrder::Auto).unwrap();
    assert_eq!(from_one.class_of, [Some(0), Some(1), Some(3)]);
    assert_eq!(from_one.note, Some(Note::FromOne));
    // A folder 0 without pictures is a class too, and then there is one too many.
    let calls = strings(&["0", "1", "2"]);
    let known = Known {
        names: None,
        classes: Some(2),
        order: &LabelOrder::Auto,
    };
    let from_zero = number(&calls, false, &[false, true, true], &known).unwrap();
    assert_eq!(from_zero.class_of, [Some(0), Some(1), Some(2)]);
}

#[test]
fn other_numbers_are_sorted_by_value_and_told() {
    let years = folders(&["100", "20", "3"], &[], Some(3), LabelOrder::Auto).unwrap();
    assert_eq!(years.class_of, [Some(2), Some(1), Some(0)]);
    assert!(years.note.unwrap().to_string().contains("by value"));
    // Two names of one number are no numbering.
    let twice = folders(&["1", "01", "0"], &[], Some(3), LabelOrder::Auto);
    assert_eq!(classes(twice), [2, 1, 0]);
    // Nobody knows how many classes there are.
    assert_eq!(
        classes(folders(&["2", "5"], &[], None, LabelOrder::Auto)),
        [0, 1]
    );
}

#[test]
fn names_of_classes_have_their_index_whatever_their_order() {
    let names = ["grape", "apple", "cherry", "banana"];
    let named = folders(
        &["apple", "Banana", "grape"],
        &names,
        Some(4),
        LabelOrder::Auto,
    )
    .unwrap();
    assert_eq!(
        (named.class_of, named.note),
        (vec![Some(1), Some(3), Some(0)], None)
    );
    let refused = folders(&["apple", "kiwi"], &names, Some(4), LabelOrder::Auto);
    assert!(refused.unwrap_err().contains("kiwi"));
    // Numbered folders beside names are numbers.
    assert_eq!(
        classes(folders(&["0", "3"], &names, Some(4), LabelOrder::Auto)),
        [0, 3]
    );
    // Names that are no names of folders are only to be shown.
    let other = folders(&["n2", "n1"], &names, Some(2), LabelOrder::Auto).unwrap();
    assert_eq!(other.class_of, [Some(1), Some(0)]);
    assert!(other.note.is_some());
}

#[test]
fn names_alone_are_sorted_and_told() {
    let sorted = folders(&["pear", "apple"], &[], Some(3), LabelOrder::Auto).unwrap();
    assert_eq!(sorted.class_of, [Some(1), Some(0)]);
    let told = sorted.note.unwrap().to_string();
    assert!(
        told.contains("apple is 0, pear is 1") && told.contains("fewer"),
        "{told}"
    );
}

#[test]
fn the_user_decides_on_the_order() {
    let calls = ["10", "2", "0"];
    assert_eq!(
        classes(folders(&calls, &[], Some(12), LabelOrder::Text)),
        [2, 4, 0]
    );
    assert_eq!(
        classes(folders(&calls, &[], None, LabelOrder::Text)),
        [1, 2, 0]
    );
    assert_eq!(
        classes(folders(&calls, &[], Some(12), LabelOrder::Value)),
        [10, 2, 0]
    );
    assert_eq!(
        classes(folders(&["c10", "c2"], &[], Some(2), LabelOrder::Value)),
        [1, 0]
    );
    let listed = LabelOrder::Listed(strings(&["0", "", "10", "2"]));
    assert_eq!(
        classes(folders(&calls, &["x"], Some(12), listed)),
        [2, 3, 0]
    );
    let short = LabelOrder::Listed(strings(&["0", "10"]));
    assert!(
        folders(&calls, &[], Some(12), short)
            .unwrap_err()
            .contains("\"2\"")
    );
}

#[test]
fn numbers_in_tables_are_indices_and_mixtures_need_names() {
    let cells = |calls: &[&str], names: Option<&ClassNames>| {
        let known = Known {
            names,
            classes: Some(3),
            order: &LabelOrder::Auto,
        };
        number(&strings(calls), true, &vec![true; calls.len()], &known)
    };
    // One that the model does not have is for the caller to refuse.
    assert_eq!(classes(cells(&["7", "1.0"], None)), [7, 1]);
    assert_eq!(classes(cells(&["stop", "go"], None)), [1, 0]);
    assert!(cells(&["1", "go"], None).unwrap_err().contains("go"));
    // Numbers that are no indices are no names either.
    for odd in ["-1", "1.5", "99999999999999999999", "1048576"] {
        assert!(cells(&[odd], None).unwrap_err().contains(odd));
        assert!(cells(&[odd, "2"], None).unwrap_err().contains(odd));
    }
    let names = ClassNames {
        names: strings(&["stop", "go"]),
        aliases: Vec::new(),
    };
    assert_eq!(classes(cells(&["1", "stop"], Some(&names))), [1, 0]);
    assert!(cells(&["wait", "halt"], Some(&names)).is_err());
}

#[test]
fn empty_folders_beside_all_classes_are_none() {
    let calls = strings(&["apple", "docs", "pear"]);
    let known = |classes| Known {
        names: None,
        classes,
        order: &LabelOrder::Auto,
    };
    let used = [true, false, true];
    let two = number(&calls, false, &used, &known(Some(2))).unwrap();
    assert_eq!(two.class_of, [Some(0), None, Some(1)]);
    let three = number(&calls, false, &used, &known(Some(3))).unwrap();
    assert_eq!(three.class_of, [Some(0), Some(1), Some(2)]);
}

#[test]
fn plain_numbers_follow_an_order_that_is_given() {
    let order = LabelOrder::Listed(strings(&["2", "0", "1"]));
    let known = Known {
        names: None,
        classes: Some(3),
        order: &order,
    };
    let all = renumber(&[true; 3], &known).unwrap();
    assert_eq!(all, [Some(1), Some(2), Some(0)]);
    // A number that no image has need not be listed.
    let some = LabelOrder::Listed(strings(&["2", "0"]));
    let known = Known {
        order: &some,
        ..known
    };
    let found = renumber(&[true, false, true], &known).unwrap();
    assert_eq!(found, [Some(1), None, Some(0)]);
    assert!(renumber(&[true; 3], &known).unwrap_err().contains("\"1\""));
}

proptest! {
    #[test]
    fn different_labels_get_different_classes_or_an_error(
        calls in proptest::collection::hash_set("[a-c0-2]{1,3}", 1..6),
        names in proptest::collection::vec("[a-c0-2]{1,2}", 0..4),
        classes in proptest::option::of(0usize..40),
        order in 0..3,
    ) {
        let calls: Vec<String> = calls.into_iter().collect();
        let names = ClassNames { names, aliases: Vec::new() };
        let order = [LabelOrder::Auto, LabelOrder::Text, LabelOrder::Value][order as usize].clone();
        let known = Known { names: (!names.names.is_empty()).then_some(&names), classes, order: &order };
        if let Ok(numbered) = number(&calls, false, &vec![true; calls.len()], &known) {
            let mut found: Vec<usize> = numbered.class_of.into_iter().flatten().collect();
            prop_assert_eq!(found.len(), calls.len());
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found.len(), calls.len());
        }
    }
}
