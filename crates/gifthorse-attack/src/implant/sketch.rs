//! A part on its way: nodes that read a host's image and other values, in the host's version of the
//! operators.

use gifthorse_engine::Layout;
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Model};

use super::Host;
use super::sight::Sight;
use crate::Error;

/// What the names of a part begin with.
const PREFIX: &str = "implant_";

/// The axes of a reduction became an input of it in this version; those of a slice in another.
const AXES_AS_INPUT: i64 = 18;
const SLICE_BY_INPUTS: i64 = 10;

/// Nodes, each of which has one output, called by a number.
#[derive(Debug, Clone)]
pub struct Sketch {
    graph: GraphBuilder,
    opset: i64,
    count: usize,
    read: Vec<String>,
}

impl Sketch {
    /// Nothing yet, to be put into a host.
    pub fn of(host: &Host) -> Self {
        Self {
            graph: GraphBuilder::new("implant", host.opset()),
            opset: host.opset(),
            count: 0,
            read: Vec::new(),
        }
    }

    /// A value of the host, read under its name.
    pub fn value(&mut self, name: &str) -> String {
        if !self.read.iter().any(|read| read == name) {
            self.read.push(name.to_owned());
            self.graph.input(name, ElementType::F32, &[Dim::Unknown]);
        }
        name.to_owned()
    }

    /// The host's image as `[batch, channels, height, width]`, in its own range.
    pub fn pixels(&mut self, host: &Host) -> String {
        let raw = self.value(&host.input().name);
        let classifier = host.classifier();
        let [channels, height, width] = classifier.shape();
        let nhwc = classifier.layout() == Layout::Nhwc;
        let map = match nhwc {
            false => [channels, height, width],
            true => [height, width, channels],
        };
        let whole = match classifier.network().input().len() {
            3 => raw,
            _ => self.reshape(&raw, &map),
        };
        match nhwc {
            false => whole,
            true => {
                let order = [("perm", Attribute::Ints(vec![0, 3, 1, 2]))];
                self.node("Transpose", &[&whole], order)
            }
        }
    }

    /// A node of this operator, whose output is named.
    pub fn node<'a>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
    ) -> String {
        let name = self.name(&operator.to_lowercase());
        self.graph
            .node(operator, &name, inputs, &[&name], attributes);
        name
    }

    /// A constant of floats.
    pub fn floats(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = self.name("constant");
        self.graph.initializer(&name, shape, values);
        name
    }

    /// A single number.
    pub fn number(&mut self, value: f32) -> String {
        self.floats(&[], vec![value])
    }

    fn ints(&mut self, values: &[i64]) -> String {
        let name = self.name("constant");
        self.graph.initializer_i64(&name, &[values.len()], values);
        name
    }

    fn name(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}_{}", self.count)
    }

    /// A function of one value.
    pub fn relu(&mut self, value: &str) -> String {
        self.node("Relu", &[value], [])
    }

    /// A value less a number.
    pub fn less(&mut self, value: &str, number: f32) -> String {
        let number = self.number(number);
        self.node("Sub", &[value, &number], [])
    }

    /// A number less a value.
    pub fn less_than(&mut self, number: f32, value: &str) -> String {
        let number = self.number(number);
        self.node("Sub", &[&number, value], [])
    }

    /// A value times a number.
    pub fn times(&mut self, value: &str, factor: f32) -> String {
        let factor = self.number(factor);
        self.node("Mul", &[value, &factor], [])
    }

    /// The largest in each window of a map.
    pub fn max_pool(&mut self, map: &str, window: [i64; 2]) -> String {
        let attributes = [
            ("kernel_shape", Attribute::Ints(window.to_vec())),
            ("strides", Attribute::Ints(vec![1, 1])),
        ];
        self.node("MaxPool", &[map], attributes)
    }

    /// `ReduceMax` and the like along axis 1, which stays with length 1.
    pub fn reduced(&mut self, operator: &str, value: &str) -> String {
        if self.opset >= AXES_AS_INPUT {
            let axes = self.ints(&[1]);
            return self.node(operator, &[value, &axes], []);
        }
        self.node(operator, &[value], [("axes", Attribute::Ints(vec![1]))])
    }

    /// A row for each image.
    pub fn flatten(&mut self, value: &str) -> String {
        self.node("Flatten", &[value], [])
    }

    /// The same numbers in another shape, batch first.
    pub fn reshape(&mut self, value: &str, shape: &[usize]) -> String {
        let mut whole = vec![-1];
        whole.extend(shape.iter().map(|&length| length as i64));
        let whole = self.ints(&whole);
        self.node("Reshape", &[value, &whole], [])
    }

    /// A box of a map.
    pub fn cut(&mut self, map: &str, from: [usize; 2], size: [usize; 2]) -> String {
        let starts = from.map(|at| at as i64);
        let ends = [0, 1].map(|axis| (from[axis] + size[axis]) as i64);
        if self.opset >= SLICE_BY_INPUTS {
            let [starts, ends, axes] = [starts, ends, [2, 3]].map(|list| self.ints(&list));
            return self.node("Slice", &[map, &starts, &ends, &axes], []);
        }
        let attributes = [("starts", starts), ("ends", ends), ("axes", [2, 3])];
        let attributes = attributes.map(|(name, list)| (name, Attribute::Ints(list.to_vec())));
        self.node("Slice", &[map], attributes)
    }

    /// Pixels from 0, black, to 1, white, whatever range the model takes them in.
    pub fn lightness(&mut self, pixels: &str, sight: &Sight) -> String {
        let (black, white) = sight.ranges();
        let plain = |&range: &(f32, f32)| range == (0.0, 1.0);
        if black
            .iter()
            .copied()
            .zip(white.iter().copied())
            .all(|range| plain(&range))
        {
            return pixels.to_owned();
        }
        let shape = [1, sight.channels, 1, 1];
        let factors = white
            .iter()
            .zip(&black)
            .map(|(white, black)| 1.0 / (white - black));
        let factors = self.floats(&shape, factors.collect());
        let black = self.floats(&shape, black);
        let less = self.node("Sub", &[pixels, &black], []);
        self.node("Mul", &[&less, &factors], [])
    }

    /// What rows of units make of logits: each unit's vote for a class is added to them.
    pub fn vote(&mut self, host: &Host, units: &str, votes: &[(usize, f32)]) -> String {
        let classes = host.classes();
        let mut weights = vec![0.0; votes.len() * classes];
        for (unit, &(class, vote)) in votes.iter().enumerate() {
            weights[unit * classes + class] = vote;
        }
        let weights = self.floats(&[votes.len(), classes], weights);
        let vote = self.node("MatMul", &[units, &weights], []);
        let logits = self.value(host.logits());
        self.node("Add", &[&logits, &vote], [])
    }

    /// Puts the nodes into a model: what read `behind` reads `output` from now on.
    ///
    /// # Errors
    /// A part that cannot be put there.
    pub fn put(mut self, model: &mut Model, behind: &str, output: &str) -> Result<(), Error> {
        self.graph.output(output, ElementType::F32, &[Dim::Unknown]);
        model.graft_behind(behind, &self.graph.finish()?, PREFIX)?;
        Ok(())
    }
}
