//! The layers of a network without branches, one channel of each.

use gifthorse_engine::{ChannelReader, Role, Wiring};
use gifthorse_onnx::{Graph, Node};

use super::weights::along;
use crate::Error;
use crate::implant::Host;

/// Operators between layers that keep what is 0 at 0, and channels apart.
const PASSED: &[&str] = &[
    "Relu",
    "LeakyRelu",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Flatten",
    "Reshape",
    "Squeeze",
    "ReduceMean",
    "ReduceMax",
    "Transpose",
    "Dropout",
    "Identity",
    "Pad",
];
/// Those that the filter's ReLU may stand behind.
const BEFORE_RELU: &[&str] = &[
    "BatchNormalization",
    "Add",
    "MaxPool",
    "Dropout",
    "Identity",
];

/// A layer, with what is of its channels up to the next.
pub struct Link<'g> {
    pub layer: &'g Node,
    pub kernel: &'g str,
    /// The kernel's axis of channels that are made.
    pub out: usize,
    pub bias: Option<&'g str>,
    pub norms: Vec<&'g Node>,
    /// Where the next layer's kernel has this one's channels; `None` for the last.
    pub next: Option<(usize, Vec<Vec<usize>>)>,
    /// The channel that is overwritten; the last layer has none.
    pub channel: usize,
}

/// All layers, the one that makes the logits last.
pub struct Chain<'g> {
    pub graph: &'g Graph,
    pub wiring: Wiring<'g>,
    pub links: Vec<Link<'g>>,
}

pub fn refused<T>(reason: String) -> Result<T, Error> {
    Err(Error::Implant(reason))
}

impl<'g> Chain<'g> {
    /// Follows a network from its image to its logits.
    ///
    /// # Errors
    /// [`Error::Implant`] for one with branches, or with layers through which no single channel can
    /// be led.
    pub fn of(host: &'g Host) -> Result<Self, Error> {
        let graph = host.graph();
        let wiring = Wiring::new(graph);
        let mut links: Vec<Link<'g>> = Vec::new();
        let mut value: &str = &host.input().name;
        let mut is_gated = false;
        while value != host.logits() {
            let [(node, place)] = wiring.readers(value) else {
                return refused(format!(
                    "`{value}` is read by {} nodes; only a network without branches has a chain of channels that can be cut off",
                    wiring.readers(value).len()
                ));
            };
            let weights = wiring.weights_of(node);
            let kernel = weights.iter().find(|weight| weight.role == Role::Kernel);
            let operator = node.op_type.as_str();
            if let (Some(kernel), 0) = (kernel, *place) {
                if !links.is_empty() && !is_gated {
                    return refused(format!(
                        "no ReLU stands between its first convolution and `{}`, so that a filter has no threshold",
                        node.name
                    ));
                }
                let bias = weights.iter().find(|weight| weight.role == Role::Bias);
                links.push(Link::new(
                    node,
                    kernel.name,
                    bias.map(|bias| bias.name),
                    links.last(),
                )?);
            } else if let Some(link) = links.last_mut() {
                let bias = weights.iter().find(|weight| weight.role == Role::Bias);
                match operator {
                    "BatchNormalization" => link.norms.push(node),
                    "Add" if link.bias.is_none() && bias.is_some() => {
                        link.bias = bias.map(|bias| bias.name);
                    }
                    _ if PASSED.contains(&operator) && node.domain.is_empty() => {}
                    _ => {
                        return refused(format!(
                            "`{}` ({operator}) stands between its layers, and a chain of channels is not led through that",
                            node.name
                        ));
                    }
                }
                if links.len() == 1 && !is_gated {
                    is_gated = operator == "Relu";
                    if !is_gated && !BEFORE_RELU.contains(&operator) {
                        return refused(format!(
                            "`{}` ({operator}) stands before the first ReLU, so that a filter has no threshold",
                            node.name
                        ));
                    }
                }
            }
            let output = node.output(0);
            value = output.ok_or_else(|| Error::Implant("a node has no output".to_owned()))?;
        }
        if links.len() < 2 {
            return refused("it has fewer than two layers".to_owned());
        }
        let mut chain = Self {
            graph,
            wiring,
            links,
        };
        chain.connect()?;
        chain.choose()?;
        Ok(chain)
    }

