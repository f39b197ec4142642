//! The ways in which labels are numbered: by what they are called, in an order that is given, or
//! sorted.

use std::collections::HashMap;

use super::sorted::Sorted;
use super::words::{self, Words, is_odd_number};
use super::{Known, Numbered, is_from_one};
use crate::MAX_CLASSES;
use crate::class_name_file::ClassNames;
use crate::note::Note;

/// Labels to be numbered.
pub(super) struct Labels<'a> {
    pub calls: &'a [String],
    pub cells: bool,
    pub used: &'a [bool],
}

impl Labels<'_> {
    /// Finds out what the names say: names of classes, class indices, or nothing but their order.
    pub fn as_named(&self, known: &Known<'_>) -> Result<Numbered, String> {
        if let Some(names) = known.names
            && let Some(numbered) = self.among(names)?
        {
            return Ok(numbered);
        }
        self.check_indices()?;
        let numbers = self.numbers();
        let classes = known.classes.or(known.names.map(|names| names.names.len()));
        if self.all_used(|place| numbers[place].is_some()) {
            let largest = self.places().filter_map(|place| numbers[place]).max();
            // A table of numbers has indices; folders may be numbered otherwise.
            let fit = classes.is_some_and(|n| largest.is_none_or(|largest| largest < n));
            let from_one = known
                .classes
                .is_some_and(|n| is_from_one(n, self.used_of(&numbers)));
            if fit || self.cells && !from_one {
                return Ok(Numbered {
                    class_of: numbers,
                    note: None,
                });
            }
            let from_one = from_one || classes.is_some() && classes == largest;
            if from_one && !numbers.contains(&Some(0)) {
                return Ok(Numbered {
                    class_of: numbers
                        .iter()
                        .map(|it| it.and_then(|n| n.checked_sub(1)))
                        .collect(),
                    note: Some(Note::FromOne),
                });
            }
        } else if self.cells && self.places().any(|place| numbers[place].is_some()) {
            let place = self.places().find(|&place| numbers[place].is_none());
            let call = place.map_or("", |place| self.calls[place].as_str());
            return Err(format!(
                "{call:?} is neither a class index nor a class name; names of classes are understood if they are \
                 given too (--class-names)"
            ));
        }
        let by = match self.all_numbers(&numbers) {
            true => Sorted::Value,
            false => Sorted::Text,
        };
        Ok(self.sorted(by, known.classes))
    }

    /// Refuses numbers in a table that are no indices, such as -1 for a picture without a label.
    fn check_indices(&self) -> Result<(), String> {
        let odd = |place: &usize| is_odd_number(&self.calls[*place]);
        match self.places().filter(|_| self.cells).find(odd) {
            Some(place) => Err(format!("{:?} is not a class index", self.calls[place])),
            None => Ok(()),
        }
    }

    /// The labels as names of classes, where at least one is such a name; in a table, numbers among
    /// them are indices.
    fn among(&self, names: &ClassNames) -> Result<Option<Numbered>, String> {
        let words = Words::new(names);
        let class_of: Vec<Option<usize>> =
            self.calls.iter().map(|call| words.class(call)).collect();
        let some = self.places().any(|place| class_of[place].is_some());
        let numbers = self.numbers();
        let numbered = self.all_used(|place| numbers[place].is_some());
        let all = self.all_used(|place| class_of[place].is_some());
        if !some && (!self.cells || numbered) || numbered && !all {
            return Ok(None);
        }
        let class = |place: usize| {
            let index = numbers[place].filter(|_| self.cells);
            match class_of[place].or(index) {
                None if self.used[place] => Err(format!(
                    "{:?} is not among the names of the classes, {} ...; names that are neither a class index nor a class \
                     name cannot be placed",
                    self.calls[place],
                    words.first()
                )),
                class => Ok(class),
            }
        };
        let class_of: Vec<_> = (0..self.calls.len()).map(class).collect::<Result<_, _>>()?;
        self.check_apart(&class_of)?;
        Ok(Some(Numbered {
            class_of,
            note: None,
        }))
    }

    pub fn as_listed(&self, order: &[String]) -> Result<Numbered, String> {
        let names = ClassNames {
            names: order.to_vec(),
            aliases: Vec::new(),
        };
        let words = Words::new(&names);
        let class = |place: usize| match words.class(&self.calls[place]) {
            None if self.used[place] => Err(format!(
                "the order of the labels (--label-order) does not have {:?}",
                self.calls[place]
            )),
            class => Ok(class),
        };
        let class_of: Vec<_> = (0..self.calls.len()).map(class).collect::<Result<_, _>>()?;
        self.check_apart(&class_of)?;
        Ok(Numbered {
            class_of,
            note: None,
        })
    }

    /// Refuses two folders of one class, such as `Stop` and `stop`; in a table these are one.
    fn check_apart(&self, class_of: &[Option<usize>]) -> Result<(), String> {
        let mut folder_of = HashMap::new();
        for place in self.places().filter(|_| !self.cells) {
            if let Some(other) = class_of[place].and_then(|class| folder_of.insert(class, place)) {
                return Err(format!(
                    "{:?} and {:?} are both class {}",
                    self.calls[other],
                    self.calls[place],
                    class_of[place].unwrap_or_default()
                ));
            }
        }
        Ok(())
    }

    pub fn sorted(&self, by: Sorted, classes: Option<usize>) -> Numbered {
        let numbers = self.numbers();
        let kept: Vec<usize> = (0..self.calls.len())
            .filter(|&place| self.used[place] || !self.is_aside(&numbers, classes))
            .collect();
        let calls: Vec<&str> = kept
            .iter()
            .map(|&place| self.calls[place].as_str())
            .collect();
        let mut class_of = vec![None; self.calls.len()];
        for (&place, class) in kept.iter().zip(by.classes(&calls, classes)) {
            class_of[place] = Some(class);
        }
        // Numbers that stand for themselves need no word.
        let plain = (0..self.calls.len()).all(|place| class_of[place] == numbers[place]);
        let mut order: Vec<(usize, &str)> = kept
            .iter()
            .filter_map(|&place| Some((class_of[place]?, self.calls[place].as_str())))
            .collect();
        order.sort_unstable();
        let order = order
            .into_iter()
            .map(|(class, call)| (class, call.to_owned()));
        Numbered {
            note: (!plain).then(|| Note::Sorted {
                by: by.in_words(),
                labels: order.collect(),
                cells: self.cells,
                classes,
            }),
            class_of,
        }
    }

    /// Whether folders without pictures are no classes: the others are as many as the model has
    /// classes, and no numbering says otherwise.
    fn is_aside(&self, numbers: &[Option<usize>], classes: Option<usize>) -> bool {
        !self.all_numbers(numbers) && classes == Some(self.places().count())
    }

    /// The class index that each is the number of, where no two are the same number.
    fn numbers(&self) -> Vec<Option<usize>> {
        let index = |call: &String| words::index(call).filter(|&index| index < MAX_CLASSES);
        let numbers: Vec<_> = self.calls.iter().map(index).collect();
        let mut seen: Vec<usize> = numbers.iter().flatten().copied().collect();
        seen.sort_unstable();
        // Two names for one number (`1` and `01`) are no numbering; in a table they are the same.
        if !self.cells && seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return vec![None; self.calls.len()];
        }
        numbers
    }

    fn all_numbers(&self, numbers: &[Option<usize>]) -> bool {
        numbers.iter().all(Option::is_some)
    }

    /// The numbers of labels that have images.
    fn used_of(&self, numbers: &[Option<usize>]) -> impl Iterator<Item = usize> {
        self.places().filter_map(|place| numbers[place])
    }

    /// Places of labels that have images.
    fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.calls.len()).filter(|&place| self.used[place])
    }

    fn all_used(&self, is: impl Fn(usize) -> bool) -> bool {
        self.places().all(is)
    }
}
