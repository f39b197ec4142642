//! What reads a channel that a layer makes.

use std::collections::HashSet;

use gifthorse_onnx::Node;

use super::{Role, Wiring, is_standard};

/// Operators that keep channels apart: each channel of the result depends on that channel alone.
const APART: &[&str] = &[
    "Identity",
    "Cast",
    "Dropout",
    "BatchNormalization",
    "InstanceNormalization",
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Elu",
    "Selu",
    "Celu",
    "Gelu",
    "Mish",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Softsign",
    "Clip",
    "ThresholdedRelu",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
];
/// The same of two values of which each channel is that channel of both.
const JOINED: &[&str] = &["Add", "Sub", "Mul", "Div", "Min", "Max"];

/// What reads the channels that a layer makes, each in its own place.
#[derive(Clone, Debug)]
pub enum ChannelReader<'g> {
    /// A layer with a weight some of whose entries are multiplied with each channel.
    Layer {
        /// The node.
        layer: &'g Node,
        /// Name of the initialiser of its kernel.
        kernel: &'g str,
        /// The axis of the initialiser, as the file has it, along which the channels lie.
        axis: usize,
        /// For each channel, which entries of that axis belong to it: more than one where maps were
        /// flattened.
        entries: Vec<Vec<usize>>,
    },
    /// A node that was not seen through: it mixes channels without a weight, or moves them.
    Other(&'g Node),
    /// The model's output of this name.
    Output(&'g str),
}

/// Where the channels of a value lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lie {
    /// Along axis 1 of `[batch, channels, height, width]`.
    First,
    /// Along the last axis.
    Last,
    /// In `[batch, values]`, all values of a channel together; one where nothing was flattened.
    Blocks,
    /// In `[batch, values]`, one value of each channel after the other.
    Turns,
}

impl<'g> Wiring<'g> {
    /// How many channels a convolution or matrix product makes; `None` where it has no kernel of
    /// its own.
    #[must_use]
    pub fn channels(&self, layer: &'g Node) -> Option<usize> {
        let kernel = self.kernel(layer, 1)?;
        let group = || usize::try_from(layer.int_or("group", 1).ok()?).ok();
        let length = |axis: Option<usize>| Some(kernel.shape[axis?]);
        match layer.op_type.as_str() {
            "Conv" => length(kernel.axis(0)),
            "ConvTranspose" => length(kernel.axis(1))?.checked_mul(group()?),
            "Gemm" if transposed(layer) => length(kernel.axis(0)),
            _ => length(kernel.axis(kernel.shape.len().checked_sub(1)?)),
        }
    }

    /// What reads the channels that a convolution or matrix product makes, through everything that
    /// keeps channels apart: activations, poolings, batch normalisations, sums with other values,
    /// and the step from maps to rows. Empty for another node.
    #[must_use]
    pub fn channel_readers(&self, layer: &'g Node) -> Vec<ChannelReader<'g>> {
        let (Some(channels), Some(value)) = (self.channels(layer), layer.output(0)) else {
            return Vec::new();
        };
        let lie = match layer.op_type.as_str() {
            "Conv" | "ConvTranspose" => Lie::First,
            "Gemm" => Lie::Blocks,
            _ => Lie::Last,
        };
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![(value, lie)];
        while let Some((value, lie)) = open.pop() {
            if !seen.insert((value, lie)) {
                continue;
            }
            let mut outputs = self.graph.outputs.iter();
            if let Some(output) = outputs.find(|output| output.name == value) {
                found.push(ChannelReader::Output(&output.name));
            }
            for &(node, place) in self.readers(value) {
                match self.passed(node, place, lie) {
                    Some(lie) => open.extend(node.output(0).map(|output| (output, lie))),
                    None => found.push(self.reader(node, place, lie, channels)),
                }
            }
            let captured = self.graph.nodes.iter();
            let captured = captured.filter(|node| {
                node.graphs()
                    .any(|g| g.captures.iter().any(|name| name == value))
            });
            found.extend(captured.map(ChannelReader::Other));
        }
        found
    }

    /// How channels lie behind a node that leaves them apart.
    fn passed(&self, node: &Node, place: usize, lie: Lie) -> Option<Lie> {
        if place == 0 && is_standard(node, APART) {
            // Of values of unknown rank the last axis need not be the one that is meant.
            let by_axis = node.op_type.ends_with("Normalization") && lie == Lie::Last;
            let pooled = node.op_type.contains("Pool") && lie != Lie::First;
            return (!by_axis && !pooled).then_some(lie);
        }
        if is_standard(node, JOINED) {
            return Some(lie);
        }
        if place != 0 || !node.domain.is_empty() {
            return None;
        }
        let rows = match lie {
            Lie::First => Lie::Blocks,
            Lie::Last => Lie::Turns,
            Lie::Blocks | Lie::Turns => lie,
        };
        let spatial = || {
            let axes = self.ints(node, "axes")?;
            (lie == Lie::First && [vec![2, 3], vec![-2, -1], vec![-1, -2]].contains(&axes))
                .then_some(())
        };
        match node.op_type.as_str() {
            "Transpose" if lie == Lie::First => {
                (node.ints_opt("perm").ok()?? == [0, 2, 3, 1]).then_some(Lie::Last)
            }
            "Flatten" => (node.int_or("axis", 1).ok()? == 1).then_some(rows),
            "Reshape" => self.makes_rows(node).then_some(rows),
            "Squeeze" => spatial().map(|()| Lie::Blocks),
            "ReduceMean" | "ReduceMax" => {
                let kept = node.int_or("keepdims", 1).ok()? != 0;
                spatial().map(|()| if kept { Lie::First } else { Lie::Blocks })
            }
            _ => None,
        }
    }

    /// Whether what a reshape makes has two axes, as far as that can be seen.
    fn makes_rows(&self, node: &Node) -> bool {
        let pasted = node.input(1).and_then(|name| self.producer(name));
        let pasted = pasted.filter(|producer| is_standard(producer, &["Concat"]));
        let known = self.ints(node, "shape").map(|shape| shape.len());
        known.or(pasted.map(|concat| concat.inputs.len())) == Some(2)
    }

    /// The integers that a node has as an attribute, in older files, or as its second input.
    fn ints(&self, node: &Node, name: &str) -> Option<Vec<i64>> {
        if let Some(stated) = node.ints_opt(name).ok()? {
            return Some(stated.to_vec());
        }
        self.graph.initializers.get(node.input(1)?)?.to_i64().ok()
    }

    fn reader(
        &self,
        layer: &'g Node,
        place: usize,
        lie: Lie,
        channels: usize,
    ) -> ChannelReader<'g> {
        self.layer(layer, place, lie, channels)
            .unwrap_or(ChannelReader::Other(layer))
    }

