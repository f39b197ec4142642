//! Computes a loss and records by what, at once: [`Tape::backward`] takes nothing but what the tape
//! has computed, and the trainer takes no gradient but with the graph that comes from there.

use gifthorse_engine::{Array, BatchStatistics, Operation, Tensor, Trainable};

use super::{NetworkGraph, StepGraph, Term};
use crate::Error;

/// A network whose digest is known, to be passed through.
#[derive(Debug)]
pub(crate) struct Known {
    network: Trainable,
    graph: NetworkGraph,
    name: String,
}

impl Known {
    /// Works out the digest, once.
    pub(crate) fn new(network: Trainable) -> Self {
        let graph = NetworkGraph::new(network.operations());
        Self {
            network,
            name: format!("network {}", graph.sha256),
            graph,
        }
    }

    /// What is passed through.
    pub(crate) fn graph(&self) -> &NetworkGraph {
        &self.graph
    }

    /// Names and first values of what is trained.
    pub(crate) fn parameters(&self) -> Result<Vec<(String, Array)>, Error> {
        Ok(self.network.parameters()?)
    }
}

/// A value and the operation that made it.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    array: Array,
    place: usize,
}

impl Traced {
    /// Its numbers, from which nothing that is differentiated can be made.
    pub(crate) fn numbers(&self) -> Vec<f32> {
        self.array.clone().into_vec()
    }

    /// Whether something that is differentiated can be made from it.
    pub(crate) fn is_tracked(&self) -> bool {
        let count = self.array.shape().iter().product();
        let flat: Tensor<1> = self.array.clone().reshape(&[count]).into_tensor();
        flat.is_tracked()
    }

    /// Its shape.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.array.shape()
    }
}

/// What has been computed so far.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    operations: Vec<Operation>,
}

impl Tape {
    fn push(&mut self, operation: impl Into<String>, array: Array, parents: &[&Traced]) -> Traced {
        let parents: Vec<usize> = parents.iter().map(|parent| parent.place).collect();
        let place = self.operations.len();
        self.operations
            .push(Operation::new(operation, &array.shape(), &parents));
        Traced { array, place }
    }

    /// Numbers that come from outside, such as the images of a batch.
    pub(crate) fn given(&mut self, name: &str, array: Array) -> Traced {
        self.push(name, array, &[])
    }

    /// A pass through a network under the given weights: the logits `[batch, classes]`, and what
    /// batch normalisations saw.
    ///
    /// # Errors
    /// What the engine refuses.
    pub(crate) fn pass(
        &mut self,
        known: &Known,
        images: &Traced,
        weights: &[Array],
        seed: u64,
    ) -> Result<(Traced, Vec<BatchStatistics>), Error> {
        let images_of = images.array.clone();
        let outcome = known.network.forward(images_of, weights, seed)?;
        let logits = self.push(known.name.as_str(), outcome.logits, &[images]);
        Ok((logits, outcome.statistics))
    }

    /// A pass through a network up to the layer that it is tapped at: the layer's values, a row for
    /// each image, and what batch normalisations saw.
    ///
    /// # Errors
    /// What the engine refuses.
    pub(crate) fn pass_to(
        &mut self,
        (known, layer): (&Known, &str),
        images: &Traced,
        weights: &[Array],
        seed: u64,
    ) -> Result<(Traced, Vec<BatchStatistics>), Error> {
        let images_of = images.array.clone();
        let outcome = known.network.forward(images_of, weights, seed)?;
        let values = in_rows(outcome.features)?;
        let name = format!("{} up to {layer}", known.name);
        Ok((self.push(name, values, &[images]), outcome.statistics))
    }

