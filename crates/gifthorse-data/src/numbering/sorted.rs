//! Classes by the order of their names.

use std::collections::HashMap;

use super::words::index;
use crate::label_order::by_value;

/// By what names are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorted {
    /// Byte by byte.
    Text,
    /// Numbers in them as numbers.
    Value,
}

impl Sorted {
    /// The class of each of `calls`, which differ: its place among them or, where all are numbers of
    /// classes of the model, its place among all those numbers, so that a class without images
    /// shifts no other.
    pub fn classes(self, calls: &[&str], classes: Option<usize>) -> Vec<usize> {
        let plain = |call: &&str| index(call).is_some_and(|index| index.to_string() == **call);
        let below = |call: &&str| index(call) < classes;
        let all: Vec<String> = match classes {
            Some(n) if calls.iter().all(|call| plain(call) && below(call)) => {
                (0..n).map(|class| class.to_string()).collect()
            }
            _ => calls.iter().map(|&call| call.to_owned()).collect(),
        };
        let mut order: Vec<&str> = all.iter().map(String::as_str).collect();
        match self {
            Self::Text => order.sort_unstable(),
            Self::Value => order.sort_by(|a, b| by_value(a, b)),
        }
        let place: HashMap<&str, usize> = order.into_iter().zip(0..).collect();
        calls.iter().map(|call| place[call]).collect()
    }

    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "as text",
            Self::Value => "by value",
        }
    }
}
