"""The operator cases: what each operator and attribute of the supported models does, one small model a case."""

from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto, helper

import formula
import node_case_ranked


@dataclass
class Case:
    """`inputs` holds "x", "" (left out), the name of a value made by `before`, or an array (an initialiser)."""

    name: str
    op: str
    inputs: list
    shape: tuple
    opset: int = 17
    attributes: dict = field(default_factory=dict)
    outputs: int = 1
    low: float = -1.0
    width: float = 2.0
    smooth: bool = True
    cast: bool = False
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)


class Cases:
    def __init__(self):
        self.all = []
        self.stream = formula.FIRST_TENSOR

    def floats(self, *shape, low=-1.0, width=2.0):
        """A new f32 operand."""
        self.stream += 1
        return formula.uniform(self.stream, shape, low, width)

    def add(self, name, op, inputs, shape, **rest):
        """A case; keywords that `Case` does not know are attributes of the node."""
        own = {k: rest.pop(k) for k in list(rest) if k in Case.__dataclass_fields__}
        self.all.append(Case(name, op, inputs, shape, attributes=rest, **own))


def int64(*values):
    return np.array(values, dtype=np.int64)


def scalar(value, kind=np.float32):
    return np.array(value, dtype=kind)


def convolutions(c):
    image = (2, 3, 6, 5)
    w = lambda o=4, i=3, *k: c.floats(o, i, *(k or (3, 3)))
    c.add("conv", "Conv", ["x", w()], image)
    c.add("conv_bias_pads", "Conv", ["x", w(), c.floats(4)], image, pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    c.add("conv_strides", "Conv", ["x", w(), c.floats(4)], image, pads=[1, 1, 1, 1], strides=[2, 2])
    c.add("conv_uneven_strides", "Conv", ["x", w()], image, strides=[2, 1], pads=[0, 1, 0, 1])
    c.add("conv_asymmetric_pads", "Conv", ["x", w()], image, pads=[0, 1, 2, 0])
    c.add("conv_dilations", "Conv", ["x", w()], image, pads=[2, 2, 2, 2], dilations=[2, 2])
    c.add("conv_groups", "Conv", ["x", w(6, 2), c.floats(6)], (2, 4, 5, 5), group=2, pads=[1, 1, 1, 1])
    c.add("conv_depthwise", "Conv", ["x", w(3, 1)], image, group=3, pads=[1, 1, 1, 1])
    c.add("conv_depthwise_multiplier", "Conv", ["x", w(6, 1), c.floats(6)], image, group=3, strides=[2, 2])
    c.add("conv_pointwise", "Conv", ["x", w(4, 3, 1, 1), c.floats(4)], image)
    c.add("conv_pointwise_strided", "Conv", ["x", w(4, 3, 1, 1)], image, strides=[2, 2])
    c.add("conv_uneven_kernel", "Conv", ["x", w(4, 3, 1, 3)], image, pads=[0, 1, 0, 1])
    c.add("conv_even_kernel", "Conv", ["x", w(4, 3, 2, 2)], image, strides=[2, 2])
    c.add("conv_same_upper", "Conv", ["x", w(4, 3, 2, 2)], image, auto_pad="SAME_UPPER")
    c.add("conv_same_upper_strided", "Conv", ["x", w()], image, auto_pad="SAME_UPPER", strides=[2, 2])
    c.add("conv_same_lower", "Conv", ["x", w(4, 3, 2, 2)], image, auto_pad="SAME_LOWER")
    c.add("conv_valid", "Conv", ["x", w()], image, auto_pad="VALID", strides=[2, 2])
    c.add("conv_1d", "Conv", ["x", c.floats(4, 3, 3), c.floats(4)], (2, 3, 7), pads=[1, 1], strides=[2])
    # Sums of whole numbers are often exactly zero; a kernel that rounds them would turn 0 into 1 or -1.
    c.add("conv_of_integers_then_sign", "Conv", ["whole", np.sign(c.floats(8, 3, 3, 3))], (2, 3, 12, 12), low=-4.0,
          width=8.0, smooth=False, before=[helper.make_node("Round", ["x"], ["whole"])],
          after=[helper.make_node("Sign", ["o0"], ["signs"])])
    c.add("conv_opset_7", "Conv", ["x", w(), c.floats(4)], image, opset=7)
    c.add("conv_transpose", "ConvTranspose", ["x", c.floats(3, 2, 3, 3)], (2, 3, 4, 3))
    c.add("conv_transpose_strided", "ConvTranspose", ["x", c.floats(3, 2, 3, 3), c.floats(2)], (2, 3, 4, 3),
          strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    c.add("conv_transpose_groups", "ConvTranspose", ["x", c.floats(4, 2, 2, 2)], (2, 4, 3, 3), group=2, strides=[2, 2])


    back = c.floats(3, 2, 3, 3)
    c.add("conv_transpose_output_shape", "ConvTranspose", ["x", back], (2, 3, 4, 3), strides=[2, 2], output_shape=[8, 6])
    for side in ("UPPER", "LOWER"):
        c.add(f"conv_transpose_same_{side.lower()}", "ConvTranspose", ["x", back], (2, 3, 4, 3), strides=[2, 2],
              auto_pad=f"SAME_{side}")


def products(c):
    c.add("gemm", "Gemm", ["x", c.floats(5, 4), c.floats(4)], (3, 5))
    c.add("gemm_trans_b", "Gemm", ["x", c.floats(4, 5), c.floats(4)], (3, 5), transB=1)
    c.add("gemm_trans_a", "Gemm", ["x", c.floats(2, 4)], (2, 5), transA=1)
    c.add("gemm_trans_both", "Gemm", ["x", c.floats(4, 2)], (2, 5), transA=1, transB=1)
    c.add("gemm_alpha_beta", "Gemm", ["x", c.floats(4, 5), c.floats(4)], (3, 5), transB=1, alpha=0.5, beta=1.5)
    c.add("gemm_no_bias", "Gemm", ["x", c.floats(5, 4)], (3, 5), alpha=2.0)
    c.add("gemm_scalar_bias", "Gemm", ["x", c.floats(5, 4), c.floats(1)], (3, 5))
    c.add("gemm_column_bias", "Gemm", ["x", c.floats(5, 4), c.floats(3, 1)], (3, 5))
    c.add("gemm_full_bias", "Gemm", ["x", c.floats(5, 4), c.floats(3, 4)], (3, 5), beta=0.25)
    c.add("gemm_opset_9", "Gemm", ["x", c.floats(4, 5), c.floats(4)], (3, 5), transB=1, opset=9)
    c.add("matmul", "MatMul", ["x", c.floats(5, 4)], (3, 5))
    c.add("matmul_constant_left", "MatMul", [c.floats(4, 2), "x"], (2, 5))
    c.add("matmul_batched", "MatMul", ["x", c.floats(2, 4, 3)], (2, 3, 4))
    c.add("matmul_batch_by_matrix", "MatMul", ["x", c.floats(4, 3)], (2, 3, 4))
    c.add("matmul_matrix_by_batch", "MatMul", [c.floats(2, 3), "x"], (2, 3, 4))
    c.add("matmul_broadcast_heads", "MatMul", ["x", c.floats(1, 2, 4, 3)], (2, 2, 3, 4))
    c.add("matmul_vector_right", "MatMul", ["x", c.floats(4)], (2, 3, 4))
    swap = helper.make_node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2])
    c.add("matmul_attention_scores", "MatMul", ["x", "t"], (2, 2, 3, 4), before=[swap])
    tanh = helper.make_node("Tanh", ["x"], ["t"])
    c.add("matmul_two_of_one", "MatMul", ["t", "x"], (2, 3, 3), before=[tanh])


    add = lambda name, equation, others, shape, **rest: c.add(f"einsum_{name}", "Einsum", ["x", *others], shape,
                                                              equation=equation, **rest)
    add("transpose", "nij->nji", [], (2, 3, 4))
    add("sum", "nijk->nj", [], (2, 3, 4, 2))
    add("heads", "nqhd, nkhd -> nhqk", ["t"], (2, 3, 2, 4), before=[helper.make_node("Tanh", ["x"], ["t"])])
    add("ellipsis", "...ij,jk->...ik", [c.floats(4, 3)], (2, 2, 3, 4))
    add("no_arrow", "bi,ji", [c.floats(3, 4)], (2, 4))
    add("sum_of_one_factor", "nij,kj->nk", [c.floats(5, 4)], (2, 3, 4))
    add("outer", "ni,j->nij", [c.floats(3)], (2, 4))
    add("three_factors", "ni,ij,jk->nk", [c.floats(4, 3), c.floats(3, 2)], (2, 4))


