"""Operator cases beside those of `node_case_list.py`: rankings, sums along an axis, diagonals, scattering, quantised products."""

import numpy as np
from onnx import TensorProto, helper


def int64(*values):
    return np.array(values, dtype=np.int64)


def scalar(value, kind=np.float32):
    return np.array(value, dtype=kind)


def functions(c):
    for op in ("Tan", "Asin", "Atan", "Sinh", "Cosh", "Asinh", "Atanh"):
        c.add(op.lower(), op, ["x"], (2, 5), low=-0.9, width=1.8)
    c.add("acos", "Acos", ["x"], (2, 5), low=-0.9, width=1.8)
    c.add("acosh", "Acosh", ["x"], (2, 5), low=1.1, width=2.0)
    c.add("cast_like_float", "CastLike", ["x", scalar(1.0)], (2, 5))
    c.add("cast_like_int", "CastLike", ["x", int64(1)], (2, 5), low=-5, width=10, smooth=False, cast=True)


def rankings(c):
    shape = (2, 3, 5)
    c.add("top_k", "TopK", ["x", int64(3)], shape, outputs=2, after=[value_of("o0")])
    c.add("top_k_smallest", "TopK", ["x", int64(2)], shape, outputs=2, largest=0, after=[value_of("o0")])
    c.add("top_k_axis", "TopK", ["x", int64(2)], shape, outputs=2, axis=1, after=[value_of("o0")])
    c.add("top_k_opset_1", "TopK", ["x"], shape, opset=9, outputs=2, k=3, axis=2, after=[value_of("o0")])
    c.add("top_k_indices", "TopK", ["x", int64(3)], shape, outputs=2, after=[value_of("o1")], smooth=False, cast=True)
    c.add("hardmax", "Hardmax", ["x"], shape, smooth=False)
    c.add("hardmax_axis", "Hardmax", ["x"], shape, axis=1, smooth=False)
    c.add("hardmax_opset_11", "Hardmax", ["x"], shape, opset=11, axis=1, smooth=False)
    best = helper.make_node("ArgMax", ["x"], ["best"], axis=2, keepdims=0)
    values = np.array([-1.0, 2.0], dtype=np.float32)
    c.add("one_hot", "OneHot", ["best", int64(5), values], shape, before=[best], smooth=False)
    c.add("one_hot_axis", "OneHot", ["best", int64(6), values], shape, before=[best], axis=1, smooth=False)
    for exclusive in (0, 1):
        for reverse in (0, 1):
            c.add(f"cum_sum_{exclusive}{reverse}", "CumSum", ["x", scalar(1, np.int64)], shape, exclusive=exclusive,
                  reverse=reverse)
    c.add("cum_sum_last", "CumSum", ["x", scalar(-1, np.int64)], shape)
    for name, k in (("", []), ("_above", [scalar(1, np.int64)]), ("_below", [scalar(-2, np.int64)])):
        c.add(f"triu{name}", "Trilu", ["x", *k], (2, 4, 5))
        c.add(f"tril{name}", "Trilu", ["x", *k], (2, 4, 5), upper=0)
    c.add("einsum_diagonal", "Einsum", ["x"], (2, 3, 3), equation="bii->bi")
    c.add("einsum_trace", "Einsum", ["x", c.floats(3, 4)], (2, 3, 3), equation="bii,ij->bj")


def value_of(output):
    return helper.make_node("Identity", [output], ["picked"])


def scattering(c):
    for how in ("add", "mul", "max", "min"):
        indices = np.array([[0, 2, 1], [1, 2, 2]], dtype=np.int64)
        c.add(f"scatter_elements_{how}", "ScatterElements", ["x", indices, c.floats(2, 3)], (4, 3), opset=18, axis=0,
              reduction=how)
        c.add(f"scatter_nd_{how}", "ScatterND", ["x", np.array([[1], [3], [1]], dtype=np.int64), c.floats(3, 3)], (4, 3),
              opset=18, reduction=how)
    c.add("scatter_of_x", "ScatterElements", [c.floats(4, 3), np.array([[0, 2, 1], [0, 0, 1]], dtype=np.int64), "x"], (2, 3),
          opset=18, axis=0, reduction="add", after=[helper.make_node("Reshape", ["o0", "two_rows"], ["two"])],
          before=[helper.make_node("Constant", [], ["two_rows"], value_ints=[2, -1])])


