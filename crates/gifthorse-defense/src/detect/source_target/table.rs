//! The norms of all pairs of classes, and how far one stands out.

use crate::detect::umd::Pair;
use crate::verdict::median;

/// Rounds in which rows and columns are centred in turn; medians settle in a few.
const ROUNDS: usize = 20;

/// A value for each ordered pair of some classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The classes, in order.
    classes: Vec<usize>,
    /// `[source, target]`, by the places of classes; nothing on the diagonal.
    values: Vec<Option<f64>>,
}

impl Table {
    /// Of the logarithms of the norms of all pairs of these classes; `None` if one is missing or
    /// not positive.
    pub fn new(classes: &[usize], norms: impl Iterator<Item = (Pair, f64)>) -> Option<Self> {
        let mut table = Self {
            classes: classes.to_vec(),
            values: vec![None; classes.len() * classes.len()],
        };
        for (pair, norm) in norms {
            let place = table.place(pair)?;
            table.values[place] = Some(norm.ln()).filter(|log| log.is_finite());
        }
        let known = table.values.iter().flatten().count();
        (known == classes.len() * classes.len().saturating_sub(1)).then_some(table)
    }

    /// How far each pair's norm is below what those of others let expect, on a logarithmic scale:
    /// the larger, the more the pair stands out. The sum of two distances:
    ///
    /// - of the norm from what the other targets of its source and the other sources of its target
    ///   let expect, by a median polish: classes that are easy to leave or to reach do not count;
    /// - of its distance from the norm of the way back, beside how much harder the source and the
    ///   target are to reach than to leave: two classes that are near one another by nature are so
    ///   both ways.
    pub fn strengths(&self) -> Self {
        let (own, ways) = (self.polished(), self.beside_the_way_back());
        let parts = own.values.iter().zip(&ways.values);
        let sums = parts.map(|(own, ways)| Some(-((*own)? + (*ways)?)));
        Self {
            values: sums.collect(),
            ..self.clone()
        }
    }

    /// The value of a pair; `None` of one that is not in the table.
    pub fn of(&self, pair: Pair) -> Option<f64> {
        self.values[self.place(pair)?]
    }

    /// What is left of the values once what each row and each column have in common is taken away.
    fn polished(&self) -> Self {
        let count = self.classes.len();
        let mut left = self.clone();
        for _ in 0..ROUNDS {
            let rows: Vec<f64> = (0..count).map(|source| left.row(source)).collect();
            left = left.less(|source, _| rows[source]);
            let turned = left.turned();
            let columns: Vec<f64> = (0..count).map(|target| turned.row(target)).collect();
            left = left.less(|_, target| columns[target]);
        }
        left
    }

    /// By how much each value differs from that of the way back, less what is due to either class:
    /// numbers u, one for each class, such that the differences are about `u[source] - u[target]`.
    fn beside_the_way_back(&self) -> Self {
        let count = self.classes.len();
        let back = self.turned();
        let difference = self.less(|source, target| back.at(source, target).unwrap_or(0.0));
        let mut of_class = vec![0.0; count];
        for _ in 0..ROUNDS {
            for class in 0..count {
                of_class[class] = difference.less(|_, target| -of_class[target]).row(class);
            }
        }
        difference.less(|source, target| of_class[source] - of_class[target])
    }

    /// The median of a row.
    fn row(&self, source: usize) -> f64 {
        let targets = 0..self.classes.len();
        let known = targets.filter_map(|target| self.at(source, target));
        median(known.collect()).unwrap_or(0.0)
    }

    fn turned(&self) -> Self {
        let count = self.classes.len();
        let turned = (0..count * count).map(|place| self.at(place % count, place / count));
        Self {
            values: turned.collect(),
            ..self.clone()
        }
    }

    fn less(&self, by: impl Fn(usize, usize) -> f64) -> Self {
        let count = self.classes.len();
        let values = self.values.iter().enumerate();
        let less = values.map(|(place, value)| Some((*value)? - by(place / count, place % count)));
        Self {
            values: less.collect(),
            ..self.clone()
        }
    }