    /// A pass through a network that is tapped at a layer, and open for gradients there: the
    /// logits, the layer's values, a row for each image, and the leaf to which the gradient is that
    /// to these values.
    ///
    /// # Errors
    /// What the engine refuses.
    pub(crate) fn pass_from(
        &mut self,
        known: &Known,
        images: &Traced,
        weights: &[Array],
        seed: u64,
    ) -> Result<(Traced, Array, Vec<Tensor<1>>), Error> {
        let images_of = images.array.clone();
        let (outcome, leaves) = known.network.forward_from_taps(images_of, weights, seed)?;
        let logits = self.push(known.name.as_str(), outcome.logits, &[images]);
        Ok((logits, in_rows(outcome.features)?, leaves))
    }

    /// Logarithm of the softmax of each row.
    pub(crate) fn log_softmax(&mut self, logits: &Traced) -> Traced {
        let array = logits.array.clone().log_softmax(1);
        self.push("log softmax", array, &[logits])
    }

    /// The products of two values' numbers.
    pub(crate) fn mul(&mut self, a: &Traced, b: &Traced) -> Traced {
        let array = a.array.clone().mul(b.array.clone());
        self.push("multiply", array, &[a, b])
    }

    /// The sum of the numbers of rows.
    pub(crate) fn sum(&mut self, rows: &Traced) -> Traced {
        let rows_of: Tensor<2> = rows.array.clone().into_tensor();
        self.push("sum", Array::from_tensor(rows_of.sum()), &[rows])
    }

    /// The sum of two values' numbers.
    pub(crate) fn add(&mut self, a: &Traced, b: &Traced) -> Traced {
        let array = a.array.clone().add(b.array.clone());
        self.push("add", array, &[a, b])
    }

    /// A share of a sum.
    pub(crate) fn over(&mut self, value: &Traced, count: usize) -> Traced {
        let whole: Tensor<1> = value.array.clone().into_tensor();
        let share = Array::from_tensor(whole / count as f32);
        self.push(format!("divide by {count}"), share, &[value])
    }

    /// The gradient of a loss for each leaf, and the graph of that loss; what else the tape has
    /// is no part of it.
    ///
    /// # Errors
    /// [`Error::Net`] for a leaf that has no influence on the loss.
    pub(crate) fn backward(
        self,
        loss: &Traced,
        leaves: &[Tensor<1>],
    ) -> Result<(Vec<Vec<f32>>, StepGraph), Error> {
        let (gradients, graph) = self.backward_to_some(loss, leaves);
        let gradients: Option<Vec<Vec<f32>>> = gradients.into_iter().collect();
        let Some(gradients) = gradients else {
            let reason = "a weight has no influence on the logits".to_owned();
            return Err(Error::Net(reason));
        };
        Ok((gradients, graph))
    }

    /// As [`Self::backward`], for a loss that some leaves have no influence on.
    pub(crate) fn backward_to_some(
        mut self,
        loss: &Traced,
        leaves: &[Tensor<1>],
    ) -> (Vec<Option<Vec<f32>>>, StepGraph) {
        let loss_of: Tensor<1> = loss.array.clone().into_tensor();
        let mut tape = loss_of.backward();
        let gradient = |leaf: &Tensor<1>| {
            let gradient = leaf.grad_remove(&mut tape)?;
            Some(Array::from_tensor(gradient).into_vec())
        };
        let gradients = leaves.iter().map(gradient).collect();
        self.operations.truncate(loss.place + 1);
        let term = Term {
            times: 1,
            operations: Operation::ancestors(&self.operations),
        };
        (gradients, StepGraph { terms: vec![term] })
    }
}

