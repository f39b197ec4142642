//! Where the log sizes of a clean model lie, by its number of classes and the pixels of its images.
//!
//! The fewer classes, the smaller the triggers: a class that is one of two covers half of all
//! images, and the nearest point of it is near. In measured models the location is about a straight
//! line in 1 / classes. The larger the images, the smaller the part of them that a trigger covers:
//! about a straight line in the logarithm of the pixels.

/// Fewer models give no slope.
const LEAST: usize = 10;
/// Variance of the logarithm of the pixels below which models say nothing of other sizes: 28 and 32
/// pixels a side have 0.02, and what differs between these is rather the data.
const LEAST_VARIANCE: f64 = 0.1;
/// Pixels of images of a usual size, which a location without a size is of.
const USUAL_PIXELS: f64 = 1024.0;
/// Two regressors of which less than this part differs are taken for one.
const DISTINCT: f64 = 1e-6;

/// A model: what its location is taken to depend on, and its location.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::verdict) struct Point {
    pub classes: usize,
    pub pixels: usize,
    pub location: f64,
}

/// `intercept + of_classes / classes + of_pixels * ln(pixels / 1024)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::verdict) struct LocationLine {
    intercept: f64,
    of_classes: f64,
    of_pixels: f64,
}

impl LocationLine {
    /// Least squares through the locations of models. There is no slope if they are too few, nor in
    /// what hardly differs between them.
    pub(in crate::verdict) fn fit(points: &[Point]) -> Self {
        let mut classes = Centred::new(points, |point| 1.0 / point.classes as f64);
        let mut pixels = Centred::new(points, |point| log_size(point.pixels));
        let enough = points.len() >= LEAST;
        if !enough || classes.square() <= 1e-6 {
            classes.flatten();
        }
        if !enough || pixels.square() <= LEAST_VARIANCE * points.len() as f64 {
            pixels.flatten();
        }
        let location = Centred::new(points, |point| point.location);
        let (of_classes, of_pixels) = slopes(&classes, &pixels, &location);
        Self {
            intercept: location.mean - of_classes * classes.mean - of_pixels * pixels.mean,
            of_classes,
            of_pixels,
        }
    }

    /// The line of the same slopes through the middle of a few locations.
    pub(in crate::verdict) fn through(self, points: &[Point]) -> Self {
        let beside = points.iter().map(|&point| self.beside(point)).sum::<f64>();
        Self {
            intercept: self.intercept + beside / points.len() as f64,
            ..self
        }
    }

    /// The usual location of a model with so many classes and images of a usual size.
    pub(in crate::verdict) fn at(&self, classes: usize) -> f64 {
        self.intercept + self.of_classes / classes as f64
    }

    /// How much higher the location is in images of so many pixels.
    pub(in crate::verdict) fn shift(&self, pixels: usize) -> f64 {
        self.of_pixels * log_size(pixels)
    }

    /// How far a location is from the line.
    pub(in crate::verdict) fn beside(&self, point: Point) -> f64 {
        point.location - self.at(point.classes) - self.shift(point.pixels)
    }

    /// How many of the numbers that a spread around the line is taken from it has used up.
    pub(in crate::verdict) fn parameters(&self) -> f64 {
        let slopes = [self.of_classes, self.of_pixels];
        1.0 + slopes.iter().filter(|slope| **slope != 0.0).count() as f64
    }
}

/// A number of each model, as its distance from the mean.
struct Centred {
    mean: f64,
    around: Vec<f64>,
}

impl Centred {
    fn new(points: &[Point], of: impl Fn(&Point) -> f64) -> Self {
        let mean = points.iter().map(&of).sum::<f64>() / points.len() as f64;
        Self {
            mean,
            around: points.iter().map(|point| of(point) - mean).collect(),
        }
    }

    /// Makes it a constant, on which nothing depends.
    fn flatten(&mut self) {
        self.around.fill(0.0);
    }

    fn product(&self, other: &Self) -> f64 {
        let pairs = self.around.iter().zip(&other.around);
        pairs.map(|(a, b)| a * b).sum()
    }

    fn square(&self) -> f64 {
        self.product(self)
    }
}

/// The slopes of `y` in `a` and `b` by least squares; 0 in one that is constant, and in `b` if it
/// only repeats `a`.
fn slopes(a: &Centred, b: &Centred, y: &Centred) -> (f64, f64) {
    let (aa, bb, ab) = (a.square(), b.square(), a.product(b));
    let (ay, by) = (a.product(y), b.product(y));
    let determinant = aa * bb - ab * ab;
    if determinant > DISTINCT * aa * bb {
        (
            (ay * bb - by * ab) / determinant,
            (by * aa - ay * ab) / determinant,
        )
    } else if aa > 0.0 {
        (ay / aa, 0.0)
    } else if bb > 0.0 {
        (0.0, by / bb)
    } else {
        (0.0, 0.0)
    }
}

fn log_size(pixels: usize) -> f64 {
    (pixels as f64 / USUAL_PIXELS).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(classes: usize, location: f64) -> Point {
        Point {
            classes,
            pixels: 1024,
            location,
        }
    }

    #[test]
    fn a_line_is_found_and_moved() {
        let points: Vec<Point> = (2..20)
            .map(|classes| point(classes, -2.0 - 3.0 / classes as f64))
            .collect();
        let line = LocationLine::fit(&points);
        assert!((line.at(2) + 3.5).abs() < 1e-9 && (line.at(1000) + 2.003).abs() < 1e-9);
        assert!((line.beside(point(4, -2.75 + 0.1)) - 0.1).abs() < 1e-9);
        assert_eq!((line.parameters(), line.shift(50_000)), (2.0, 0.0));
        let moved = line.through(&[point(3, -4.0), point(3, -4.2)]);
        assert!((moved.at(3) + 4.1).abs() < 1e-9 && (moved.at(10) + 3.4).abs() < 1e-9);
    }

    #[test]
    fn the_size_of_the_images_shifts_the_line() {
        let of = |i: usize| {
            let (classes, side) = (2 + i % 7, 28 + 3 * (i * i % 31));
            let size = ((side * side) as f64 / 1024.0).ln();
            Point {
                classes,
                pixels: side * side,
                location: -2.0 - 3.0 / classes as f64 - 0.5 * size,
            }
        };
        let points: Vec<Point> = (0..40).map(of).collect();
        let line = LocationLine::fit(&points);
        assert!((line.at(4) + 2.75).abs() < 1e-9);
        assert!((line.shift(4096) + 0.5 * 4.0f64.ln()).abs() < 1e-9);
        assert_eq!(line.parameters(), 3.0);
        assert!(points.iter().all(|&point| line.beside(point).abs() < 1e-9));
    }

    #[test]
    fn few_models_or_what_they_have_in_common_give_no_slope() {
        let few: Vec<Point> = (2..6)
            .map(|classes| point(classes, classes as f64))
            .collect();
        assert_eq!(LocationLine::fit(&few).at(40), 3.5);
        let alike: Vec<Point> = (0..12)
            .map(|i| Point {
                classes: 10,
                pixels: if i < 6 { 784 } else { 1024 },
                location: f64::from(i),
            })
            .collect();
        let line = LocationLine::fit(&alike);
        assert_eq!((line.at(2), line.parameters()), (5.5, 1.0));
        assert_eq!(line.shift(100), 0.0);
    }
}
