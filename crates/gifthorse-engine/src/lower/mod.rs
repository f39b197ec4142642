//! From ONNX nodes of any opset to primitives: the only place that knows what ONNX means.
//!
//! Each operator is a function over a `Call` (the node, its inputs resolved, the
//! context) that adds steps and binds outputs. `lowering_of` is the table of all.

mod activation;
mod attention;
mod bottleneck;
mod budget;
mod conditional;
mod constant;
mod context;
mod conv;
mod cumulative;
mod diagonal;
mod dropout;
mod einsum;
mod elementwise;
mod ends;
mod extend;
mod fold;
mod fused;
mod generate;
mod given;
mod image_input;
mod indexing;
mod integer;
mod interpolate;
mod kind;
mod known;
mod label_table;
mod lp_pool;
mod matmul;
mod norm;
mod order;
mod outputs;
mod pick;
mod pool;
mod quantize;
mod quantized;
mod rearrange;
mod reduce;
mod resize;
mod running_means;
mod scatter;
mod scope;
mod scores;
mod survey;
mod trail;
mod trail_step;
mod transformer;
mod walk;
pub mod weights;

use std::collections::HashMap;

use burn_tensor::Device;
use gifthorse_onnx::{Dim, ElementType, Graph, Node};

use crate::error::Error;
use crate::mode::Mode;
use crate::program::{Operand, Primitive, Program, ValueId};
use budget::Budget;
pub use context::Weights;
use context::{Call, Context, Lowered};
pub use ends::Ends;
pub use image_input::{ImageInput, Opening};
pub(crate) use outputs::in_words as outputs_in_words;
pub use outputs::{Look, Output};
pub use running_means::running_means;
use scope::Named;

/// Most numbers in one value, 4 GiB of them: a few bytes of a file can ask for any size.
const LARGEST: usize = 1 << 30;
/// Newest version of ONNX's own operators that is known: a later one may mean something else by the
/// same name.
const NEWEST_OPSET: i64 = 28;

type Lower = fn(Call) -> Result<Vec<Lowered>, Error>;

/// The lowering of an operator of ONNX's own domain. (`If` has graphs inside: `conditional`.)
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
        "LpPool" => lp_pool::lp_pool,
        "GlobalLpPool" => lp_pool::global_lp_pool,
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
        | "Floor" | "Ceil" | "Round" | "Not" | "Sin" | "Cos" | "Tan" | "Asin" | "Acos" | "Atan"
        | "Sinh" | "Cosh" | "Asinh" | "Acosh" | "Atanh" => elementwise::unary,
        "Clip" => elementwise::clip,
        "IsNaN" => elementwise::is_nan,
        "IsInf" => elementwise::is_infinite,
        "PRelu" => activation::prelu,
        "HardSwish" => activation::hard_swish,
        "Gelu" => activation::gelu,
        "Mish" => activation::mish,
        "Swish" => activation::swish,
        "SwiGLU" => activation::swi_glu,
        "Celu" => activation::celu,
        "Softsign" => activation::softsign,
        "ThresholdedRelu" => activation::thresholded_relu,
        "Shrink" => activation::shrink,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "And" | "Or" | "Xor" => elementwise::binary,
        "Mod" => elementwise::modulo,
        "Max" | "Min" | "Sum" | "Mean" => elementwise::variadic,
        "Where" => elementwise::choose,
        "Cast" | "CastLike" => elementwise::cast,
        "Identity" => elementwise::identity,
        "Dropout" => dropout::dropout,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce::reduce,
        "ArgMax" | "ArgMin" => reduce::arg,
        "TopK" => order::top_k,
        "Hardmax" => order::hardmax,
        "OneHot" => order::one_hot,
        "CumSum" => cumulative::cumulative_sum,
        "Trilu" => diagonal::trilu,
        "EyeLike" => diagonal::eye_like,
        "Einsum" => einsum::einsum,
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "DynamicQuantizeLinear" => quantize::dynamic,
        "ConvInteger" => integer::conv_integer,
        "MatMulInteger" => integer::matmul_integer,
        "QLinearConv" => integer::quantised_conv,
        "QLinearMatMul" => integer::quantised_matmul,
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

/// The lowering of an operator that onnxruntime's quantiser or optimiser adds.
fn onnxruntime_lowering_of(operator: &str) -> Option<Lower> {
    Some(match operator {
        "QuantizeLinear" => quantize::quantize,
        "DequantizeLinear" => quantize::dequantize,
        "QGemm" => integer::quantised_gemm,
        "QLinearAdd" | "QLinearMul" => quantized::binary,
        "QLinearSigmoid" | "QLinearLeakyRelu" => quantized::unary,
        "QLinearConcat" => quantized::concat,
        "QLinearAveragePool" => quantized::average_pool,
        "QLinearGlobalAveragePool" => quantized::global_average_pool,
        "FusedConv" => fused::conv,
        "FusedGemm" => fused::gemm,
        "FusedMatMul" => fused::matmul,
        "Gelu" | "BiasGelu" | "FastGelu" => transformer::gelu,
        "QuickGelu" => transformer::quick_gelu,
        "SkipLayerNormalization" => transformer::skip_layer_norm,
        "EmbedLayerNormalization" => transformer::embed_layer_norm,
        "Attention" => attention::attention,
        "MultiHeadAttention" => attention::multi_head,
        _ => return None,
    })
}