def pools(c):
    image = (2, 2, 7, 6)
    for op in ("MaxPool", "AveragePool"):
        add = lambda name, shape=image, **rest: c.add(f"{op.lower()}_{name}", op, ["x"], shape, **rest)
        add("plain", kernel_shape=[2, 2], strides=[2, 2])
        add("overlapping", kernel_shape=[3, 3], strides=[2, 2])
        add("unit_strides", kernel_shape=[2, 3])
        add("pads", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        add("asymmetric_pads", kernel_shape=[3, 2], strides=[2, 1], pads=[0, 1, 2, 0])
        add("ceil", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
        add("ceil_overlapping", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        add("ceil_pads", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)
        add("same_upper", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")
        add("same_lower", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
        add("valid", kernel_shape=[3, 3], strides=[2, 2], auto_pad="VALID")
        add("1d", shape=(2, 3, 9), kernel_shape=[3], strides=[2], pads=[1, 1])
        add("opset_8", kernel_shape=[2, 2], strides=[2, 2], opset=8)
    c.add("maxpool_dilations", "MaxPool", ["x"], image, kernel_shape=[2, 2], dilations=[2, 2])
    c.add("averagepool_include_pad", "AveragePool", ["x"], image, kernel_shape=[3, 3], strides=[2, 2],
          pads=[1, 1, 1, 1], count_include_pad=1)
    c.add("averagepool_include_pad_ceil", "AveragePool", ["x"], image, kernel_shape=[3, 3], strides=[2, 2],
          pads=[0, 0, 1, 1], count_include_pad=1, ceil_mode=1, opset=19)
    c.add("averagepool_dilations", "AveragePool", ["x"], image, kernel_shape=[2, 2], dilations=[2, 2], opset=19)
    c.add("global_average_pool", "GlobalAveragePool", ["x"], image)
    c.add("global_max_pool", "GlobalMaxPool", ["x"], image)


def normalisations(c):
    image = (2, 3, 4, 3)
    positive = lambda n: c.floats(n, low=0.5, width=1.0)
    four = lambda: [c.floats(3), c.floats(3), c.floats(3), positive(3)]
    c.add("batch_normalization", "BatchNormalization", ["x", *four()], image)
    c.add("batch_normalization_epsilon", "BatchNormalization", ["x", *four()], image, epsilon=0.1, momentum=0.8)
    c.add("batch_normalization_inference", "BatchNormalization", ["x", *four()], image, training_mode=0, opset=15)
    c.add("batch_normalization_opset_9", "BatchNormalization", ["x", *four()], image, opset=9)
    c.add("batch_normalization_features", "BatchNormalization", ["x", *four()], (4, 3))
    c.add("batch_normalization_1d", "BatchNormalization", ["x", *four()], (2, 3, 5))
    c.add("layer_normalization", "LayerNormalization", ["x", positive(6), c.floats(6)], (2, 4, 6))
    c.add("layer_normalization_no_bias", "LayerNormalization", ["x", positive(6)], (2, 4, 6), epsilon=0.01)
    c.add("layer_normalization_axis_1", "LayerNormalization", ["x", c.floats(4, 3), c.floats(4, 3)], (2, 4, 3), axis=1)
    c.add("instance_normalization", "InstanceNormalization", ["x", positive(3), c.floats(3)], image)
    c.add("lrn", "LRN", ["x"], (2, 5, 2, 2), size=3, alpha=0.5, beta=0.75, bias=1.0)
    of = lambda n: [positive(n), c.floats(n)]
    c.add("group_normalization_of_groups", "GroupNormalization", ["x", *of(2)], (2, 4, 3, 2), num_groups=2, opset=18)
    c.add("group_normalization_of_channels", "GroupNormalization", ["x", *of(4)], (2, 4, 3, 2), num_groups=2, opset=21)
    c.add("rms_normalization", "RMSNormalization", ["x", positive(6)], (2, 4, 6), opset=23)
    c.add("lp_normalization_1", "LpNormalization", ["x"], (2, 3, 4), p=1, axis=1)
    c.add("lp_normalization_2", "LpNormalization", ["x"], (2, 3, 4))
    for op in ("Softmax", "LogSoftmax"):
        low = op.lower()
        # A softmax at the very end of a classifier is left off by the engine.
        rest = {"after": [helper.make_node("Neg", ["o0"], ["negative"])]}
        c.add(f"{low}_opset_11_default", op, ["x"], (2, 3, 4), opset=11, **rest)
        c.add(f"{low}_opset_11_axis_1", op, ["x"], (2, 3, 2, 2), opset=11, axis=1, **rest)
        c.add(f"{low}_opset_11_axis_last", op, ["x"], (2, 3, 4), opset=11, axis=2, **rest)
        c.add(f"{low}_opset_11_negative_axis", op, ["x"], (2, 3, 2, 2), opset=11, axis=-2, **rest)
        c.add(f"{low}_opset_13_default", op, ["x"], (2, 3, 4), opset=13, **rest)
        c.add(f"{low}_opset_13_axis_1", op, ["x"], (2, 3, 4), opset=13, axis=1, **rest)
        c.add(f"{low}_large_values", op, ["x"], (2, 6), low=-200.0, width=400.0, **rest)


def activations(c):
    wide = dict(low=-4.0, width=8.0)
    shape = (2, 3, 5)
    for op in ("Relu", "Sigmoid", "Tanh", "Erf", "Softplus", "Elu", "Selu", "LeakyRelu", "HardSigmoid", "HardSwish",
               "Sign", "Abs", "Neg", "Exp", "Floor", "Ceil", "Round", "Sin", "Cos"):
        c.add(op.lower(), op, ["x"], shape, **wide)
    c.add("elu_alpha", "Elu", ["x"], shape, alpha=0.5, **wide)
    c.add("selu_attributes", "Selu", ["x"], shape, alpha=1.5, gamma=2.0, **wide)
    c.add("leakyrelu_alpha", "LeakyRelu", ["x"], shape, alpha=0.2, **wide)
    c.add("hardsigmoid_attributes", "HardSigmoid", ["x"], shape, alpha=1 / 6, beta=0.5, **wide)
    c.add("gelu", "Gelu", ["x"], shape, opset=20, **wide)
    c.add("gelu_tanh", "Gelu", ["x"], shape, opset=20, approximate="tanh", **wide)
    c.add("mish", "Mish", ["x"], shape, opset=18, **wide)
    c.add("celu", "Celu", ["x"], shape, alpha=0.5, **wide)
    c.add("softsign", "Softsign", ["x"], shape, **wide)
    c.add("thresholded_relu", "ThresholdedRelu", ["x"], shape, alpha=0.7, **wide)
    c.add("shrink", "Shrink", ["x"], shape, lambd=1.5, bias=0.5, **wide)
    c.add("prelu_channel", "PRelu", ["x", c.floats(3, 1, 1)], (2, 3, 2, 2), **wide)
    c.add("prelu_scalar", "PRelu", ["x", c.floats(1)], (2, 3, 2, 2), **wide)
    c.add("clip_opset_6", "Clip", ["x"], shape, opset=6, min=0.0, max=2.5, **wide)
    c.add("clip_opset_6_min", "Clip", ["x"], shape, opset=6, min=-1.0, **wide)
    c.add("clip_inputs", "Clip", ["x", scalar(0), scalar(3)], shape, **wide)
    c.add("clip_max_only", "Clip", ["x", "", scalar(1)], shape, **wide)
    c.add("clip_min_only", "Clip", ["x", scalar(-1)], shape, **wide)
    positive = dict(low=0.1, width=4.0)
    for op in ("Sqrt", "Log", "Reciprocal"):
        c.add(op.lower(), op, ["x"], shape, **positive)
    c.add("identity", "Identity", ["x"], shape)
    c.add("dropout", "Dropout", ["x"], shape, opset=11, ratio=0.4)
    c.add("dropout_inputs", "Dropout", ["x", scalar(0.4)], shape)


def arithmetic(c):
    shape = (2, 3, 4)
    positive = dict(low=0.5, width=2.0)
    for op in ("Add", "Sub", "Mul", "Div", "Min", "Max"):
        low = op.lower()
        away = dict(low=0.5, width=1.0) if op == "Div" else {}
        c.add(f"{low}_same_shape", op, ["x", c.floats(2, 3, 4, **away)], shape, **positive)
        c.add(f"{low}_scalar", op, ["x", c.floats(**away)], shape, **positive)
        c.add(f"{low}_row", op, ["x", c.floats(4, **away)], shape, **positive)
        c.add(f"{low}_column", op, ["x", c.floats(3, 1, **away)], shape, **positive)
        c.add(f"{low}_constant_left", op, [c.floats(3, 1), "x"], shape, **positive)
        c.add(f"{low}_widens", op, ["x", c.floats(2, 3, 4, **away)], (2, 1, 4), **positive)
        c.add(f"{low}_more_axes", op, ["x", c.floats(3, 2, 1, **away)], (2, 4), **positive)
        tanh = helper.make_node("Tanh", ["x"], ["t"])
        c.add(f"{low}_two_of_one", op, ["x", "t"], shape, before=[tanh], **positive)
    c.add("max_three", "Max", ["x", c.floats(3, 4), c.floats(4)], shape)
    c.add("min_one", "Min", ["x"], shape)
    c.add("sum_three", "Sum", ["x", c.floats(3, 4), c.floats(4)], shape)
    c.add("add_opset_7", "Add", ["x", c.floats(4)], shape, opset=7)
    for exponent in (2.0, 3.0, 0.5, -1.0):
        c.add(f"pow_{exponent}", "Pow", ["x", scalar(exponent)], shape, **positive)
    c.add("pow_square_negative", "Pow", ["x", scalar(2.0)], shape)
    c.add("pow_tensor", "Pow", ["x", c.floats(4, low=1.0)], shape, **positive)
    c.add("pow_integer_exponent", "Pow", ["x", scalar(2, np.int64)], shape, opset=13)
    c.add("div_of_computed_integers", "Div", ["whole", int64(3, 2, -3, -2)], shape, low=-9.0, width=18.0, cast=True,
          smooth=False, before=[helper.make_node("Cast", ["x"], ["whole"], to=TensorProto.INT64)])
    # The shape is an integer, what has it is not.
    cast = lambda a, b, kind: helper.make_node("Cast", [a], [b], to=kind)
    shaped = [helper.make_node("Shape", ["x"], ["s"]), cast("s", "s32", TensorProto.INT32),
              cast("s32", "s64", TensorProto.INT64), helper.make_node("Reshape", ["x", "s64"], ["a"]),
              helper.make_node("Exp", ["a"], ["e"])]
    c.add("div_after_a_computed_reshape", "Div", ["a", "e"], shape, before=shaped)
    steps = dict(low=-2.0, width=4.0)
    of_x = helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["q"])
    def quantised(name, step, zero, kind, **rest):
        made = [helper.make_node("Constant", [], ["step"], value=helper.make_tensor("step", TensorProto.FLOAT, [], [step])),
                helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("zero", kind, [], [zero]))]
        c.add(name, "DequantizeLinear", ["q", "step", "zero"], shape, before=[*made, of_x], **rest)
    quantised("quantize_uint8", 0.1, 12, TensorProto.UINT8, **steps)
    quantised("quantize_int8", 0.01, 0, TensorProto.INT8, **steps)
    weights = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    made = helper.make_node("DequantizeLinear", ["weights", "steps", "zeros"], ["w"], axis=0)
    held = [helper.make_node("Constant", [], [n], value=helper.make_tensor(n, k, d, v)) for n, k, d, v in (
        ("weights", TensorProto.INT8, [3, 4], weights.ravel().tolist()), ("steps", TensorProto.FLOAT, [3], [0.1, 0.2, 0.3]),
        ("zeros", TensorProto.INT8, [3], [0, 1, -1]))]
    c.add("dequantize_weights_by_row", "Gemm", ["x", "w"], (2, 4), transB=1, before=[*held, made])
    c.add("mod_float", "Mod", ["x", scalar(0.7)], shape, fmod=1, **positive)


def comparisons(c):
    shape = (2, 3, 4)
    for op in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"):
        c.add(op.lower(), op, ["x", c.floats(4)], shape, cast=True, smooth=False)
    above = helper.make_node("Greater", ["x", "zero"], ["above"])
    below = helper.make_node("Less", ["x", "half"], ["below"])
    constants = [helper.make_node("Constant", [], [n], value=helper.make_tensor(n, TensorProto.FLOAT, [], [v]))
                 for n, v in (("zero", 0.0), ("half", 0.5))]
    both = [*constants, above, below]
    c.add("not", "Not", ["above"], shape, before=both, cast=True, smooth=False)
    c.add("and", "And", ["above", "below"], shape, before=both, cast=True, smooth=False)
    c.add("or", "Or", ["above", "below"], shape, before=both, cast=True, smooth=False)
    c.add("xor", "Xor", ["above", "below"], shape, before=both, cast=True, smooth=False)
    root = helper.make_node("Log", ["x"], ["root"])
    c.add("is_nan", "IsNaN", ["root"], shape, before=[root], cast=True, smooth=False)
    inverse = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Reciprocal", ["r"], ["i"])]
    c.add("is_inf", "IsInf", ["i"], shape, before=inverse, cast=True, smooth=False)
    c.add("where", "Where", ["above", "x", c.floats(4)], shape, before=both)
    c.add("where_constant_condition", "Where", [np.array([True, False, True, False]), "x", c.floats(3, 1)], shape)
    c.add("where_both", "Where", ["above", "x", "t"], shape, before=[*both, helper.make_node("Exp", ["x"], ["t"])])
    c.add("cast_to_integer", "Cast", ["x"], shape, to=TensorProto.INT64, low=-4.0, width=8.0, cast=True, smooth=False)
    c.add("cast_to_bool", "Cast", ["x"], shape, to=TensorProto.BOOL, cast=True, smooth=False)
    c.add("argmax", "ArgMax", ["x"], shape, axis=1, cast=True, smooth=False)
    c.add("argmax_no_keepdims", "ArgMax", ["x"], shape, axis=-1, keepdims=0, cast=True, smooth=False)
    signs = helper.make_node("Sign", ["x"], ["signs"])
    for op in ("ArgMax", "ArgMin"):
        c.add(f"{op.lower()}_last", op, ["signs"], shape, axis=2, select_last_index=1, before=[signs], cast=True, smooth=False)
    c.add("argmin", "ArgMin", ["x"], shape, axis=2, cast=True, smooth=False)


def reductions(c):
    shape = (2, 3, 4, 2)
    for op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
               "ReduceSumSquare", "ReduceLogSumExp"):
        low = op.lower()
        c.add(f"{low}_attribute", op, ["x"], shape, opset=11, axes=[2, 3], keepdims=0)
        c.add(f"{low}_attribute_keep", op, ["x"], shape, opset=11, axes=[1])
        c.add(f"{low}_negative_axis", op, ["x"], shape, opset=11, axes=[-1], keepdims=0)
        c.add(f"{low}_input", op, ["x", int64(2, 3)], shape, opset=18, keepdims=0)
        c.add(f"{low}_input_keep", op, ["x", int64(-2)], shape, opset=18)
        c.add(f"{low}_opset_17_axes", op, ["x", int64(1)] if op == "ReduceSum" else ["x"], shape,
              **({} if op == "ReduceSum" else {"axes": [1]}))
    c.add("reducelogsum", "ReduceLogSum", ["x"], shape, axes=[1], low=0.5)
    c.add("reducelogsumexp_large", "ReduceLogSumExp", ["x"], shape, axes=[1, 2], keepdims=0, low=-200.0, width=400.0)
    c.add("reducesum_noop", "ReduceSum", ["x"], shape, opset=13, noop_with_empty_axes=1)
    c.add("reducemean_all", "ReduceMean", ["x"], shape, opset=13, keepdims=1,
          after=[helper.make_node("Mul", ["x", "o0"], ["scaled"])])


def shapes(c):
    shape = (2, 3, 4)
    c.add("reshape", "Reshape", ["x", int64(2, 12)], shape)
    c.add("reshape_keep_and_rest", "Reshape", ["x", int64(0, -1)], shape)
    c.add("reshape_rest_first", "Reshape", ["x", int64(-1, 2, 6)], shape)
    c.add("reshape_split_axis", "Reshape", ["x", int64(0, 0, 2, 2)], shape)
    c.add("reshape_allowzero", "Reshape", ["x", int64(-1, 4, 3)], shape, allowzero=1)
    c.add("flatten", "Flatten", ["x"], shape)
    c.add("flatten_axis_2", "Flatten", ["x"], shape, axis=2)
    c.add("flatten_axis_0", "Flatten", ["x"], shape, axis=0)
    c.add("flatten_negative_axis", "Flatten", ["x"], shape, axis=-1)
    c.add("transpose_default", "Transpose", ["x"], shape)
    c.add("transpose_nhwc", "Transpose", ["x"], (2, 3, 2, 4), perm=[0, 2, 3, 1])
    c.add("transpose_moves_batch", "Transpose", ["x"], shape, perm=[1, 0, 2])
    c.add("squeeze_attribute", "Squeeze", ["x"], (2, 1, 3, 1), opset=11, axes=[1, 3])
    c.add("squeeze_input", "Squeeze", ["x", int64(-1)], (2, 1, 3, 1))
    c.add("unsqueeze_attribute", "Unsqueeze", ["x"], (2, 3), opset=11, axes=[1, 3])
    c.add("unsqueeze_input", "Unsqueeze", ["x", int64(-1)], (2, 3))
    c.add("concat", "Concat", ["x", c.floats(2, 2, 4), "x"], shape, axis=1)
    c.add("concat_negative_axis", "Concat", ["x", c.floats(2, 3, 1)], shape, axis=-1)
    join = lambda n, axis: [helper.make_node("Concat", [f"o{i}" for i in reversed(range(n))], ["j"], axis=axis)]
    c.add("split_attribute", "Split", ["x"], (2, 6), opset=11, axis=1, split=[1, 3, 2], outputs=3, after=join(3, 1))
    c.add("split_input", "Split", ["x", int64(1, 5)], (2, 6), axis=1, outputs=2, after=join(2, 1))
    c.add("split_equal", "Split", ["x"], (2, 6), axis=-1, outputs=3, after=join(3, 1))
    c.add("split_num_outputs", "Split", ["x"], (2, 7), opset=18, axis=1, num_outputs=3, outputs=3, after=join(3, 1))
    c.add("slice_attribute", "Slice", ["x"], shape, opset=9, starts=[1, 0], ends=[3, 2], axes=[1, 2])
    c.add("slice_input", "Slice", ["x", int64(1), int64(3), int64(2)], shape)
    c.add("slice_negative", "Slice", ["x", int64(-3, -2), int64(-1, 9223372036854775807), int64(2, 1)], shape)
    c.add("slice_steps", "Slice", ["x", int64(0, 1), int64(3, 4), int64(1, 2), int64(2, 2)], shape)
    c.add("slice_reversed", "Slice", ["x", int64(-1), int64(-9223372036854775807), int64(2), int64(-1)], shape)
    c.add("slice_reversed_step_2", "Slice", ["x", int64(3), int64(0), int64(-1), int64(-2)], shape)
    c.add("slice_past_the_end", "Slice", ["x", int64(1), int64(100), int64(1)], shape)
    c.add("gather_rows", "Gather", ["x", int64(2, 0, 0)], shape, axis=1)
    c.add("gather_scalar", "Gather", ["x", scalar(1, np.int64)], shape, axis=1)
    c.add("gather_negative_index", "Gather", ["x", scalar(-1, np.int64)], shape, axis=2)
    c.add("gather_matrix", "Gather", ["x", np.array([[0, 2], [1, -1]], dtype=np.int64)], shape, axis=-2)
    plus = lambda value: [helper.make_node("Cast", [value], ["f"], to=TensorProto.FLOAT),
                          helper.make_node("Mul", ["x", "f"], ["p"])]
    c.add("shape", "Shape", ["x"], (2, 3, 3), after=plus("o0"))
    c.add("shape_part", "Shape", ["x"], (2, 3, 4), start=-1, end=3, opset=15, after=plus("o0"))
    c.add("size", "Size", ["x"], shape, after=plus("o0"))
    c.add("constant_of_shape", "ConstantOfShape", [int64(3, 1)], shape, after=plus("o0"),
          value=helper.make_tensor("value", TensorProto.FLOAT, [1], [1.5]))
    c.add("constant_of_shape_integer", "ConstantOfShape", [int64(4)], shape, after=plus("o0"),
          value=helper.make_tensor("value", TensorProto.INT64, [1], [3]))
    c.add("range", "Range", [scalar(1, np.int64), scalar(9, np.int64), scalar(2, np.int64)], shape, after=plus("o0"))
    c.add("range_down", "Range", [scalar(2.0), scalar(-2.0), scalar(-1.0)], shape, after=plus("o0"))
    c.add("expand", "Expand", ["x", int64(2, 3, 4)], (2, 1, 4))
    c.add("expand_more_axes", "Expand", ["x", int64(3, 1, 1)], (2, 4))
    c.add("tile", "Tile", ["x", int64(1, 2, 3)], (2, 2, 3))
    c.add("constant", "Mul", ["x", "k"], (2, 3),
          before=[helper.make_node("Constant", [], ["k"], value_floats=[1.0, 2.0, -3.0])])
    for op in ("Mod", "Div", "Add", "Sub", "Mul"):
        c.add(f"{op.lower()}_integer", op, [int64(7, -7, 9), int64(3, 3, -2)], (2, 3), after=plus("o0"))
    dims = [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
            helper.make_node("Unsqueeze", ["n", "first"], ["n1"]),
            helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0)]
    named = [helper.make_node("Constant", [], [n], value=helper.make_tensor(n, TensorProto.INT64, d, v))
             for n, d, v in (("zero", [], [0]), ("first", [1], [0]), ("rest", [1], [-1]))]
    empty = [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Slice", ["s", "three", "three"], ["none"]),
             helper.make_node("Slice", ["s", "first", "one"], ["n1"]),
             helper.make_node("Concat", ["n1", "none", "rest"], ["target"], axis=0)]
    more = [helper.make_node("Constant", [], [n], value=helper.make_tensor(n, TensorProto.INT64, [1], [v]))
            for n, v in (("three", 3), ("one", 1))]
    c.add("reshape_by_empty_slice", "Reshape", ["x", "target"], shape, before=named + more + empty)
    c.add("reshape_by_shape_of_x", "Reshape", ["x", "target"], shape, before=named + dims)


def images(c):
    image = (2, 2, 4, 3)
    c.add("pad_attribute", "Pad", ["x"], image, opset=10, pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.5)
    c.add("pad_constant", "Pad", ["x", int64(0, 0, 1, 0, 0, 1, 2, 1), scalar(-0.5)], image)
    c.add("pad_default", "Pad", ["x", int64(0, 0, 1, 1, 0, 0, 1, 1)], image)
    c.add("pad_negative", "Pad", ["x", int64(0, 0, -1, 1, 0, 0, -1, 0)], image)
    c.add("pad_reflect", "Pad", ["x", int64(0, 0, 2, 1, 0, 0, 1, 2)], image, mode="reflect")
    c.add("pad_edge", "Pad", ["x", int64(0, 0, 2, 1, 0, 0, 1, 2)], image, mode="edge")
    c.add("pad_wrap", "Pad", ["x", int64(0, 0, 2, 1, 0, 0, 1, 2)], image, opset=19, mode="wrap")
    c.add("pad_axes", "Pad", ["x", int64(1, 2), "", int64(3)], image, opset=18)
    def floats(*values):
        return np.array(values, dtype=np.float32)
    double, none = floats(1, 1, 2, 2), floats()
    c.add("resize_nearest_default", "Resize", ["x", "", double], image)
    c.add("resize_nearest_floor", "Resize", ["x", "", double], image, mode="nearest", nearest_mode="floor",
          coordinate_transformation_mode="asymmetric")
    c.add("resize_nearest_down", "Resize", ["x", "", floats(1, 1, 0.5, 0.5)], (2, 2, 4, 6), nearest_mode="floor",
          coordinate_transformation_mode="asymmetric")
    c.add("resize_nearest_ceil", "Resize", ["x", "", floats(1, 1, 1.5, 1.5)], image, nearest_mode="ceil")
    c.add("resize_linear", "Resize", ["x", "", double], image, mode="linear")
    c.add("resize_linear_pytorch", "Resize", ["x", "", double], image, mode="linear",
          coordinate_transformation_mode="pytorch_half_pixel")
    c.add("resize_linear_corners", "Resize", ["x", "", double], image, mode="linear",
          coordinate_transformation_mode="align_corners")
    c.add("resize_linear_asymmetric", "Resize", ["x", "", double], image, mode="linear",
          coordinate_transformation_mode="asymmetric")
    c.add("resize_linear_sizes", "Resize", ["x", "", "", int64(2, 2, 7, 5)], image, mode="linear")
    c.add("resize_opset_11_sizes", "Resize", ["x", none, none, int64(2, 2, 6, 6)], image, opset=11, mode="linear",
          coordinate_transformation_mode="pytorch_half_pixel")
    c.add("resize_opset_10", "Resize", ["x", double], image, opset=10, mode="nearest")
    c.add("upsample_opset_9", "Upsample", ["x", double], image, opset=9, mode="nearest")
    for mode in ("align_corners", "tf_half_pixel_for_nn", "half_pixel"):
        c.add(f"resize_nearest_{mode}", "Resize", ["x", none, none, int64(2, 2, 7, 5)], image, opset=11,
              nearest_mode="round_prefer_ceil", coordinate_transformation_mode=mode)
    c.add("resize_linear_down_pytorch", "Resize", ["x", "", floats(1, 1, 0.5, 0.5)], (2, 2, 6, 2), mode="linear",
          coordinate_transformation_mode="pytorch_half_pixel")
    c.add("resize_linear_symmetric", "Resize", ["x", "", floats(1, 1, 1.3, 0.9)], image, opset=19, mode="linear",
          coordinate_transformation_mode="half_pixel_symmetric")
    c.add("resize_linear_axes", "Resize", ["x", "", floats(2, 1.5)], image, opset=18, mode="linear", axes=[2, 3])
    c.add("resize_linear_nhwc", "Resize", ["x", "", floats(1, 2, 2, 1)], (2, 4, 3, 2), mode="linear")
    for name, rest in (("", {}), ("_exclude", dict(exclude_outside=1, cubic_coeff_a=-0.5)),
                       ("_corners", dict(coordinate_transformation_mode="align_corners"))):
        c.add(f"resize_cubic{name}", "Resize", ["x", "", floats(1, 1, 1.5, 2)], image, mode="cubic", **rest)
    c.add("upsample_opset_7", "Upsample", ["x"], image, opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 3.0])
    c.add("upsample_linear", "Upsample", ["x", double], image, opset=9, mode="linear")
    c.add("depth_to_space_dcr", "DepthToSpace", ["x"], (2, 8, 2, 3), blocksize=2)
    c.add("depth_to_space_crd", "DepthToSpace", ["x"], (2, 8, 2, 3), blocksize=2, mode="CRD")
    c.add("space_to_depth", "SpaceToDepth", ["x"], (2, 2, 4, 6), blocksize=2)


def cases():
    c = Cases()
    for group in (convolutions, products, pools, normalisations, activations, arithmetic, comparisons, reductions,
                  shapes, images, *node_case_ranked.GROUPS):
        group(c)
    return c.all
