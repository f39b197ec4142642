//! From ONNX nodes of any opset to primitives: the only place that knows what ONNX means.
//!
//! Each operator is a function over a `Call` (the node, its inputs resolved, the
//! context) that adds steps and binds outputs. `lowering_of` is the table of all.

mod activation;
mod budget;
mod constant;
mod context;
mod conv;
mod dropout;
mod einsum;
mod elementwise;
mod extend;
mod fold;
mod generate;
mod indexing;
mod interpolate;
mod matmul;
mod norm;
mod pick;
mod pool;
mod quantize;
mod rearrange;
mod reduce;
mod resize;
mod scatter;

use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::Device;
use gifthorse_onnx::{Dim, ElementType, Graph, Node};

use crate::ends::Ends;
use crate::error::Error;
use crate::mode::Mode;
use crate::program::{Program, ValueId};
use crate::stored::Stored;
use budget::Budget;
use constant::Constant;
use context::{Call, Context, Lowered};

/// Most numbers in one value, 4 GiB of them: a few bytes of a file can ask for any size.
const LARGEST: usize = 1 << 30;
/// Newest version of ONNX's own operators that is known: a later one may mean something else by the same name.
const NEWEST_OPSET: i64 = 28;

type Lower = fn(Call) -> Result<Vec<Lowered>, Error>;

/// The lowering of an operator of ONNX's own domain.
fn lowering_of(operator: &str) -> Option<Lower> {
    Some(match operator {
        "Conv" => conv::conv,
        "ConvTranspose" => conv::conv_transpose,
        "Gemm" => matmul::gemm,
        "MatMul" => matmul::matmul,
        "MaxPool" => pool::max_pool,
        "AveragePool" => pool::average_pool,
        "GlobalAveragePool" => pool::global_average_pool,
        "GlobalMaxPool" => pool::global_max_pool,
        "BatchNormalization" => norm::batch_norm,
        "LayerNormalization" => norm::layer_norm,
        "InstanceNormalization" => norm::instance_norm,
        "GroupNormalization" => norm::group_norm,
        "RMSNormalization" => norm::rms_norm,
        "LpNormalization" => norm::lp_norm,
        "LRN" => norm::local_response_norm,
        "Softmax" | "LogSoftmax" => norm::softmax,
        "Relu" | "LeakyRelu" | "Elu" | "Selu" | "Sigmoid" | "Tanh" | "Erf" | "Sign"
        | "Softplus" | "HardSigmoid" | "Neg" | "Abs" | "Exp" | "Log" | "Sqrt" | "Reciprocal"
        | "Floor" | "Ceil" | "Round" | "Not" | "Sin" | "Cos" => elementwise::unary,
        "Clip" => elementwise::clip,
        "IsNaN" => elementwise::is_nan,
        "IsInf" => elementwise::is_infinite,
        "PRelu" => activation::prelu,
        "HardSwish" => activation::hard_swish,
        "Gelu" => activation::gelu,
        "Mish" => activation::mish,
        "Swish" => activation::swish,
        "Celu" => activation::celu,
        "Softsign" => activation::softsign,
        "ThresholdedRelu" => activation::thresholded_relu,
        "Shrink" => activation::shrink,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "And" | "Or" | "Xor" => elementwise::binary,
        "Mod" => elementwise::modulo,
        "Max" | "Min" | "Sum" | "Mean" => elementwise::variadic,
        "Where" => elementwise::choose,
        "Cast" => elementwise::cast,
        "Identity" => elementwise::identity,
        "Dropout" => dropout::dropout,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce::reduce,
        "ArgMax" | "ArgMin" => reduce::arg,
        "Einsum" => einsum::einsum,
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => rearrange::reshape,
        "Transpose" => rearrange::transpose,
        "Expand" => extend::expand,
        "Tile" => extend::tile,
        "Concat" => extend::concat,
        "Split" => pick::split,
        "Slice" => pick::slice,
        "Gather" => pick::gather,
        "GatherElements" => scatter::gather_elements,
        "GatherND" => scatter::gather_nd,
        "Scatter" | "ScatterElements" => scatter::scatter_elements,
        "ScatterND" => scatter::scatter_nd,
        "Pad" => extend::pad,
        "DepthToSpace" => rearrange::depth_to_space,
        "SpaceToDepth" => rearrange::space_to_depth,
        "Resize" | "Upsample" => resize::resize,
        "Constant" => generate::constant,
        "ConstantOfShape" => generate::constant_of_shape,
        "Shape" => generate::shape,
        "Size" => generate::size,
        "Range" => generate::range,
        _ => return None,
    })
}

/// Whether the node's operator can be lowered (its attributes may still be refused).
pub fn is_supported(node: &Node) -> bool {
    node.domain.is_empty() && lowering_of(&node.op_type).is_some()
}

/// What a program is made for.
pub struct Target<'a> {
    /// Number of images a run takes.
    pub batch: usize,
    /// Shape of the input without the batch axis.
    pub input: &'a [usize],
    /// Where constants live.
    pub device: Device,
    /// What batch norms and dropouts do.
    pub mode: &'a Mode,
}