/// The lowering of a node without graphs inside.
fn lowering(node: &Node) -> Option<Lower> {
    match node.domain.as_str() {
        "" => lowering_of(&node.op_type),
        "com.microsoft" => onnxruntime_lowering_of(&node.op_type),
        _ => None,
    }
}

/// Whether the node is an `If`.
fn is_if(node: &Node) -> bool {
    node.domain.is_empty() && node.op_type == "If"
}

/// Whether the node's operator can be lowered (its attributes may still be refused), or is left off
/// where it names the winner at the end of a classifier.
pub fn is_supported(node: &Node) -> bool {
    is_if(node) || lowering(node).is_some() || label_table::only_names(node)
}

/// What a program is made for.
pub struct Target<'a> {
    /// Where the model begins and ends.
    pub ends: &'a Ends,
    /// Number of images a run takes.
    pub batch: usize,
    /// Shape of the input without the batch axis.
    pub input: &'a [usize],
    /// Where constants live.
    pub device: Device,
    /// What batch norms and dropouts do.
    pub mode: &'a Mode,
}

/// Lowers a graph from its image input to its class scores, `[batch, classes]` but for axes of
/// length one.
///
/// What follows the scores is left off as the ends say, so that the output is logits.
///
/// # Errors
/// Operators, attributes and shapes that are not supported, naming the node.
pub fn lower(graph: &Graph, target: &Target, weights: &mut Weights) -> Result<Program, Error> {
    let ends = target.ends;
    let (mut context, input) = begin(graph, target, weights)?;
    let mut budget = Budget::of(graph);
    walk::lower_nodes(&mut context, &mut budget, graph, &[&ends.logits])?;

    let Lowered::Value(output) = context.resolve(&ends.logits)?.lowered else {
        let reason = format!("the output `{}` does not depend on the input", ends.logits);
        return Err(Error::NotAClassifier(reason));
    };
    let output = scores::in_rows(&mut context, output, ends.classes_first, &ends.logits);
    let names = context.scopes.outermost();
    let names: HashMap<String, ValueId> = names
        .filter_map(|(name, lowered)| match lowered {
            Lowered::Value(id) => Some((name.clone(), *id)),
            Lowered::Constant(_) | Lowered::Param(_) => None,
        })
        .collect();
    Ok(Program {
        input,
        input_shape: context.shapes[input.0].clone(),
        output_shape: context.shapes[output.0].clone(),
        output,
        names,
        steps: context.steps,
        params: context.params,
        running: context.running,
        choices: context.choices,
        looks_across: context.looks_across,
        jumps_outside: false,
    })
}

/// A lowering with nothing but its inputs, and the value that the image is.
fn begin<'g>(
    graph: &'g Graph,
    target: &Target<'g>,
    weights: &'g mut Weights,
) -> Result<(Context<'g>, ValueId), Error> {
    if let Some(version) = graph.opset("").filter(|&version| version > NEWEST_OPSET) {
        let reason = format!(
            "it is written in version {version} of ONNX's operators, and {NEWEST_OPSET} is the newest that is known: \
             export it in an older one"
        );
        return Err(Error::NotAClassifier(reason));
    }
    let ends = target.ends;
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
    let mut shape = vec![target.batch];
    shape.extend(target.input);
    check_shape(&shape).map_err(|reason| Error::Input(format!("the input {reason}")))?;
    let input = context.new_value(shape);
    context.dependent.insert(input);
    let mut image = input;
    if ends.without_batch {
        if target.batch != 1 {
            let reason = format!("the model takes one image at a time, not {}", target.batch);
            return Err(Error::Input(reason));
        }
        let one = target.input.to_vec();
        let name = &ends.input.name;
        image = context.push(name, Primitive::Reshape, vec![Operand::Value(input)], one);
    }
    let named = Named {
        lowered: Lowered::Value(image),
        kind: ends.input.element_type.or(Some(ElementType::F32)),
    };
    context.scopes.bind(&ends.input.name, named);
    for (name, &value) in &ends.given {
        if let Some(info) = graph.inputs.iter().find(|input| input.name == *name) {
            let named = given::constant(info, value, target.batch)?;
            context.scopes.bind(name, named);
        }
    }
    Ok((context, input))
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
