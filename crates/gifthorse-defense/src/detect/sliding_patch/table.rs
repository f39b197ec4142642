//! The table of classes and places, and what stands out of it.

use super::images::Led;
use crate::verdict::median;

/// Rounds in which rows and columns are centred in turn; medians settle in a few.
const ROUNDS: usize = 20;
/// What a median deviation has to be multiplied with to be the deviation of a normal distribution.
const NORMAL: f64 = 1.4826;
/// Other classes that a cell is compared with, at least.
const FEWEST_OTHERS: usize = 3;
/// A class that is led to the same one by this share of the distance has the same backdoor, if
/// there is one.
const ALIKE: f64 = 0.5;
/// What part the variance of the whole table has beside that of the cells nearby, whose number is
/// small.
const WHOLE: f64 = 0.05;

/// How far images are led at each place, for each class that is searched from or led to.
pub struct Table<'a> {
    /// `[classes, rows of places, columns of places]`.
    pub cells: &'a [Led],
    /// Places.
    pub places: usize,
    /// Columns of places.
    pub columns: usize,
    /// The distance, in logits, at which clean images lie from the next class.
    pub margin: f64,
}

impl Table<'_> {
    /// How far each cell lies above what its row and its column let expect, in units of how far
    /// other classes lie from theirs at that place and those around it: a spread that is larger in
    /// the middle of things than beside them; less where images are not led as far as clean images
    /// lie from the next class, by a factor of e for each such distance that is wanting. Empty where
    /// all classes are alike at all places.
    pub fn prominence(&self) -> Vec<f64> {
        let left = self.polished();
        // Of a model whose classes are exact copies of one another most cells have nothing left.
        let usual = Some(deviation(&left).powi(2)).filter(|&it| it > 0.0);
        let whole = usual.unwrap_or_else(|| mean_square(left.iter()));
        if whole == 0.0 {
            return Vec::new();
        }
        let rows: Vec<f64> = left.chunks(self.places).map(deviation).collect();
        let usual = median(rows.clone()).unwrap_or(0.0);
        let cells = self.cells.iter().zip(&left).enumerate();
        let prominence = cells.map(|(cell, (led, &above))| {
            let near = self.near(&left, cell);
            // A class of which all places are unequal has more cells that lie far above.
            let unequal = match usual > 0.0 {
                true => (rows[cell / self.places] / usual).max(1.0),
                false => 1.0,
            };
            let scale = (near + WHOLE * whole).sqrt() * unequal;
            let short = (led.by / self.margin.max(f64::MIN_POSITIVE) - 1.0).min(0.0);
            above / scale * short.exp()
        });
        prominence.collect()
    }

    /// The mean square of what is left in the cells of other classes at this place and those around
    /// it.
    fn near(&self, left: &[f64], cell: usize) -> f64 {
        let (class, place) = (cell / self.places, cell % self.places);
        let classes = self.cells.len() / self.places;
        let led = self.cells[cell];
        let alike = |other: usize| {
            let there = self.cells[other * self.places + place];
            there.to == led.to && there.by > ALIKE * led.by
        };
        let others = (0..classes).filter(|&other| other != class);
        let mut unlike: Vec<usize> = others.clone().filter(|&other| !alike(other)).collect();
        if unlike.len() < FEWEST_OTHERS {
            unlike = others.collect();
        }
        let around = self.around(place);
        let row = |&other: &usize| {
            around
                .iter()
                .map(move |near| &left[other * self.places + near])
        };
        mean_square(unlike.iter().flat_map(row))
    }

    /// A place and those that touch it.
    fn around(&self, place: usize) -> Vec<usize> {
        let (row, column) = (place / self.columns, place % self.columns);
        let rows = row.saturating_sub(1)..=(row + 1).min(self.places / self.columns - 1);
        let columns = column.saturating_sub(1)..=(column + 1).min(self.columns - 1);
        let of = |row: usize| {
            columns
                .clone()
                .map(move |column| row * self.columns + column)
        };
        rows.flat_map(of).collect()
    }

    /// What is left of the distances once what each row and each column have in common is taken
    /// away.
    fn polished(&self) -> Vec<f64> {
        let places = self.places;
        let mut left: Vec<f64> = self.cells.iter().map(|led| led.by).collect();
        for _ in 0..ROUNDS {
            for row in left.chunks_mut(places) {
                let middle = median(row.to_vec()).unwrap_or(0.0);
                row.iter_mut().for_each(|value| *value -= middle);
            }
            for place in 0..places {
                let column = left.iter().skip(place).step_by(places).copied();
                let middle = median(column.collect()).unwrap_or(0.0);
                let column = left.iter_mut().skip(place).step_by(places);
                column.for_each(|value| *value -= middle);
            }
        }
        left
    }
}