    fn layer(
        &self,
        layer: &'g Node,
        place: usize,
        lie: Lie,
        channels: usize,
    ) -> Option<ChannelReader<'g>> {
        let kernel = self.kernel(layer, 1).filter(|_| place == 0)?;
        let axis = match (layer.op_type.as_str(), lie) {
            ("Conv", Lie::First) if layer.int_or("group", 1).ok()? == 1 => kernel.axis(1)?,
            // A kernel for each channel.
            ("Conv", Lie::First) if kernel.shape[kernel.axis(1)?] == 1 => kernel.axis(0)?,
            ("ConvTranspose", Lie::First) => kernel.axis(0)?,
            ("Gemm", Lie::Last | Lie::Blocks | Lie::Turns)
                if layer.int_or("transA", 0).ok()? == 0 =>
            {
                kernel.axis(usize::from(transposed(layer)))?
            }
            ("MatMul", Lie::Last | Lie::Blocks | Lie::Turns) => {
                kernel.axis(kernel.shape.len().checked_sub(2)?)?
            }
            _ => return None,
        };
        let length = kernel.shape[axis];
        let each = length / channels.max(1);
        if each == 0 || each * channels != length || (lie == Lie::Last && each != 1) {
            return None;
        }
        let of = |channel: usize| -> Vec<usize> {
            match lie {
                Lie::Turns => (0..each).map(|n| n * channels + channel).collect(),
                Lie::First | Lie::Last | Lie::Blocks => {
                    (channel * each..(channel + 1) * each).collect()
                }
            }
        };
        Some(ChannelReader::Layer {
            layer,
            kernel: kernel.name,
            axis,
            entries: (0..channels).map(of).collect(),
        })
    }

    /// The kernel that a layer has as this input, seen through transposes.
    fn kernel(&self, layer: &'g Node, place: usize) -> Option<Kernel<'g>> {
        let is_kernel = self.places(layer).contains(&(place, Role::Kernel));
        let mut value = layer.input(place).filter(|_| is_kernel)?;
        let mut moves = Vec::new();
        while let Some(node) = self.producer(value) {
            match node.op_type.as_str() {
                _ if !super::is_form(node) => return None,
                "Identity" | "Cast" => {}
                "Transpose" => moves.push(node.ints_opt("perm").ok()?),
                _ => return None,
            }
            value = node.input(0)?;
        }
        let (name, tensor) = self.graph.initializers.get_key_value(value)?;
        let rank = tensor.shape().len();
        let mut axes: Vec<usize> = (0..rank).collect();
        for perm in moves.into_iter().rev() {
            let moved = |axis: usize| match perm {
                Some(perm) => usize::try_from(*perm.get(axis)?).ok(),
                None => rank.checked_sub(axis + 1),
            };
            let old = axes.clone();
            axes = (0..rank)
                .map(|axis| old.get(moved(axis)?).copied())
                .collect::<Option<_>>()?;
        }
        let is_float = tensor.element_type().is_float() && rank >= 2;
        is_float.then(|| Kernel {
            name,
            shape: tensor.shape(),
            axes,
        })
    }
}

fn transposed(gemm: &Node) -> bool {
    gemm.int_or("transB", 0).is_ok_and(|flag| flag != 0)
}

/// A kernel as a layer sees it.
struct Kernel<'g> {
    name: &'g str,
    /// Shape of the initialiser.
    shape: &'g [usize],
    /// For each axis that the layer sees, that of the initialiser.
    axes: Vec<usize>,
}

impl Kernel<'_> {
    /// The axis of the initialiser that the layer sees here.
    fn axis(&self, seen: usize) -> Option<usize> {
        self.axes.get(seen).copied()
    }
}