def pools(c):
    image = (2, 3, 6, 5)
    for p in (1, 2, 3):
        c.add(f"lp_pool_{p}", "LpPool", ["x"], image, p=p, kernel_shape=[3, 2], strides=[2, 1])
    c.add("lp_pool_pads", "LpPool", ["x"], image, kernel_shape=[3, 3], pads=[1, 0, 1, 1])
    c.add("lp_pool_dilations", "LpPool", ["x"], image, opset=18, kernel_shape=[2, 2], dilations=[2, 2])
    c.add("global_lp_pool", "GlobalLpPool", ["x"], image, p=2)


def quantised(c):
    """`x` is quantised to eight bits before, and the result is read as numbers."""
    zero, step = scalar(120, np.uint8), scalar(0.01)
    after = [helper.make_node("Cast", ["o0"], ["real"], to=TensorProto.FLOAT)]
    constants = [helper.make_node("Constant", [], ["step"], value=helper.make_tensor("", TensorProto.FLOAT, [], [0.01])),
                 helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("", TensorProto.UINT8, [], [120]))]
    before = [*constants, helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["q"])]
    weight = lambda *shape, kind=np.int8: np.random.default_rng(len(c.all)).integers(-90, 90, shape).astype(kind)
    image = (2, 3, 5, 5)
    scales = c.floats(4, low=0.005, width=0.02)
    q = dict(before=before, after=after)
    c.add("qlinear_conv", "QLinearConv", ["q", step, zero, weight(4, 3, 3, 3), scales, np.zeros(4, np.int8), scalar(0.05),
                                          scalar(100, np.uint8), np.array([50, -900, 7, 0], np.int32)], image, pads=[1, 1, 1, 1], **q)
    c.add("qlinear_conv_strides", "QLinearConv", ["q", step, zero, weight(6, 1, 2, 2), scalar(0.01), scalar(0, np.int8),
                                                  scalar(0.02), scalar(3, np.uint8)], image, strides=[2, 2], group=3, **q)
    c.add("conv_integer", "ConvInteger", ["q", weight(4, 3, 3, 3, kind=np.uint8), zero, scalar(9, np.uint8)], image,
          pads=[1, 1, 1, 1], **q)
    c.add("matmul_integer", "MatMulInteger", ["q", weight(5, 4, kind=np.uint8), zero, scalar(9, np.uint8)], (3, 5), **q)
    c.add("matmul_integer_columns", "MatMulInteger", ["q", weight(5, 4), zero, np.array([1, -2, 3, 0], np.int8)], (3, 5), **q)
    c.add("qlinear_matmul", "QLinearMatMul", ["q", step, zero, weight(5, 4), scalar(0.02), scalar(1, np.int8), scalar(0.03),
                                              scalar(110, np.uint8)], (3, 5), **q)
    c.add("qlinear_matmul_columns", "QLinearMatMul", ["q", step, zero, weight(5, 4), scales, np.zeros(4, np.int8), scalar(0.03),
                                                      scalar(110, np.uint8)], (3, 5), **q)
    back = [helper.make_node("Cast", ["o0"], ["whole"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["o2"], ["origin"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["whole", "origin"], ["moved"]),
            helper.make_node("Mul", ["moved", "o1"], ["real"])]
    c.add("dynamic_quantize", "DynamicQuantizeLinear", ["x"], (1, 12), outputs=3, after=back)


GROUPS = (functions, rankings, scattering, pools, quantised)