/// The values of the one layer that a network is tapped at, a row for each image.
fn in_rows(features: Vec<Array>) -> Result<Array, Error> {
    let missing = || Error::Net("it is tapped at no layer".to_owned());
    let values = features.into_iter().next().ok_or_else(missing)?;
    let shape = values.shape();
    let count = shape[1..].iter().product();
    Ok(values.reshape(&[shape[0], count]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gifthorse_data::ImageShape;
    use gifthorse_engine::{Device, Mode};

    use super::*;
    use crate::net::{Architecture, SmallCnn};

    const SHAPE: [usize; 4] = [2, 1, 16, 16];

    fn array(shape: &[usize]) -> Array {
        let count = shape.iter().product();
        let values = (0..count).map(|i| (i as f32 * 0.618_034).fract()).collect();
        Array::from_vec(values, shape, &Device::flex())
    }

    /// A network, and the loss that code has of it; gives its gradient and its graph.
    fn run(
        code: impl Fn(&mut Tape, &Known, &[Array]) -> Traced,
    ) -> (Vec<Vec<f32>>, Vec<Operation>) {
        let shape = ImageShape {
            channels: 1,
            height: 16,
            width: 16,
        };
        let net = SmallCnn::default().build(shape, 3, 1).unwrap();
        let graph = Arc::new(net.model().editable_graph().unwrap());
        let network = Trainable::open(
            &graph,
            net.opening(),
            2,
            &SHAPE[1..],
            net.weights(),
            &Mode::Inference,
            &Device::flex(),
        );
        let known = Known::new(network.unwrap());
        let (mut leaves, mut weights) = (Vec::new(), Vec::new());
        for (_, value) in known.parameters().unwrap() {
            let shape = value.shape();
            let flat: Tensor<1> = value.reshape(&[shape.iter().product()]).into_tensor();
            let leaf = flat.autodiff().require_grad();
            weights.push(Array::from_tensor(leaf.clone()).reshape(&shape));
            leaves.push(leaf);
        }
        let mut tape = Tape::default();
        let loss = code(&mut tape, &known, &weights);
        drop(weights);
        let (gradients, graph) = tape.backward(&loss, &leaves).unwrap();
        (gradients, graph.terms[0].operations.clone())
    }

    fn usual(tape: &mut Tape, known: &Known, weights: &[Array]) -> Traced {
        let images = tape.given("images", array(&SHAPE));
        let (logits, _) = tape.pass(known, &images, weights, 0).unwrap();
        let wanted = tape.given("labels", array(&[2, 3]));
        let logarithms = tape.log_softmax(&logits);
        let losses = tape.mul(&logarithms, &wanted);
        let sum = tape.sum(&losses);
        tape.over(&sum, 2)
    }

    #[test]
    fn what_has_no_part_in_the_loss_is_not_in_its_graph() {
        let (gradients, graph) = run(usual);
        let (same, with_a_look) = run(|tape, known, weights| {
            let other = tape.given("other images", array(&SHAPE));
            tape.pass(known, &other, weights, 0).unwrap();
            let loss = usual(tape, known, weights);
            let unused = other_logits(tape, known, weights);
            tape.log_softmax(&unused);
            loss
        });
        assert!(gradients == same && graph == with_a_look);
        assert!(gradients.iter().flatten().any(|&g| g != 0.0));
    }

    fn other_logits(tape: &mut Tape, known: &Known, weights: &[Array]) -> Traced {
        let other = tape.given("other images", array(&SHAPE));
        tape.pass(known, &other, weights, 0).unwrap().0
    }

    #[test]
    fn another_loss_has_another_graph() {
        let (_, graph) = run(usual);
        // Squares of the logits in place of their logarithms.
        let (_, squares) = run(|tape, known, weights| {
            let logits = other_logits(tape, known, weights);
            let squares = tape.mul(&logits, &logits);
            tape.sum(&squares)
        });
        assert_ne!(graph, squares);
        // The usual loss times one of other images: a second pass.
        let (_, twice) = run(|tape, known, weights| {
            let logits = other_logits(tape, known, weights);
            let logarithms = tape.log_softmax(&logits);
            let other = tape.sum(&logarithms);
            let loss = usual(tape, known, weights);
            tape.mul(&loss, &other)
        });
        let passes = |graph: &[Operation]| {
            let names = graph.iter().map(|it| it.operation.as_str());
            names.filter(|name| name.starts_with("network ")).count()
        };
        assert_eq!((passes(&graph), passes(&twice)), (1, 2));
    }
}
