"""A node test case of the `onnx` package as a model that gifthorse takes: one float32 input, one row of scores.

The first tensor input that can come from an image, a float one if there is one, becomes the model's input `x`, of shape
[1, count], reshaped and cast to what the operator takes; the other operands become initialisers. One output is cast to
float32 and reshaped to [1, count]. A `Neg` ends the model, since a final softmax would be left off. A case with a
single number gives it twice, as a classifier has two classes or more.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Whole numbers up to this are exact in float32.
EXACT = 1 << 24
KINDS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
# gifthorse computes in float32 what a file holds in fewer bits.
TOLERANCE = {TensorProto.FLOAT16: 1e-3, TensorProto.BFLOAT16: 8e-3}


class CannotWrap(Exception):
    """Why a case is no classifier however it is wrapped."""


@dataclass
class Wrapped:
    """A model, its input and what it has to give."""

    model: bytes
    x: np.ndarray
    expected: np.ndarray
    tolerance: float


def array(value):
    """A tensor of the case's data as an array, however the package holds it; bfloat16 widened."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, (int, float, bool, np.generic)):
        value = np.array(value)
    if isinstance(value, np.ndarray) and value.dtype.name == "bfloat16":
        value = value.astype(np.float32)
    return value


def is_tensor(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.dtype.itemsize > 0


def exact_in_f32(value):
    return value.dtype.kind not in "iu" or value.size == 0 or int(abs(value.astype(np.float64)).max()) <= EXACT


def element_type(info):
    if not info.type.HasField("tensor_type"):
        raise CannotWrap("an operand is a sequence or an optional value")
    return info.type.tensor_type.elem_type


def place_of_x(graph, inputs):
    """The input that becomes `x`: the first float tensor, else the first tensor of numbers."""
    usable = [i for i, value in enumerate(inputs) if is_tensor(value) and value.size > 0]
    floats = [i for i in usable if element_type(graph.input[i]) in KINDS]
    if not usable:
        raise CannotWrap("no input is a tensor of numbers")
    return (floats or usable)[0]


def wrap(case, output):
    """The case's model with the given output; raises CannotWrap."""
    graph = case.model.graph
    inputs, outputs = ([array(value) for value in values] for values in case.data_sets[0])
    if not inputs:
        raise CannotWrap("it has no input")
    expected = outputs[output]
    if not is_tensor(expected):
        raise CannotWrap("its output is no tensor of numbers in a type that NumPy has")
    if expected.size == 0:
        raise CannotWrap("its output is empty")
    at = place_of_x(graph, inputs)
    x = inputs[at]
    if not exact_in_f32(x) or not exact_in_f32(expected):
        raise CannotWrap("whole numbers that float32 does not hold")
    opset = max(o.version for o in case.model.opset_import if o.domain == "")

    names = {v for n in graph.node for v in [*n.input, *n.output]} | {i.name for i in graph.input}
    own = lambda name: name + "_" * (1 + max(map(len, names)))
    initialisers = [numpy_helper.from_array(np.array(x.shape, dtype=np.int64), own("shape")),
                    numpy_helper.from_array(np.array([1, -1], dtype=np.int64), own("row"))]
    for i, (info, value) in enumerate(zip(graph.input, inputs)):
        if i == at:
            continue
        if not isinstance(value, np.ndarray):
            raise CannotWrap("an operand is a sequence or an optional value")
        given = case.data_sets[0][0][i]
        tensor = onnx.TensorProto()
        tensor.CopyFrom(given if isinstance(given, onnx.TensorProto) else numpy_helper.from_array(np.array(given)))
        tensor.name = info.name
        initialisers.append(tensor)
    kind = element_type(graph.input[at])
    shaped = own("shaped") if kind != TensorProto.FLOAT else graph.input[at].name
    before = [helper.make_node("Reshape", [own("x"), own("shape")], [shaped])]
    if kind != TensorProto.FLOAT:
        before.append(helper.make_node("Cast", [shaped], [graph.input[at].name], to=kind))
    after = [helper.make_node("Cast", [graph.output[output].name], [own("float")], to=TensorProto.FLOAT),
             helper.make_node("Reshape", [own("float"), own("row")], [own("flat")]),
             helper.make_node("Neg", [own("flat")], [own("negative")])]
    last = own("negative")
    expected = -expected.astype(np.float32).reshape(-1)
    if expected.size == 1:
        after.append(helper.make_node("Concat", [last, last], [own("twice")], axis=1))
        last, expected = own("twice"), np.repeat(expected, 2)
    ends = [helper.make_tensor_value_info(own("x"), TensorProto.FLOAT, [1, x.size]),
            helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, expected.size])]
    initialisers += graph.initializer
    made = helper.make_graph([*before, *graph.node, *after], case.name, ends[:1], ends[1:], initialisers)
    model = helper.make_model(made, opset_imports=case.model.opset_import, functions=case.model.functions,
                              ir_version=case.model.ir_version)
    if opset < 5:
        raise CannotWrap("an opset without Reshape to a shape that is an input")
    tolerance = TOLERANCE.get(element_type(graph.output[output]), 1e-4)
    return Wrapped(model.SerializeToString(), x.astype(np.float32).reshape(-1), expected, tolerance)


def agrees(got, expected, tolerance):
    """Within the tolerance of the largest finite number, with NaN and infinities in the same places."""
    if got.shape != expected.shape:
        return False
    finite = np.isfinite(expected)
    same = np.array_equal(got[~finite], expected[~finite], equal_nan=True)
    scale = abs(expected[finite]).max(initial=0.0)
    return bool(same and (abs(got[finite] - expected[finite]) <= tolerance * (scale or 1.0)).all())
