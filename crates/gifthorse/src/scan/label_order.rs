//! What to type where the labels are in another order than the model's classes.

use gifthorse_data::LabelOrder;
use gifthorse_defense::preflight_stats::Permutation;

/// Labels that are named one by one.
const NAMED: usize = 8;
/// Labels that a command line may list.
const LISTED: usize = 100;

/// The labels that stand for other classes than their own, the first ones in words. `calls` is what
/// the image set calls the labels 0, 1, ...
pub fn moved(order: &Permutation, calls: &[String]) -> String {
    let other = order.class_of_label.iter().enumerate();
    let other = other.filter(|(label, class)| label != *class && *label < calls.len());
    let count = other.clone().count();
    let in_words = |(label, class): (usize, &usize)| {
        let call = match &calls[label] {
            number if number.parse::<usize>().is_ok() => format!("label {number}"),
            name => name.clone(),
        };
        format!("{call} is the model's class {class}")
    };
    let mut words: Vec<String> = other.take(NAMED).map(in_words).collect();
    if count > NAMED {
        words.push("...".to_owned());
    }
    words.join(", ")
}

/// The flag under which the labels are as the model has them.
pub fn flag(order: &Permutation, calls: &[String]) -> String {
    let mut listed = vec![String::new(); order.class_of_label.len()];
    for (&class, call) in order.class_of_label.iter().zip(calls) {
        listed[class].clone_from(call);
    }
    let order = LabelOrder::of(listed);
    match &order {
        LabelOrder::Listed(labels) if labels.len() > LISTED => {
            "--label-order FILE, a file of one label a line in the order of the model's classes"
                .to_owned()
        }
        _ => format!("--label-order {}", quoted(&order.to_string())),
    }
}

/// A word of a command line that no shell takes apart.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-.,+@%/".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(class_of_label: &[usize]) -> Permutation {
        Permutation {
            class_of_label: class_of_label.to_vec(),
            known: None,
            accuracy_before: 0.0,
            accuracy_after: 1.0,
            p_value: 0.0,
        }
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_order_is_a_flag() {
        for (class_of_label, calls, words) in [
            (
                &[1, 3, 2, 0][..],
                &["apple", "banana", "cherry", "grape"][..],
                "grape,apple,cherry,banana",
            ),
            (&[2, 1, 0], &["0", "1", "2"], "2,1,0"),
            (&[1, 0], &["give way", "it's"], "'it'\\''s,give way'"),
            (&[1, 0, 2], &["a", "b"], "b,a,"),
            (&[1, 0], &["c10", "c2"], "value"),
        ] {
            let found = flag(&order(class_of_label), &strings(calls));
            assert_eq!(found, format!("--label-order {words}"));
        }
        let many: Vec<usize> = (0..200).rev().collect();
        let calls: Vec<String> = (0..200).map(|label| label.to_string()).collect();
        assert!(flag(&order(&many), &calls).contains("FILE"));
        assert!(moved(&order(&many), &calls).ends_with("..."));
    }

    #[test]
    fn each_label_that_moves_is_named() {
        let found = moved(&order(&[1, 0, 2]), &strings(&["apple", "7", "pear"]));
        assert_eq!(
            found,
            "apple is the model's class 1, label 7 is the model's class 0"
        );
    }
}
