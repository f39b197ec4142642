"""Operators that work on each element by itself, with broadcasting."""

from functools import reduce

import torch
import torch.nn.functional as F
from onnx import TensorProto


def bounds(node, low, high):
    """Bounds are attributes up to opset 6 and optional inputs from opset 11."""
    return node("min") if low is None else low.item(), node("max") if high is None else high.item()


def clip(node, x, low=None, high=None):
    low, high = bounds(node, low, high)
    return x if low is None and high is None else torch.clamp(x, low, high)


def cast(node, x):
    kinds = {TensorProto.INT64: torch.int64, TensorProto.INT32: torch.int32, TensorProto.BOOL: torch.bool}
    return x.to(kinds.get(node("to"), node.dtype))


def elu(x, alpha):
    return torch.where(x < 0, alpha * torch.expm1(x.clamp(max=0)), x)


def along(value, x, axis):
    """A scale or zero point as it broadcasts to `x`."""
    value = value.to(x.dtype)
    return value if value.numel() == 1 else value.reshape([-1] + [1] * (x.dim() - 1 - axis % x.dim()))


RANGES = {torch.uint8: (0, 255), torch.int8: (-128, 127)}


def quantize(node, x, scale, zero):
    """Rounding passes the gradient on, also at the two ends of the range; beyond them there is none."""
    low, high = RANGES[zero.dtype]
    x = x / along(scale, x, node("axis", 1))
    x = x + (torch.round(x) - x).detach()
    x = x + along(zero, x, node("axis", 1))
    return torch.where((x >= low) & (x <= high), x, x.detach().clamp(low, high))


def dequantize(node, x, scale, zero):
    x = x.to(node.dtype)
    return (x - along(zero, x, node("axis", 1))) * along(scale, x, node("axis", 1))


OPS = {
    "Identity": lambda n, x: x,
    "Dropout": lambda n, x, *_: x,
    "Cast": cast,
    "Clip": clip,
    "Relu": lambda n, x: torch.relu(x),
    "LeakyRelu": lambda n, x: torch.where(x < 0, n("alpha", 0.01) * x, x),
    "PRelu": lambda n, x, slope: torch.where(x < 0, slope * x, x),
    "Elu": lambda n, x: elu(x, n("alpha", 1.0)),
    "Selu": lambda n, x: n("gamma", 1.0507009873554805) * elu(x, n("alpha", 1.6732632423543772)),
    "Sigmoid": lambda n, x: torch.sigmoid(x),
    "Tanh": lambda n, x: torch.tanh(x),
    "HardSigmoid": lambda n, x: (n("alpha", 0.2) * x + n("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda n, x: x * (x / 6 + 0.5).clamp(0, 1),
    "Gelu": lambda n, x: F.gelu(x, approximate=n("approximate", "none")),
    "Softplus": lambda n, x: F.softplus(x),
    "Erf": lambda n, x: torch.erf(x),
    "Sign": lambda n, x: torch.sign(x),
    "Sqrt": lambda n, x: torch.sqrt(x),
    "Exp": lambda n, x: torch.exp(x),
    "Log": lambda n, x: torch.log(x),
    "Neg": lambda n, x: -x,
    "Abs": lambda n, x: torch.abs(x),
    "Reciprocal": lambda n, x: 1 / x,
    "Floor": lambda n, x: torch.floor(x),
    "Ceil": lambda n, x: torch.ceil(x),
    "Round": lambda n, x: torch.round(x),
    "Sin": lambda n, x: torch.sin(x),
    "Cos": lambda n, x: torch.cos(x),
    "Add": lambda n, a, b: a + b,
    "Sub": lambda n, a, b: a - b,
    "Mul": lambda n, a, b: a * b,
    "Div": lambda n, a, b: a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc"),
    "Mod": lambda n, a, b: torch.fmod(a, b) if n("fmod", 0) else torch.remainder(a, b),
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "Mish": lambda n, x: F.mish(x),
    "Swish": lambda n, x: x * torch.sigmoid(n("alpha", 1.0) * x),
    "Celu": lambda n, x: F.celu(x, n("alpha", 1.0)),
    "Softsign": lambda n, x: F.softsign(x),
    "ThresholdedRelu": lambda n, x: torch.where(x > n("alpha", 1.0), x, 0.0),
    "Shrink": lambda n, x: torch.where(x > n("lambd", 0.5), x - n("bias", 0.0),
                                       torch.where(x < -n("lambd", 0.5), x + n("bias", 0.0), 0.0)),
    "IsNaN": lambda n, x: torch.isnan(x),
    "IsInf": lambda n, x: torch.isinf(x),
    "Xor": lambda n, a, b: a ^ b,
    "Pow": lambda n, a, b: torch.pow(a, b.to(a.dtype)),
    "Min": lambda n, *xs: reduce(torch.minimum, xs),
    "Max": lambda n, *xs: reduce(torch.maximum, xs),
    "Sum": lambda n, *xs: reduce(torch.add, xs),
    "Where": lambda n, condition, a, b: torch.where(condition, a, b),
    "Equal": lambda n, a, b: a == b,
    "Greater": lambda n, a, b: a > b,
    "GreaterOrEqual": lambda n, a, b: a >= b,
    "Less": lambda n, a, b: a < b,
    "LessOrEqual": lambda n, a, b: a <= b,
    "Not": lambda n, a: ~a,
    "And": lambda n, a, b: a & b,
    "Or": lambda n, a, b: a | b,
}
