//! Layers that lead back to pictures: larger ones and numbers from 0 to 1.

use gifthorse_onnx::Attribute;

use super::Layers;

impl Layers {
    /// Hyperbolic tangent.
    pub fn tanh(&mut self, name: &str) -> &mut Self {
        self.node("Tanh", name, &[], [])
    }

    /// Logistic function, from any number to one from 0 to 1.
    pub fn sigmoid(&mut self, name: &str) -> &mut Self {
        self.node("Sigmoid", name, &[], [])
    }

    /// Every number times the same.
    pub fn times(&mut self, name: &str, factor: f32) -> &mut Self {
        let constant = format!("{name}.factor");
        self.constant(&constant, &[], &[factor]);
        self.node("Mul", name, &[&constant], [])
    }

    /// Another height and width; each pixel becomes the nearest one above and to the left.
    pub fn resize(&mut self, name: &str, size: [usize; 2]) -> &mut Self {
        if self.shape.len() != 3 || size.contains(&0) {
            let shape = self.shape.clone();
            return self.mistake(format!(
                "`{name}` would make {shape:?} a picture of {size:?}"
            ));
        }
        // The result is rounded down: half a pixel more is none, and one less than none cannot be.
        let factor = |axis: usize| (size[axis] as f32 + 0.5) / self.shape[axis + 1] as f32;
        let factors = [1.0, 1.0, factor(0), factor(1)];
        let scales = format!("{name}.scales");
        self.constant(&scales, &[4], &factors);
        self.shape[1..].copy_from_slice(&size);
        let attributes: [(&str, Attribute); 3] = [
            ("mode", "nearest".into()),
            ("coordinate_transformation_mode", "asymmetric".into()),
            ("nearest_mode", "floor".into()),
        ];
        self.node("Resize", name, &["", &scales], attributes)
    }
}
