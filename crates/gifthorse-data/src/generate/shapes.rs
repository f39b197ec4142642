//! The outlines that a sign plate can have, as signed distances.
//!
//! A distance tells how much of a pixel a plate covers, so that edges are smooth without drawing at
//! a higher resolution, and a rim of even width is the same outline moved inwards.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, TAU};

/// Outline of a sign plate, about one unit in radius around the origin. The vertical axis points
/// down, as in images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    TriangleUp,
    TriangleDown,
    Square,
    Diamond,
    Octagon,
}

impl Shape {
    /// Every outline, for clutter that takes any of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Circle,
        Self::TriangleUp,
        Self::TriangleDown,
        Self::Square,
        Self::Diamond,
        Self::Octagon,
    ];

    /// Distance of `point` to the outline: negative inside, exact there; outside a corner it is a
    /// lower bound.
    pub(super) fn distance(self, point: [f32; 2]) -> f32 {
        match self {
            Self::Circle => point[0].hypot(point[1]) - self.inner_radius(),
            Self::TriangleUp => self.polygon(point, 3, FRAC_PI_2),
            Self::TriangleDown => self.polygon(point, 3, -FRAC_PI_2),
            Self::Square => self.polygon(point, 4, 0.0),
            Self::Diamond => self.polygon(point, 4, FRAC_PI_4),
            Self::Octagon => self.polygon(point, 8, 0.0),
        }
    }

    /// Radius of the largest disc around the origin that fits into the outline. Chosen so that the
    /// plates differ less in area than regular polygons of one radius would.
    pub(super) fn inner_radius(self) -> f32 {
        match self {
            Self::Circle => 1.0,
            Self::TriangleUp | Self::TriangleDown => 0.66,
            Self::Square => 0.88,
            Self::Diamond => 0.84,
            Self::Octagon => 0.96,
        }
    }

    /// A regular polygon is where it is inside all its edges; the first edge faces the angle
    /// `facing`.
    fn polygon(self, point: [f32; 2], edges: u8, facing: f32) -> f32 {
        (0..edges)
            .map(|edge| {
                let (sine, cosine) = (facing + TAU * f32::from(edge) / f32::from(edges)).sin_cos();
                point[0] * cosine + point[1] * sine
            })
            .fold(f32::NEG_INFINITY, f32::max)
            - self.inner_radius()
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::FRAC_PI_8;

    use super::*;

    #[test]
    fn the_origin_is_inside_by_the_inner_radius() {
        for shape in Shape::ALL {
            assert!(
                (shape.distance([0.0, 0.0]) + shape.inner_radius()).abs() < 1e-6,
                "{shape:?}"
            );
        }
    }

    #[test]
    fn triangles_point_where_their_names_say() {
        let above = [0.0, -1.0];
        let below = [0.0, 1.0];
        assert!(Shape::TriangleUp.distance(above) < 0.0);
        assert!(Shape::TriangleUp.distance(below) > 0.0);
        assert!(Shape::TriangleDown.distance(above) > 0.0);
        assert!(Shape::TriangleDown.distance(below) < 0.0);
    }

    #[test]
    fn corners_tell_square_diamond_and_octagon_apart() {
        let corner = [0.75, 0.75];
        let side = [1.05, 0.0];
        let inside = |shape: Shape| (shape.distance(corner) < 0.0, shape.distance(side) < 0.0);
        assert_eq!(inside(Shape::Square), (true, false));
        assert_eq!(inside(Shape::Diamond), (false, true));
        assert_eq!(inside(Shape::Octagon), (false, false));
    }

    #[test]
    fn an_octagon_lies_between_circle_and_square() {
        let quarter = FRAC_PI_8;
        let (sine, cosine) = quarter.sin_cos();
        let vertex = Shape::Octagon.inner_radius() / quarter.cos();
        let at = |radius: f32| Shape::Octagon.distance([radius * cosine, radius * sine]);
        assert!(at(vertex).abs() < 1e-5);
        assert!(at(vertex - 0.05) < 0.0 && at(vertex + 0.05) > 0.0);
    }
}
