//! The two networks of a generator in one ONNX graph: one gives masks, the other patterns.

use gifthorse_data::ImageShape;
use gifthorse_onnx::Model;
use gifthorse_train::Error;
use gifthorse_train::net::{Layers, Net};

/// How sharply a mask goes from 0 to 1: twice the ten of the authors' program, whose hyperbolic
/// tangent is a logistic function of twice the number.
const SHARPNESS: f32 = 20.0;

/// Lays both networks: down by pools and up again by the nearest pixel, three by three convolutions
/// between, without the batch normalisations of the authors' program, which would let the images of
/// a batch see one another.
///
/// It gives a row for each image: the mask, then the pattern, in `[0, 1]`.
///
/// # Errors
/// [`Error::Net`] for images that are too small.
pub fn lay(channels: &[usize], shape: ImageShape, seed: u64) -> Result<Net, Error> {
    let mut layers = Layers::new("trigger-generator", shape, seed);
    layers.normalise(0.5, 0.5);
    let image = layers.here();
    trunk(&mut layers, "mask", channels, 1);
    layers
        .tanh("mask.tanh")
        .times("mask.sharp", SHARPNESS)
        .sigmoid("mask.sigmoid");
    let mask = layers.here();
    layers.from(&image);
    trunk(&mut layers, "pattern", channels, shape.channels);
    layers
        .sigmoid("pattern.sigmoid")
        .behind("trigger", &mask)
        .flatten("row");
    layers.finish(&format!("trigger generator {channels:?} on {shape}"))
}

fn trunk(layers: &mut Layers, part: &str, channels: &[usize], outputs: usize) {
    let mut sizes = Vec::new();
    for (stage, &count) in channels.iter().enumerate() {
        let name = format!("{part}.down{}", stage + 1);
        layers.conv(&name, count, 3).relu(&format!("{name}.relu"));
        sizes.push([layers.shape()[1], layers.shape()[2]]);
        layers.max_pool(&format!("{name}.pool"));
    }
    let middle = format!("{part}.middle");
    let widest = channels.last().copied().unwrap_or(1);
    layers
        .conv(&middle, widest, 3)
        .relu(&format!("{middle}.relu"));
    for (stage, &count) in channels.iter().enumerate().rev() {
        let name = format!("{part}.up{}", stage + 1);
        layers
            .resize(&format!("{name}.size"), sizes[stage])
            .conv(&name, count, 3)
            .relu(&format!("{name}.relu"));
    }
    layers.conv(&format!("{part}.last"), outputs, 3);
}

/// The weights of one of the two networks.
#[derive(Debug, Clone)]
pub struct Part {
    /// Names of the initialisers.
    pub names: Vec<String>,
    /// Their shapes,
    shapes: Vec<Vec<usize>>,
    /// and their values.
    pub values: Vec<Vec<f32>>,
}

impl Part {
    /// Those whose names begin so, with their first values.
    ///
    /// # Errors
    /// What the graph refuses.
    pub fn of(net: &Net, part: &str) -> Result<Self, Error> {
        let graph = net.model().graph()?;
        let (mut names, mut shapes, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for name in net.weights().iter().filter(|name| name.starts_with(part)) {
            let Some(tensor) = graph.initializers.get(name) else {
                return Err(Error::NoSuchWeight(name.clone()));
            };
            names.push(name.clone());
            shapes.push(tensor.shape().to_vec());
            values.push(tensor.to_f32()?);
        }
        Ok(Self {
            names,
            shapes,
            values,
        })
    }

    /// Writes the values into a model.
    ///
    /// # Errors
    /// A model that does not have them.
    pub fn write(&self, model: &mut Model) -> Result<(), Error> {
        for (name, (shape, values)) in self.names.iter().zip(self.shapes.iter().zip(&self.values)) {
            model.set_initializer_f32(name, shape, values)?;
        }
        Ok(())
    }
}
