//! Channel Lipschitzness pruning (Zheng et al. 2022), CLP.
//!
//! # What it does
//! Takes, for each channel of each convolution, the largest singular value of its kernel as a
//! matrix of input channels by places, times the factor of a batch normalisation behind it: an
//! upper bound of how far the channel can be moved. Channels above the mean of their layer by more
//! than three standard deviations are switched off: their weights become zero.
//!
//! # Threat model
//! A backdoor carried by channels that are far more sensitive than others.
//!
//! # Needs
//! Nothing: no images, no trigger.
//!
//! # Cost
//! One look at the weights.
//!
//! # Known failures
//! Backdoors that are spread over many channels, as most are: on CIFAR-10 it leaves more than half
//! of the success in the mean of eight attacks, at two points of accuracy (BackdoorBench). Layers
//! of few channels, none of which can be three deviations above the mean: fewer than eleven.
//!
//! # References
//! R. Zheng, R. Tang, J. Li, L. Liu, "Data-free Backdoor Removal based on Channel Lipschitzness",
//! ECCV 2022. The released program goes by the order of modules and takes a normalisation in front
//! of a convolution for the one behind it; here the graph is followed.

use gifthorse_engine::{Role, Wiring};
use gifthorse_onnx::{Graph, Node};

use super::{About, Patient, Repair, RepairObserver, Repaired, Row};
use crate::error::Error;

/// Standard deviations above the mean.
const OUTLYING: f64 = 3.0;
/// What batch normalisation adds to a variance, where the file does not say.
const EPSILON: f32 = 1e-5;
/// Steps of the power iteration for the largest singular value.
const ITERATIONS: usize = 50;

/// What it is.
const ABOUT: About = About {
    name: "clp",
    title: "Channel Lipschitzness pruning (Zheng et al. 2022)",
    needs_trigger: false,
    in_auto: true,
    changes: "weights of some channels become zero",
    misses: &["backdoors that no single channel carries"],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Clp),
};

#[derive(Debug)]
struct Clp;

/// A weight, some rows of which become zero.
struct Silenced {
    name: String,
    channels: Vec<usize>,
}

impl Repair for Clp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn repair(&self, patient: &Patient<'_>, _: &dyn RepairObserver) -> Result<Repaired, Error> {
        let graph = patient.model.editable_graph()?;
        let wiring = Wiring::new(&graph);
        let (mut silenced, mut off) = (Vec::new(), 0);
        for node in graph.nodes.iter().filter(|node| node.op_type == "Conv") {
            let Some(sizes) = sizes(&graph, &wiring, node)? else {
                continue;
            };
            let channels = outlying(&sizes);
            off += channels.len();
            if channels.is_empty() {
                continue;
            }
            let norm = wiring.norm_behind(node);
            let behind = norm.map(|norm| wiring.weights_of(norm)).unwrap_or_default();
            for weight in wiring.weights_of(node).into_iter().chain(behind) {
                silenced.push(Silenced {
                    name: weight.name.to_owned(),
                    channels: channels.clone(),
                });
            }
        }
        if off == 0 {
            return Err(Error::CannotRepair(
                "no channel of its convolutions is far more sensitive than the others".to_owned(),
            ));
        }
        let mut model = patient.model.clone();
        for Silenced { name, channels } in &silenced {
            // Of a weight that two layers share, what the other has silenced has to stay so.
            let graph = model.editable_graph()?;
            let Some(tensor) = graph.initializers.get(name) else {
                continue;
            };
            let mut values = tensor.to_f32()?;
            let row = values.len() / tensor.shape().first().copied().unwrap_or(1).max(1);
            for &channel in channels {
                values[channel * row..(channel + 1) * row].fill(0.0);
            }
            let shape = tensor.shape().to_vec();
            model.set_initializer_f32(name, &shape, &values)?;
        }
        let note = format!(
            "{off} channels of convolutions switched off that are far more sensitive than the others of their layers"
        );
        Ok(Repaired::new(model, note))
    }
}

