//! Which class a word means.

use std::collections::HashMap;

use crate::MAX_CLASSES;
use crate::class_name_file::ClassNames;

/// The number that a word is, if it is one: `3`, `03` or, as tables with holes have it, `3.0`.
pub(super) fn index(word: &str) -> Option<usize> {
    let digits = match word.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        _ => word,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Whether a word is a number, but not that of a class: it is no label, and no name either.
pub(crate) fn is_odd_number(word: &str) -> bool {
    let digits = word.bytes().any(|byte| byte.is_ascii_digit());
    let others = |byte: u8| !byte.is_ascii_digit() && !b"+-.eE".contains(&byte);
    let number = digits && !word.bytes().any(others) && word.parse::<f64>().is_ok();
    number && index(word).is_none_or(|index| index >= MAX_CLASSES)
}

/// The words that classes are called by.
pub(crate) struct Words<'a> {
    names: &'a ClassNames,
    /// Classes by what they are called exactly; `None` if several are called so.
    exact: HashMap<&'a str, Option<usize>>,
    /// Likewise by their names without regard to case and to what stands between words, and by
    /// parts of names that have commas in them.
    near: HashMap<String, Option<usize>>,
}

impl<'a> Words<'a> {
    pub fn new(names: &'a ClassNames) -> Self {
        let mut words = Self {
            names,
            exact: HashMap::new(),
            near: HashMap::new(),
        };
        let own = names.names.iter().enumerate();
        let aliases = names.aliases.iter().map(|(class, alias)| (*class, alias));
        for (class, name) in own.chain(aliases).filter(|(_, name)| !name.is_empty()) {
            add(&mut words.exact, name.as_str(), class);
            add(&mut words.near, plain(name), class);
            if name.contains(',') {
                for part in name.split(',') {
                    add(&mut words.near, plain(part), class);
                }
            }
        }
        words
    }

    /// The class that is called so, if it is one alone.
    pub fn class(&self, word: &str) -> Option<usize> {
        match self.exact.get(word) {
            Some(class) => *class,
            None => self.near.get(&plain(word)).copied().flatten(),
        }
    }

    /// The first few names, for an error message.
    pub fn first(&self) -> String {
        let names = self.names.names.iter().take(3).map(String::as_str);
        names.collect::<Vec<_>>().join(", ")
    }
}

fn add<K: Eq + std::hash::Hash>(words: &mut HashMap<K, Option<usize>>, word: K, class: usize) {
    let known = words.entry(word).or_insert(Some(class));
    if *known != Some(class) {
        *known = None;
    }
}

fn plain(word: &str) -> String {
    let words = word.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole() {
        let numbers = ["3", "03", "3.0", "3.", "-1", "3.5", "", "three", ".0"];
        let read = [
            Some(3),
            Some(3),
            Some(3),
            Some(3),
            None,
            None,
            None,
            None,
            None,
        ];
        assert_eq!(numbers.map(index), read);
    }

    #[test]
    fn classes_are_found_by_what_they_are_called() {
        let names = ClassNames {
            names: ["Give way", "stop", "crane, bird", "crane, machine", "STOP!"]
                .map(str::to_owned)
                .into(),
            aliases: vec![(1, "n00000001".to_owned())],
        };
        let words = Words::new(&names);
        for (word, class) in [
            ("Give way", Some(0)),
            ("give_way", Some(0)),
            ("n00000001", Some(1)),
            ("bird", Some(2)),
            ("crane", None),
            ("go", None),
            ("", None),
        ] {
            assert_eq!(words.class(word), class, "{word}");
        }
    }
}
