"""Products of quantised values; rounding passes gradients on within the range of the result."""

import torch
import torch.nn.functional as F

RANGES = {torch.uint8: (0, 255), torch.int8: (-128, 127)}


def wide(value, x, axis):
    """A scale or zero point as it broadcasts to `x`."""
    value = value.to(x.dtype) if value.is_floating_point() else value.to(x.dtype)
    if value.numel() == 1:
        return value.reshape(())
    shape = [1] * x.dim()
    shape[axis] = -1
    return value.reshape(shape)


def centred(node, x, zero, axis=0):
    x = x.to(node.dtype)
    return x if zero is None else x - wide(zero, x, axis)


def saturated(x, zero):
    low, high = RANGES[zero.dtype]
    x = x + (torch.round(x) - x).detach() + zero.to(x.dtype)
    return torch.where((x >= low) & (x <= high), x, x.detach().clamp(low, high))


def convolved(node, x, w, bias=None):
    pads = node("pads", [0] * 4)
    x = F.pad(x, (pads[1], pads[3], pads[0], pads[2]))
    bias = None if bias is None else bias.to(node.dtype)
    return F.conv2d(x, w, bias, node("strides", [1, 1]), 0, node("dilations", [1, 1]), node("group", 1))


def conv_integer(node, x, w, x_zero=None, w_zero=None):
    return convolved(node, centred(node, x, x_zero), centred(node, w, w_zero))


def quantised_conv(node, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias=None):
    sums = convolved(node, centred(node, x, x_zero), centred(node, w, w_zero), bias)
    return saturated(sums * (x_scale * wide(w_scale, sums, 1) / y_scale), y_zero)


def matmul_integer(node, a, b, a_zero=None, b_zero=None):
    return centred(node, a, a_zero, -2) @ centred(node, b, b_zero, -1)


def quantised_matmul(node, a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    sums = centred(node, a, a_zero, -2) @ centred(node, b, b_zero, -1)
    return saturated(sums * (wide(a_scale, sums, -2) * wide(b_scale, sums, -1) / y_scale), y_zero)


def dynamic(node, x):
    """The gradient is that of numbers which a rounding leaves where they are; nothing saturates but by rounding."""
    least, most = x.min().clamp(max=0), x.max().clamp(min=0)
    scale = (most - least) / 255
    through = lambda v: v + (torch.round(v) - v).detach()
    zero = through((-least / scale).clamp(0, 255))
    y = through(x / scale) + zero
    return torch.where((y >= 0) & (y <= 255), y, y.detach().clamp(0, 255)), scale, zero


OPS = {
    "ConvInteger": conv_integer,
    "QLinearConv": quantised_conv,
    "MatMulInteger": matmul_integer,
    "QLinearMatMul": quantised_matmul,
    "DynamicQuantizeLinear": dynamic,
    "CastLike": lambda n, x, like: x.to(like.dtype),
}
