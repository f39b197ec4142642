"""What the golden files of whole networks hold, and how it is measured."""

import numpy as np
import onnx
import onnxruntime
import torch

import formula
import kinks
from onnx_torch import Interpreter, gradient, relative_error

# Gradients with more values than this are kept at SAMPLED positions, with their projections.
FULL = 20_000
SAMPLED = 256
# PyTorch adds in another order in each: threads and memory layout.
PATHS = [(threads, layout) for threads in (1, 2) for layout in (torch.contiguous_format, torch.channels_last)]


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


def runs(model, x, weights, fixed, fetch):
    """(outputs, gradients) of f64, of f32 on each of PATHS, and gradients after other decisions at kinks."""
    exact, single = Interpreter(model, torch.float64), Interpreter(model, torch.float32)
    parts = []
    for a, c in zip(batches(x, fixed), batches(weights, fixed)):
        kept = [{} for _ in range(1 + len(PATHS))]
        results = [gradient(exact, a, c, fetch, ops=kinks.watched(kept[0]))]
        for seen, (threads, layout) in zip(kept[1:], PATHS):
            torch.set_num_threads(threads)
            results.append(gradient(single, a, c, fetch, layout, kinks.watched(seen)))
        parts.append((results, kinks.jumps(exact, a, c, fetch, kept[0], kept[1:])))
    joined = lambda pieces: [np.concatenate(same) for same in zip(*pieces)]
    outputs = joined([[y for y, _ in results] for results, _ in parts])
    gradients = joined([[g for _, g in results] for results, _ in parts])
    return outputs, gradients, joined([jumped for _, jumped in parts])


def stored(value):
    """The values that are kept of a gradient."""
    return value if value.size <= FULL else value.reshape(-1)[formula.positions(value.size, SAMPLED)]


def worst(values, exact):
    """The largest errors among `values`: L2 norm of all over that of `exact`; median and largest of the stored ones over the
    largest value of `exact`."""
    length, scale = np.linalg.norm(exact) or 1.0, abs(exact).max() or 1.0
    errors = [abs(stored(v) - stored(exact)) / scale for v in values]
    return {"median": float(max(np.median(e) for e in errors)), "largest": float(max(e.max() for e in errors)),
            "norm": float(max(np.linalg.norm(v - exact) for v in values) / length)}


def measure(model, x, expected, fetch=None):
    """Output and gradient of sum(coefficient * output) for the value named `fetch` (default: the output).

    `expected` is onnxruntime's output, which f64 has to confirm. Gives (arrays, numbers): what to store, and the errors
    against f64 of PyTorch in f32 and of decisions at kinks.
    """
    fixed = graph_input(model)[1][0] == 1
    weights = formula.coefficients(expected.size).reshape(expected.shape)
    (y64, *y32), (g64, *g32), jumped = runs(model, x, weights, fixed, fetch)
    ort = relative_error(expected, y64)
    assert ort < 1e-5, f"onnxruntime and PyTorch in f64 differ by {ort:.1e}"
    arrays = {"output": y64, "gradient": stored(g64).astype(np.float32)}
    if g64.size > FULL:
        arrays["projections"] = formula.projections(g64)
    numbers = {
        "gradient_max": float(abs(g64).max()),
        "gradient_norm": float(np.linalg.norm(g64)),
        "pytorch_output": worst(y32, y64),
        "pytorch_gradient": worst(g32, g64),
        "kinks": worst(jumped, g64),
        "onnxruntime_output": ort,
    }
    return arrays, numbers


def summary(numbers):
    """One line for people: median, norm and largest of each."""
    show = lambda name: "{median:.1e} {norm:.1e} {largest:.1e}".format(**numbers[name])
    return (f"onnxruntime {numbers['onnxruntime_output']:.1e}, PyTorch f32 output {show('pytorch_output')}"
            f" gradient {show('pytorch_gradient')}, kinks {show('kinks')}")


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
