"""How far a gradient may jump because f32 puts a unit on the other side of a kink than f64 does.

A ReLU passes its gradient or does not, a max pool passes it to one value of each window. Where f64 decides by less than
the error of f32 values, f32 may decide otherwise; the gradient then differs by far more than rounding, in PyTorch as in any
other program, and which units jump is chance. So the decisions, and they alone, are made again on values with random errors,
normal and FACTOR times as large as PyTorch's own in that place (of a channel, where there are channels): what may happen to
a program whose values are FACTOR times as wrong as PyTorch's.
"""

import torch

from onnx_torch import gradient
from ops import OPS
from ops.elementwise import bounds
from ops.network import max_pool

FACTOR = 4
TRIALS = 8


def relu(node, x, judged):
    return torch.where(judged > 0, x, torch.zeros_like(x))


def clip(node, x, judged, low=None, high=None):
    for bound, outside in zip(bounds(node, low, high), (torch.lt, torch.gt)):
        if bound is not None:
            x = torch.where(outside(judged, bound), torch.full_like(x, bound), x)
    return x


DECIDED = {"Relu": relu, "Clip": clip, "MaxPool": max_pool}
# Operators with kinks for which no rule was needed so far.
UNKNOWN = {"Abs", "GlobalMaxPool", "HardSigmoid", "HardSwish", "LeakyRelu", "Max", "Min", "PRelu", "ReduceL1", "ReduceMax",
           "ReduceMin"}


def watched(seen):
    """OPS that keep what the operators with kinks were given."""

    def watch(op):
        def apply(node, x, *rest):
            seen[node.outputs[0]] = x.detach()
            return OPS[op](node, x, *rest)

        return apply

    return {**OPS, **{op: watch(op) for op in DECIDED}}


def sizes(exact, others):
    """FACTOR times the root mean square of the other runs' errors: by operator, of each channel if there are four axes."""
    found = {}
    for name, x in exact.items():
        squares = sum((other[name] - x) ** 2 for other in others) / len(others)
        found[name] = FACTOR * (squares.mean((0, 2, 3), keepdim=True) if x.dim() == 4 else squares.mean()).sqrt()
    return found


def jumps(interpreter, x, coefficients, fetch, exact, others):
    """Gradients after TRIALS random sets of such decisions.

    `exact` and `others` are what `watched` kept of the run in f64 and of runs of PyTorch in f32.
    """
    unknown = UNKNOWN & {node.op for node in interpreter.nodes}
    assert not unknown, f"no rule for the kinks of {unknown}"
    size = sizes(exact, others)
    generator = torch.Generator().manual_seed(0)

    def decide(op):
        def apply(node, x, *rest):
            error = size[node.outputs[0]] * torch.randn(x.shape, generator=generator, dtype=x.dtype)
            return DECIDED[op](node, x, x.detach() + error, *rest)

        return apply

    ops = {**OPS, **{op: decide(op) for op in DECIDED}}
    return [gradient(interpreter, x, coefficients, fetch, ops=ops)[1] for _ in range(TRIALS)]