fn mean_square<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let squares: Vec<f64> = values.map(|value| value.powi(2)).collect();
    squares.iter().sum::<f64>() / squares.len().max(1) as f64
}

/// The median deviation from 0, as that of a normal distribution.
fn deviation(values: &[f64]) -> f64 {
    let sizes = values.iter().map(|value| value.abs());
    NORMAL * median(sizes.collect()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: usize = 8;
    const PLACES: usize = 16;
    const PLANTED: usize = 3 * PLACES + 12;

    /// Classes of which some are easier to leave, places of which those in the middle move more,
    /// and the more unequally, and a little of each cell's own.
    fn cells() -> Vec<Led> {
        let cell = |cell: usize| {
            let (class, place) = (cell / PLACES, cell % PLACES);
            let middle = if [5, 6, 9, 10].contains(&place) {
                2.0
            } else {
                0.1
            };
            let own = (cell * 7919 % 101) as f64 / 101.0;
            Led {
                to: (class + 1) % CLASSES,
                by: (class * class % 5) as f64 - 4.0 + middle * (2.0 + own),
            }
        };
        (0..CLASSES * PLACES).map(cell).collect()
    }

    fn prominence(cells: &[Led]) -> Vec<f64> {
        let table = Table {
            cells,
            places: PLACES,
            columns: 4,
            margin: 4.0,
        };
        table.prominence()
    }

    #[test]
    fn a_place_beside_things_stands_out_where_one_class_is_led_away() {
        let mut cells = cells();
        let largest = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
        assert!(largest(prominence(&cells)) < 4.0);
        cells[PLANTED].by += 8.0;
        let planted = prominence(&cells);
        assert!(planted[PLANTED] > 20.0, "{planted:?}");
        cells[PLANTED].by = -2.0;
        let not_led = prominence(&cells)[PLANTED];
        assert!(not_led < 0.3 * planted[PLANTED], "{not_led}");
    }

    #[test]
    fn classes_that_are_led_to_the_same_one_do_not_hide_one_another() {
        let mut cells = cells();
        for class in [1, 3, 6] {
            let cell = class * PLACES + 12;
            cells[cell] = Led { to: 5, by: 6.0 };
        }
        let alike = prominence(&cells)[PLANTED];
        cells[PLACES + 12].to = 0;
        cells[6 * PLACES + 12].to = 0;
        let unlike = prominence(&cells)[PLANTED];
        assert!(alike > 10.0 && unlike < 0.2 * alike, "{alike} {unlike}");
    }

    #[test]
    fn the_unit_of_the_logits_does_not_matter() {
        let mut cells = cells();
        cells[PLANTED].by += 8.0;
        let one = prominence(&cells);
        cells.iter_mut().for_each(|led| led.by *= 7.0);
        let table = Table {
            cells: &cells,
            places: PLACES,
            columns: 4,
            margin: 28.0,
        };
        for (one, other) in one.iter().zip(table.prominence()) {
            assert!((one - other).abs() < 1e-9);
        }
    }

    #[test]
    fn equal_cells_have_no_prominence() {
        assert!(prominence(&[Led { to: 1, by: 2.0 }; CLASSES * PLACES]).is_empty());
    }
}