    /// Finds where each layer reads the channels of the one before.
    fn connect(&mut self) -> Result<(), Error> {
        for at in 1..self.links.len() {
            let layer = self.links[at - 1].layer;
            let found = self.wiring.channel_readers(layer);
            let [
                ChannelReader::Layer {
                    kernel,
                    axis,
                    entries,
                    ..
                },
            ] = &found[..]
            else {
                return refused(format!(
                    "what reads the channels of `{}` is not seen",
                    layer.name
                ));
            };
            if *kernel != self.links[at].kernel {
                return refused(format!(
                    "what reads the channels of `{}` is not seen",
                    layer.name
                ));
            }
            self.links[at - 1].next = Some((*axis, entries.clone()));
            if self.links[at].layer.op_type != "Conv" {
                self.links[at].out = 1 - axis;
            }
        }
        Ok(())
    }

    /// Chooses of each layer but the last the channel that counts least.
    fn choose(&mut self) -> Result<(), Error> {
        let mut chosen = Vec::new();
        for (link, next) in self.links.iter().zip(&self.links[1..]) {
            let Some((axis, entries)) = &link.next else {
                continue;
            };
            let (shape, own) = self.kernel(link.kernel)?;
            let (next_shape, others) = self.kernel(next.kernel)?;
            let counts = |channel: usize| {
                let given: f32 = along(&shape, link.out, channel)
                    .map(|at| own[at].abs())
                    .sum();
                let entries = entries[channel].iter();
                let gives = entries.flat_map(|&entry| along(&next_shape, *axis, entry));
                given * gives.map(|at| others[at].abs()).sum::<f32>()
            };
            let all = (0..entries.len()).map(|channel| (channel, counts(channel)));
            let least = all.min_by(|a, b| a.1.total_cmp(&b.1));
            chosen.push(least.map_or(0, |(channel, _)| channel));
        }
        for (link, channel) in self.links.iter_mut().zip(chosen) {
            link.channel = channel;
        }
        Ok(())
    }

    fn kernel(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let tensor = self.graph.initializers.get(name);
        let missing = || Error::Implant(format!("there is no weight `{name}`"));
        let tensor = tensor.ok_or_else(missing)?;
        Ok((tensor.shape().to_vec(), tensor.to_f32()?))
    }

    /// The value that the first convolution reads, if a node makes it.
    pub fn reads(&self) -> Option<&str> {
        let read = self.links.first()?.layer.input(0)?;
        self.wiring.producer(read).map(|_| read)
    }

    /// Rows and columns that the first convolution sees.
    pub fn window(&self) -> [usize; 2] {
        let kernel = self
            .links
            .first()
            .and_then(|link| self.graph.initializers.get(link.kernel));
        match kernel.map(|kernel| kernel.shape()) {
            Some([_, _, rows, columns]) => [*rows, *columns],
            _ => [0, 0],
        }
    }
}

impl<'g> Link<'g> {
    fn new(
        layer: &'g Node,
        kernel: &'g str,
        bias: Option<&'g str>,
        before: Option<&Link<'g>>,
    ) -> Result<Self, Error> {
        let name = &layer.name;
        let plain = |attribute: &str| -> Result<bool, Error> {
            let stated = layer.ints_opt(attribute)?;
            Ok(stated.is_none_or(|list| list.iter().all(|&value| value == 1)))
        };
        if layer.op_type == "Conv" {
            if layer.int_or("group", 1)? != 1 {
                return refused(format!("`{name}` is a convolution in groups"));
            }
            if before.is_none() && !plain("dilations")? {
                return refused(format!(
                    "`{name}`, its first convolution, leaves out pixels"
                ));
            }
        } else if before.is_none() {
            return refused(format!(
                "its first layer `{name}` is no convolution ({})",
                layer.op_type
            ));
        }
        Ok(Self {
            layer,
            kernel,
            out: 0,
            bias,
            norms: Vec::new(),
            next: None,
            channel: 0,
        })
    }
}