/// Lowers a graph with one image input and one output of class scores.
///
/// A final `Softmax` or `LogSoftmax` is left off, so that the output is logits.
///
/// # Errors
/// Operators, attributes and shapes that are not supported, naming the node.
pub fn lower(
    graph: &Graph,
    target: &Target,
    weights: &mut HashMap<String, Stored>,
) -> Result<Program, Error> {
    if let Some(version) = graph.opset("").filter(|&version| version > NEWEST_OPSET) {
        let reason = format!(
            "it is written in version {version} of ONNX's operators, and {NEWEST_OPSET} is the newest that is known: \
             export it in an older one"
        );
        return Err(Error::NotAClassifier(reason));
    }
    let ends = Ends::find(graph)?;
    let declared_batch = ends
        .input
        .shape
        .as_ref()
        .and_then(|s| s.first())
        .and_then(Dim::fixed);
    let mut context = Context::new(
        graph,
        target.batch,
        declared_batch,
        target.device.clone(),
        target.mode,
        weights,
    );

    let mut input_shape = vec![target.batch];
    input_shape.extend(target.input);
    check_shape(&input_shape).map_err(|reason| Error::Input(format!("the input {reason}")))?;
    let input = context.new_value(input_shape.clone());
    context
        .names
        .insert(ends.input.name.clone(), Lowered::Value(input));

    let mut budget = Budget::of(graph);
    let needed = needed(graph, &ends.logits);
    for node in graph
        .nodes
        .iter()
        .zip(&needed)
        .filter_map(|(node, &need)| need.then_some(node))
    {
        lower_node(&mut context, &mut budget, node)?;
    }

    let output = match context.names.get(&ends.logits) {
        Some(Lowered::Value(id)) => *id,
        _ => {
            let reason = format!("the output `{}` does not depend on the input", ends.logits);
            return Err(Error::NotAClassifier(reason));
        }
    };
    let names: HashMap<String, ValueId> = context
        .names
        .iter()
        .filter_map(|(name, lowered)| match lowered {
            Lowered::Value(id) => Some((name.clone(), *id)),
            Lowered::Constant(_) | Lowered::Param(_) => None,
        })
        .collect();
    Ok(Program {
        input,
        input_shape,
        output_shape: context.shapes[output.0].clone(),
        output,
        names,
        steps: context.steps,
        params: context.params,
        running: context.running,
    })
}

/// Which nodes the value `output` depends on.
fn needed(graph: &Graph, output: &str) -> Vec<bool> {
    let mut wanted = std::collections::HashSet::from([output]);
    let mut needed = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if node
            .outputs
            .iter()
            .flatten()
            .any(|name| wanted.contains(name.as_str()))
        {
            needed[i] = true;
            wanted.extend(node.inputs.iter().flatten().map(String::as_str));
        }
    }
    needed
}

fn lower_node(context: &mut Context, budget: &mut Budget, node: &Node) -> Result<(), Error> {
    let unsupported = || Error::UnsupportedOperator {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        domain: node.domain.clone(),
        opset: node.opset,
    };
    if !node.domain.is_empty() {
        return Err(unsupported());
    }
    let lowering = lowering_of(&node.op_type).ok_or_else(unsupported)?;
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for name in &node.inputs {
        inputs.push(match name {
            Some(name) => Some(resolve(context, name)?),
            None => None,
        });
    }
    let known = context.shapes.len();
    let steps = context.steps.len();
    let integers = gives_integers(context, node);
    let read = inputs.iter().flatten().map(|input| match input {
        Lowered::Constant(constant) => constant.len(),
        Lowered::Param(_) | Lowered::Value(_) => 0,
    });
    let read = read.sum();
    let call = Call {
        node,
        context,
        inputs,
    };
    let outputs = match fold::fold(&call)? {
        Some(constant) => vec![Lowered::Constant(Arc::new(constant))],
        None => lowering(call)?,
    };
    let refused = |reason: String| Error::Shape {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        reason,
    };
    for shape in &context.shapes[known..] {
        check_shape(shape).map_err(|reason| refused(format!("a result {reason}")))?;
    }
    budget
        .take(read, &outputs, &context.steps[steps..])
        .map_err(refused)?;
    for (name, lowered) in node.outputs.iter().zip(outputs) {
        if let Some(name) = name {
            // Constants know their kind themselves.
            if integers && matches!(lowered, Lowered::Value(_)) {
                context.integers.insert(name.clone());
            }
            context.names.insert(name.clone(), lowered);
        }
    }
    Ok(())
}

/// Whether the file holds what a node computes from the input in an integer type.
fn gives_integers(context: &Context, node: &Node) -> bool {
    match node.op_type.as_str() {
        "ArgMax" | "ArgMin" | "QuantizeLinear" => true,
        "DequantizeLinear" => false,
        // An integer exponent makes no integer of a real number.
        "Pow" => node
            .input(0)
            .is_some_and(|name| context.integers.contains(name)),
        "Cast" => {
            let to = node.int_or("to", 0).ok().and_then(ElementType::from_onnx);
            to.is_some_and(|to| !to.is_float() && to != ElementType::Bool)
        }
        _ => {
            let mut inputs = node.inputs.iter().flatten();
            inputs.any(|name| context.integers.contains(name))
        }
    }
}

/// Refuses a shape without entries, and one of more than can be meant.
fn check_shape(shape: &[usize]) -> Result<(), String> {
    let count = shape
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(length));
    match count {
        Some(0) => Err(format!("of shape {shape:?} would be empty")),
        Some(count) if count <= LARGEST => Ok(()),
        _ => Err(format!(
            "of shape {shape:?} has more than {LARGEST} numbers"
        )),
    }
}

fn resolve(context: &mut Context, name: &str) -> Result<Lowered, Error> {
    if let Some(lowered) = context.names.get(name) {
        return Ok(lowered.clone());
    }
    let Some(tensor) = context.graph.initializers.get(name) else {
        let reason = format!("the value `{name}` is read but made by no supported output");
        return Err(Error::NotAClassifier(reason));
    };
    let lowered = if tensor.element_type().is_float() && tensor.len() > 1 {
        Lowered::Param(context.weight(name, tensor)?)
    } else {
        Lowered::Constant(Arc::new(Constant::from_tensor(name, tensor)?))
    };
    context.names.insert(name.to_string(), lowered.clone());
    Ok(lowered)
}