    fn at(&self, source: usize, target: usize) -> Option<f64> {
        self.values[source * self.classes.len() + target]
    }

    fn place(&self, pair: Pair) -> Option<usize> {
        let of = |class| self.classes.binary_search(&class).ok();
        Some(of(pair.source)? * self.classes.len() + of(pair.target)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [usize; 6] = [0, 1, 2, 4, 5, 9];

    /// Norms that are the product of how hard the source is to leave, how hard the target is to
    /// reach, and how far apart the two are, which is the same both ways; and some of their own.
    fn strengths(own: impl Fn(Pair) -> f64) -> Table {
        let norm = |pair: Pair| {
            let leave = 10.0 + pair.source as f64;
            let reach = 1.0 + 0.3 * (pair.target * pair.target % 7) as f64;
            let apart = 1.0 + 0.1 * (pair.source * pair.target % 5) as f64;
            leave * reach * apart * own(pair)
        };
        let pairs = CLASSES.iter().flat_map(|&source| {
            let targets = CLASSES.into_iter().filter(move |&target| target != source);
            targets.map(move |target| Pair { source, target })
        });
        Table::new(&CLASSES, pairs.map(|pair| (pair, norm(pair))))
            .unwrap()
            .strengths()
    }

    /// The pair that stands out most, and how much further than the next.
    fn first(strengths: &Table) -> (Pair, f64) {
        let pairs = CLASSES
            .iter()
            .flat_map(|&source| CLASSES.iter().map(move |&target| Pair { source, target }));
        let mut known: Vec<(f64, Pair)> = pairs
            .filter_map(|pair| Some((strengths.of(pair)?, pair)))
            .collect();
        known.sort_by(|a, b| b.0.total_cmp(&a.0));
        (known[0].1, known[0].0 - known[1].0)
    }

    fn is(pair: Pair, source: usize, target: usize) -> bool {
        pair == Pair { source, target }
    }

    #[test]
    fn a_way_that_is_short_in_one_direction_stands_out_and_not_one_that_is_in_both() {
        let one_way = strengths(|pair| if is(pair, 4, 9) { 0.3 } else { 1.0 });
        let (pair, lead) = first(&one_way);
        assert!(is(pair, 4, 9) && lead > 1.0, "{pair:?} {lead}");
        let both_ways = |pair| is(pair, 4, 9) || is(pair, 9, 4);
        let both = strengths(|pair| if both_ways(pair) { 0.3 } else { 1.0 });
        let pair = Pair {
            source: 4,
            target: 9,
        };
        assert!(both.of(pair).unwrap() < one_way.of(pair).unwrap() - 0.9);
    }

    #[test]
    fn of_two_sources_of_a_target_both_stand_out() {
        let of_two = strengths(|pair| {
            if is(pair, 4, 9) || is(pair, 1, 9) {
                0.3
            } else {
                1.0
            }
        });
        let rest = strengths(|_| 1.0);
        for source in [1, 4] {
            let pair = Pair { source, target: 9 };
            assert!(
                of_two.of(pair).unwrap() > rest.of(pair).unwrap() + 1.5,
                "{source}"
            );
        }
    }

    #[test]
    fn without_a_norm_for_each_pair_there_is_no_table() {
        let pair = |source, target| Pair { source, target };
        let known = [(pair(1, 2), 3.0), (pair(2, 1), 4.0)];
        assert!(Table::new(&[1, 2], known.into_iter()).is_some());
        assert_eq!(Table::new(&[1, 2], known.into_iter().take(1)), None);
        assert_eq!(Table::new(&[1, 3], known.into_iter()), None);
        let zero = [(pair(1, 2), 0.0), (pair(2, 1), 4.0)];
        assert_eq!(Table::new(&[1, 2], zero.into_iter()), None);
    }
}
