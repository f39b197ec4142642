"""What the golden files of whole networks hold, and how it is measured."""

import numpy as np
import onnx
import onnxruntime
import torch

import formula
from onnx_torch import gradient, relative_error

torch.set_num_threads(2)

# Gradients with more values than this are kept at SAMPLED positions, with their sum and L2 norm.
FULL = 20_000
SAMPLED = 256


def session(path):
    """onnxruntime without graph rewriting, so that it computes what the file says."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def graph_input(model):
    """The one input that is not an initialiser: (name, dimensions, with None where free)."""
    stored = {i.name for i in model.graph.initializer}
    (value,) = [i for i in model.graph.input if i.name not in stored]
    dims = [d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim]
    return value.name, dims


def batches(x, fixed):
    return [x[i : i + 1] for i in range(len(x))] if fixed else [x]


def ort_output(runner, x, fixed):
    name = runner.get_inputs()[0].name
    return np.concatenate([runner.run(None, {name: part})[0] for part in batches(x, fixed)])


def torch_gradient(model, x, weights, fixed, dtype, fetch=None):
    parts = zip(batches(x, fixed), batches(weights, fixed))
    outputs, grads = zip(*[gradient(model, a, c, dtype, fetch) for a, c in parts])
    return np.concatenate(outputs), np.concatenate(grads)


def measure(model, x, fetch=None, expected=None):
    """Gradient of sum(coefficient * value) for the value named `fetch` (default: the output).

    Gives (arrays, numbers): what to store, and the errors of PyTorch f32, and of `expected` (onnxruntime's output),
    against f64.
    """
    fixed = graph_input(model)[1][0] == 1
    weights = formula.coefficients(expected.size).reshape(expected.shape)
    y64, g64 = torch_gradient(model, x, weights, fixed, torch.float64, fetch)
    y32, g32 = torch_gradient(model, x, weights, fixed, torch.float32, fetch)
    arrays = {"gradient": g64.astype(np.float32)}
    if g64.size > FULL:
        arrays = {"gradient": g64.reshape(-1)[formula.positions(g64.size, SAMPLED)].astype(np.float32)}
    numbers = {
        "gradient_sampled": g64.size > FULL,
        "gradient_max": float(abs(g64).max()),
        "gradient_sum": float(g64.sum()),
        "gradient_norm": float(np.linalg.norm(g64)),
        "pytorch_f32_gradient_error": relative_error(g32, g64),
        "pytorch_f32_gradient_norm_error": float(np.linalg.norm(g32 - g64) / max(np.linalg.norm(g64), 1e-300)),
        "pytorch_f32_output_error": relative_error(y32, y64),
        "onnxruntime_output_error": relative_error(expected, y64),
    }
    return arrays, numbers


def with_output(model, name):
    """The model with the inner value `name` as its only output."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return model


def before_softmax(model):
    """The value that a final Softmax or LogSoftmax takes, or None."""
    last = model.graph.node[-1]
    return last.input[0] if last.op_type in ("Softmax", "LogSoftmax") else None
