"""A small ONNX interpreter on PyTorch operations: the reference for gradients, in f32 or f64.

It shares no code with gifthorse and is itself checked against onnxruntime by every script that uses it.
"""

import onnx
import torch
from onnx import helper, numpy_helper

from ops import OPS


class Node:
    """One node's attributes, `node("axis", default)`, and the float type of the run."""

    def __init__(self, proto, opset, dtype):
        self.attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        self.opset, self.dtype = opset, dtype
        self.inputs, self.outputs, self.op, self.name = proto.input, proto.output, proto.op_type, proto.name

    def __call__(self, name, default=None):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


class Interpreter:
    """`Interpreter(model, torch.float64)(x)` gives the outputs as a dict; f32 constants are widened to `dtype`."""

    def __init__(self, model, dtype):
        self.dtype = dtype
        self.opset = next(o.version for o in model.opset_import if o.domain == "")
        self.constants = {i.name: self.tensor(i) for i in model.graph.initializer}
        self.inputs = [i.name for i in model.graph.input if i.name not in self.constants]
        self.nodes = [Node(n, self.opset, dtype) for n in model.graph.node]
        self.outputs = [o.name for o in model.graph.output]

    def tensor(self, proto):
        value = torch.from_numpy(numpy_helper.to_array(proto).copy())
        return value.to(self.dtype) if value.is_floating_point() else value

    def __call__(self, *inputs, fetch=(), ops=OPS):
        values = {"": None, **self.constants, **dict(zip(self.inputs, inputs, strict=True))}
        wanted = list(fetch) or self.outputs
        for node in self.nodes:
            if node.op == "Constant":
                results = self.constant(node)
            else:
                results = ops[node.op](node, *[values[i] for i in node.inputs])
            results = results if isinstance(results, (tuple, list)) else (results,)
            values.update(zip(node.outputs, results))
        return {name: values[name] for name in wanted}

    def constant(self, node):
        (kind, value), = node.attributes.items()
        if kind == "value":
            return self.tensor(value)
        return torch.tensor(value, dtype=torch.int64 if kind.startswith("value_int") else self.dtype)


def gradient(interpreter, x, coefficients, fetch=None, layout=torch.contiguous_format, ops=OPS):
    """The outputs at `x` and the gradient of sum(coefficients * output) to `x`, in the interpreter's float type."""
    x = torch.tensor(x, dtype=interpreter.dtype)
    x = (x.contiguous(memory_format=layout) if x.dim() == 4 else x).requires_grad_()
    (output,) = interpreter(x, fetch=[fetch] if fetch else (), ops=ops).values()
    scalar = (output * torch.tensor(coefficients, dtype=interpreter.dtype).reshape(output.shape)).sum()
    grad = None
    if scalar.requires_grad:
        (grad,) = torch.autograd.grad(scalar, x, allow_unused=True)
    grad = torch.zeros_like(x) if grad is None else grad
    return output.detach().numpy(), grad.numpy()


def relative_error(value, reference):
    """max |value - reference| / max |reference|."""
    scale = abs(reference).max()
    return float(abs(value - reference).max() / (scale if scale > 0 else 1.0))
