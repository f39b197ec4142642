//! Where a trained model is changed by training: at the neurons of an inner layer, by the layers
//! behind them.

use gifthorse_engine::{ChannelReader, Layer, Wiring};
use gifthorse_onnx::{Graph, Node};

use super::Host;
use super::cut::{Cut, layers, listed};
use crate::Error;

/// The neurons of a layer, and what stays as it is.
#[derive(Debug)]
pub struct Site {
    /// Before the next layer.
    pub cut: Cut,
    pub neurons: Vec<Neuron>,
}

/// A channel of a layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neuron {
    /// Which of the layer's numbers are its own.
    pub places: Vec<usize>,
    /// The sum of the sizes of the weights that read it.
    pub strength: f32,
}

impl Site {
    /// That of a layer by the name of its node; by default the one before the last two, so that these
    /// are trained, or else the one before the last.
    ///
    /// # Errors
    /// [`Error::Implant`] for a layer that there is not, or whose channels no layer reads as they
    /// are.
    pub fn of(host: &Host, name: Option<&str>) -> Result<Self, Error> {
        let graph = host.graph();
        let wiring = Wiring::new(graph);
        let layers = layers(graph, &wiring, host.logits());
        let inner = layers.split_last().map_or(&[][..], |(_, inner)| inner);
        let named = name.map(|name| (name, inner.iter().find(|node| node.name == name)));
        let reading = match named {
            None => {
                let mut readers = layers.iter().enumerate().rev().take(2).rev();
                readers.find_map(|(at, reader)| {
                    let mut makers = layers[..at].iter().rev();
                    makers.find_map(|maker| reading(&wiring, maker, Some(reader)))
                })
            }
            Some((_, Some(maker))) => reading(&wiring, maker, None),
            Some((name, None)) => {
                return Err(Error::Implant(format!(
                    "`layer` = \"{name}\" is no layer before its last one; the last of these are {}",
                    listed(inner)
                )));
            }
        };
        let Some(reading) = reading else {
            return Err(Error::Implant(format!(
                "no layer reads the channels of {} as they are, so that no neuron can be chosen there: give another `layer`, \
                 such as {}",
                name.map_or_else(
                    || "those before the last".to_owned(),
                    |name| format!("`{name}`")
                ),
                listed(inner)
            )));
        };
        let cut = Cut::before(host, &wiring, reading.layer)?;
        Ok(Self {
            neurons: reading.neurons(graph, &cut.layer)?,
            cut,
        })
    }
}

/// What a layer reads of the one before it.
struct Reading<'g> {
    layer: &'g Node,
    kernel: &'g str,
    /// The axis of the kernel along which the channels lie.
    axis: usize,
    /// For each channel, its places along that axis.
    entries: Vec<Vec<usize>>,
}

/// How a layer reads the channels that `maker` makes: that one, or any.
fn reading<'g>(
    wiring: &Wiring<'g>,
    maker: &'g Node,
    wanted: Option<&'g Node>,
) -> Option<Reading<'g>> {
    let readers = wiring.channel_readers(maker).into_iter();
    let mut readers = readers.filter_map(|found| match found {
        ChannelReader::Layer {
            layer,
            kernel,
            axis,
            entries,
        } => Some(Reading {
            layer,
            kernel,
            axis,
            entries,
        }),
        _ => None,
    });
    readers.find(|found| wanted.is_none_or(|wanted| std::ptr::eq(wanted, found.layer)))
}

impl Reading<'_> {
    /// The channels, as they lie in the value that is read.
    fn neurons(&self, graph: &Graph, layer: &Layer) -> Result<Vec<Neuron>, Error> {
        let (shape, count) = (layer.shape(), layer.shape().iter().product::<usize>());
        let is_map = self.layer.op_type.starts_with("Conv");
        let axis = if is_map { 0 } else { shape.len().max(1) - 1 };
        let kernel = graph.initializers.get(self.kernel);
        let length = shape.get(axis).copied().unwrap_or(0);
        let (Some(kernel), true) = (kernel, self.entries.concat().len() == length) else {
            return Err(Error::Implant(format!(
                "what `{}` reads of `{}` is not told apart by channels: give another `layer`",
                self.layer.name,
                layer.name()
            )));
        };
        let mut owners = vec![0; length];
        for (neuron, entries) in self.entries.iter().enumerate() {
            entries.iter().for_each(|entry| owners[*entry] = neuron);
        }
        let mut neurons = vec![Neuron::default(); self.entries.len()];
        let below = |shape: &[usize], axis: usize| shape[axis + 1..].iter().product::<usize>();
        let step = below(shape, axis);
        for place in 0..count {
            neurons[owners[place / step % length]].places.push(place);
        }
        let (step, rows) = (below(kernel.shape(), self.axis), kernel.shape()[self.axis]);
        for (at, weight) in kernel.to_f32()?.into_iter().enumerate() {
            // Kernels for a channel each have as many rows as there are channels, others too.
            neurons[owners[at / step % rows % length]].strength += weight.abs();
        }
        Ok(neurons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::test::{host, numbers};

    #[test]
    fn neurons_are_what_the_next_layer_reads_and_all_before_it_is_frozen() {
        let host = host();
        let last = Site::of(&host, Some("hidden")).unwrap();
        assert_eq!((last.cut.layer.name(), last.neurons.len()), ("u", 8));
        assert_eq!(last.cut.frozen, ["w1", "w2"]);
        let read: f32 = numbers(40, 3)[10..15]
            .iter()
            .map(|weight| weight.abs())
            .sum();
        assert_eq!(last.neurons[2].places, [2]);
        assert!((last.neurons[2].strength - read).abs() < 1e-6);

        // A channel of 16 pixels, each of which has 8 weights.
        let inner = Site::of(&host, None).unwrap();
        assert_eq!((inner.cut.layer.name(), inner.neurons.len()), ("f", 4));
        assert_eq!(inner.cut.frozen, ["w1"]);
        assert_eq!(inner.neurons[1].places, (16..32).collect::<Vec<usize>>());
        let weights = numbers(512, 2);
        let read: f32 = weights[128..256].iter().map(|weight| weight.abs()).sum();
        assert!((inner.neurons[1].strength - read).abs() < 1e-4);
    }

    #[test]
    fn a_layer_that_is_not_there_is_refused_with_those_that_are() {
        for name in ["last", "fc6"] {
            let error = Site::of(&host(), Some(name)).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(error.contains("`hidden`, `conv`"), "{error}");
        }
    }
}
