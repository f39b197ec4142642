//! The table of sign classes.
//!
//! No single property names a class: most shapes, all colours and most glyphs occur in several, so
//! that a model has to look at shape, colour and glyph together. In grey the colours fall away and
//! shape with glyph still tell all classes apart.

use super::canvas::Colour;
use super::glyphs::Glyph;
use super::shapes::Shape;

pub(super) const RED: Colour = [0.78, 0.10, 0.12];
pub(super) const BLUE: Colour = [0.10, 0.27, 0.70];
pub(super) const YELLOW: Colour = [0.93, 0.74, 0.12];
pub(super) const WHITE: Colour = [0.93, 0.93, 0.91];
pub(super) const BLACK: Colour = [0.08, 0.08, 0.09];

/// How all signs of a class look before pose, light and camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SignClass {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) rim: Colour,
    pub(super) fill: Colour,
    pub(super) glyph: Glyph,
    pub(super) ink: Colour,
}

/// All classes; a label is an index into this table.
#[rustfmt::skip]
pub(super) const CLASSES: [SignClass; 12] = [
    sign("red-rimmed circle, bar", Shape::Circle, [RED, WHITE, BLACK], Glyph::Bar),
    sign("red-rimmed circle, two dots", Shape::Circle, [RED, WHITE, BLACK], Glyph::Dots),
    sign("red-rimmed triangle, cross", Shape::TriangleUp, [RED, WHITE, BLACK], Glyph::Cross),
    sign("red-rimmed triangle, exclamation mark", Shape::TriangleUp, [RED, WHITE, BLACK], Glyph::Exclamation),
    sign("red-rimmed triangle pointing down, exclamation mark", Shape::TriangleDown, [RED, WHITE, BLACK], Glyph::Exclamation),
    sign("red octagon, bar", Shape::Octagon, [WHITE, RED, WHITE], Glyph::Bar),
    sign("red octagon, cross", Shape::Octagon, [WHITE, RED, WHITE], Glyph::Cross),
    sign("blue circle, arrow up", Shape::Circle, [WHITE, BLUE, WHITE], Glyph::ArrowUp),
    sign("blue circle, arrow right", Shape::Circle, [WHITE, BLUE, WHITE], Glyph::ArrowRight),
    sign("blue square, seven", Shape::Square, [WHITE, BLUE, WHITE], Glyph::Seven),
    sign("yellow diamond, two dots", Shape::Diamond, [BLACK, YELLOW, BLACK], Glyph::Dots),
    sign("yellow diamond, seven", Shape::Diamond, [BLACK, YELLOW, BLACK], Glyph::Seven),
];

const fn sign(
    name: &'static str,
    shape: Shape,
    [rim, fill, ink]: [Colour; 3],
    glyph: Glyph,
) -> SignClass {
    SignClass {
        name,
        shape,
        rim,
        fill,
        glyph,
        ink,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many classes have the same value of a property as `class`, itself included.
    fn sharing<T: PartialEq>(class: &SignClass, property: impl Fn(&SignClass) -> T) -> usize {
        CLASSES
            .iter()
            .filter(|other| property(other) == property(class))
            .count()
    }

    #[test]
    fn shape_and_glyph_name_a_class_and_neither_colour_nor_shape_does() {
        for class in &CLASSES {
            assert_eq!(sharing(class, |c| (c.shape, c.glyph)), 1, "{}", class.name);
            assert_eq!(sharing(class, |c| c.name), 1, "{}", class.name);
            assert!(sharing(class, |c| c.fill) >= 2, "{}", class.name);
        }
        let named_by_shape = CLASSES
            .iter()
            .filter(|class| sharing(class, |c| c.shape) == 1)
            .count();
        let named_by_glyph = CLASSES
            .iter()
            .filter(|class| sharing(class, |c| c.glyph) == 1)
            .count();
        assert!(named_by_shape <= 2 && named_by_glyph <= 2);
    }
}
