//! Where the log sizes of a clean model lie, by its number of classes.
//!
//! The fewer classes, the smaller the triggers: a class that is one of two covers half of all
//! images, and the nearest point of it is near. In measured models the location is about a straight
//! line in 1 / classes.

/// Fewer models give no slope.
const LEAST: usize = 10;

/// `intercept + slope / classes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::verdict) struct LocationLine {
    intercept: f64,
    slope: f64,
}

impl LocationLine {
    /// Least squares through locations with their numbers of classes; a constant if there are too
    /// few of them, or all have one number of classes.
    pub(in crate::verdict) fn fit(points: &[(usize, f64)]) -> Self {
        let count = points.len() as f64;
        let inverse = |classes: usize| 1.0 / classes as f64;
        let mean_x = points.iter().map(|point| inverse(point.0)).sum::<f64>() / count;
        let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
        let (mut across, mut square) = (0.0, 0.0);
        for (classes, location) in points {
            let x = inverse(*classes) - mean_x;
            across += x * (location - mean_y);
            square += x * x;
        }
        let usable = points.len() >= LEAST && square > 1e-6;
        let slope = if usable { across / square } else { 0.0 };
        Self {
            intercept: mean_y - slope * mean_x,
            slope,
        }
    }

    /// The line of the same slope through the middle of a few locations.
    pub(in crate::verdict) fn through(self, points: &[(usize, f64)]) -> Self {
        let beside = points.iter().map(|&point| self.beside(point)).sum::<f64>();
        Self {
            intercept: self.intercept + beside / points.len() as f64,
            ..self
        }
    }

    /// The usual location of a model with so many classes.
    pub(in crate::verdict) fn at(&self, classes: usize) -> f64 {
        self.intercept + self.slope / classes as f64
    }

    /// How far a location is from the line.
    pub(in crate::verdict) fn beside(&self, (classes, location): (usize, f64)) -> f64 {
        location - self.at(classes)
    }

    /// How many of the numbers that a spread around the line is taken from it has used up.
    pub(in crate::verdict) fn parameters(&self) -> f64 {
        if self.slope == 0.0 { 1.0 } else { 2.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_moved() {
        let points: Vec<(usize, f64)> = (2..20)
            .map(|classes| (classes, -2.0 - 3.0 / classes as f64))
            .collect();
        let line = LocationLine::fit(&points);
        assert!((line.at(2) + 3.5).abs() < 1e-9 && (line.at(1000) + 2.003).abs() < 1e-9);
        assert!(line.beside((4, -2.75 + 0.1)) - 0.1 < 1e-9);
        assert_eq!(line.parameters(), 2.0);
        let moved = line.through(&[(3, -4.0), (3, -4.2)]);
        assert!((moved.at(3) + 4.1).abs() < 1e-9 && (moved.at(10) + 3.4).abs() < 1e-9);
    }

    #[test]
    fn few_models_or_one_number_of_classes_give_a_constant() {
        let few: Vec<(usize, f64)> = (2..6).map(|classes| (classes, classes as f64)).collect();
        assert_eq!(LocationLine::fit(&few).at(40), 3.5);
        let alike: Vec<(usize, f64)> = (0..12).map(|i| (10, f64::from(i))).collect();
        let line = LocationLine::fit(&alike);
        assert_eq!((line.at(2), line.parameters()), (5.5, 1.0));
    }
}