/// The upper bound of each channel of a convolution; `None` for one whose kernel is no weight of
/// rank 4.
fn sizes(graph: &Graph, wiring: &Wiring<'_>, node: &Node) -> Result<Option<Vec<f64>>, Error> {
    let weights = wiring.weights_of(node);
    let kernel = weights.iter().find(|weight| weight.role == Role::Kernel);
    let Some(tensor) = kernel.and_then(|kernel| graph.initializers.get(kernel.name)) else {
        return Ok(None);
    };
    let &[out, into, height, width] = tensor.shape() else {
        return Ok(None);
    };
    let values = tensor.to_f32()?;
    let row = into * height * width;
    if row == 0 || wiring.channels(node) != Some(out) {
        return Ok(None);
    }
    let kernels = values.chunks_exact(row);
    let mut sizes: Vec<f64> = kernels
        .map(|kernel| largest_singular_value(kernel, height * width))
        .collect();
    if let Some(norm) = wiring.norm_behind(node) {
        let of = |name: &str| graph.initializers.get(name).map(|tensor| tensor.to_f32());
        let scale = wiring.weights_of(norm);
        let scale = scale.iter().find(|weight| weight.role == Role::Scale);
        let scale = scale.and_then(|weight| of(weight.name)).transpose()?;
        let statistics = wiring.statistics(norm);
        let variance = statistics.and_then(|it| of(it.variance)).transpose()?;
        if let (Some(scale), Some(variance)) = (scale, variance) {
            let epsilon = norm.float_or("epsilon", EPSILON).unwrap_or(EPSILON);
            let factors = scale.iter().zip(&variance);
            for (size, (scale, variance)) in sizes.iter_mut().zip(factors) {
                *size *= f64::from(scale / (variance + epsilon).sqrt()).abs();
            }
        }
    }
    Ok(Some(sizes))
}

/// Those above the mean by more than three standard deviations.
fn outlying(sizes: &[f64]) -> Vec<usize> {
    let count = sizes.len().max(1) as f64;
    let mean = sizes.iter().sum::<f64>() / count;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / count;
    let limit = mean + OUTLYING * variance.sqrt();
    let above = sizes.iter().enumerate().filter(|&(_, &size)| size > limit);
    above.map(|(channel, _)| channel).collect()
}

/// The largest singular value of a matrix of rows of this length.
fn largest_singular_value(matrix: &[f32], row: usize) -> f64 {
    let mut vector = vec![1.0f64; row];
    let mut size = 0.0;
    for _ in 0..ITERATIONS {
        let mut next = vec![0.0f64; row];
        for values in matrix.chunks_exact(row) {
            let along: f64 = values
                .iter()
                .zip(&vector)
                .map(|(&v, x)| f64::from(v) * x)
                .sum();
            for (next, &value) in next.iter_mut().zip(values) {
                *next += along * f64::from(value);
            }
        }
        size = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if size == 0.0 {
            // Starting across all that the matrix does; its longest row is another start.
            return longest_row(matrix, row);
        }
        next.iter_mut().for_each(|x| *x /= size);
        vector = next;
    }
    size.sqrt()
}

fn longest_row(matrix: &[f32], row: usize) -> f64 {
    let length = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let squares = matrix.chunks_exact(row).map(length);
    squares.fold(0.0, f64::max).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_values_are_those_of_matrices_worked_out_by_hand() {
        // Rows (3, 0) and (0, 4): 4. Rank one, (1, 2) by (2, 1): sqrt(5) * sqrt(5).
        assert!((largest_singular_value(&[3.0, 0.0, 0.0, 4.0], 2) - 4.0).abs() < 1e-6);
        assert!((largest_singular_value(&[2.0, 1.0, 4.0, 2.0], 2) - 5.0).abs() < 1e-6);
        assert!((largest_singular_value(&[1.0, -1.0], 2) - 2f64.sqrt()).abs() < 1e-6);
        assert_eq!(largest_singular_value(&[0.0; 4], 2), 0.0);
    }

    #[test]
    fn only_what_is_far_above_the_others_is_outlying() {
        let mut sizes = vec![1.0; 20];
        assert!(outlying(&sizes).is_empty());
        sizes[7] = 5.0;
        assert_eq!(outlying(&sizes), [7]);
        // Of ten, none can be three deviations away.
        assert!(outlying(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0]).is_empty());
    }
}
