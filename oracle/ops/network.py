"""Convolutions, matrix products, pools, normalisations, softmax and reductions."""

import math

import torch
import torch.nn.functional as F

from ops.shape import axes_of


def window(node, x, kernel):
    """(strides, dilations, pads before, pads after) of a convolution or pool, with auto_pad resolved."""
    rank = len(kernel)
    strides = node("strides", [1] * rank)
    dilations = node("dilations", [1] * rank)
    auto = node("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = node("pads", [0] * 2 * rank) if auto == "NOTSET" else [0] * 2 * rank
        return strides, dilations, pads[:rank], pads[rank:]
    before, after = [], []
    for size, k, s, d in zip(x.shape[2:], kernel, strides, dilations):
        total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
        small, large = total // 2, total - total // 2
        before.append(small if auto == "SAME_UPPER" else large)
        after.append(large if auto == "SAME_UPPER" else small)
    return strides, dilations, before, after


def padded(x, before, after, value):
    pairs = [p for pair in zip(reversed(before), reversed(after)) for p in pair]
    return F.pad(x, pairs, value=value)


def conv(node, x, weight, bias=None):
    strides, dilations, before, after = window(node, x, weight.shape[2:])
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[x.dim() - 2]
    return function(padded(x, before, after, 0.0), weight, bias, strides, 0, dilations, node("group", 1))


def conv_transpose(node, x, weight, bias=None):
    rank = x.dim() - 2
    strides, dilations = node("strides", [1] * rank), node("dilations", [1] * rank)
    pads, extra = list(node("pads", [0] * 2 * rank)), node("output_padding", [0] * rank)
    function = {1: F.conv_transpose1d, 2: F.conv_transpose2d}[rank]
    full = function(x, weight, bias, strides, 0, extra, node("group", 1), dilations)
    wanted = node("output_shape")
    if node("auto_pad", "NOTSET").startswith("SAME"):
        wanted = [size * stride for size, stride in zip(x.shape[2:], strides)]
    for axis in range(rank if wanted else 0):
        total = full.shape[axis + 2] - wanted[axis]
        before = total // 2 if node("auto_pad", "NOTSET") == "SAME_UPPER" else total - total // 2
        pads[axis], pads[axis + rank] = before, total - before
    for axis in range(rank):
        end = full.shape[axis + 2] - pads[axis + rank]
        full = full.narrow(axis + 2, pads[axis], end - pads[axis])
    return full


def overhang(node, x, kernel, strides, dilations, before, after):
    """Padding beyond `after` that ceil_mode asks for; a window must still start inside input or left padding."""
    extra = []
    for size, k, s, d, b, a in zip(x.shape[2:], kernel, strides, dilations, before, after):
        room = size + b + a - (k - 1) * d - 1
        steps = math.ceil(room / s) if node("ceil_mode", 0) else room // s
        if steps * s >= size + b:
            steps -= 1
        extra.append(max(steps * s - room, 0))
    return extra


def max_pool(node, x, judged=None):
    """`judged`, of the shape of `x`, may say in its place which value of each window wins."""
    kernel = node("kernel_shape")
    strides, dilations, before, after = window(node, x, kernel)
    extra = overhang(node, x, kernel, strides, dilations, before, after)
    ready = lambda value: padded(value, before, [a + e for a, e in zip(after, extra)], -math.inf)
    function = {1: F.max_pool1d, 2: F.max_pool2d}[len(kernel)]
    if judged is None:
        return function(ready(x), kernel, strides, 0, dilations)
    _, winners = function(ready(judged), kernel, strides, 0, dilations, return_indices=True)
    return ready(x).flatten(2).gather(2, winners.flatten(2)).reshape(winners.shape)


def average_pool(node, x):
    kernel = node("kernel_shape")
    strides, dilations, before, after = window(node, x, kernel)
    extra = overhang(node, x, kernel, strides, dilations, before, after)
    counted = padded(torch.ones_like(x), before, after, float(node("count_include_pad", 0)))
    ones = torch.ones([1, 1] + kernel, dtype=x.dtype)

    def sums(value):
        flat = value.reshape(-1, 1, *value.shape[2:])
        function = {1: F.conv1d, 2: F.conv2d}[len(kernel)]
        out = function(flat, ones, None, strides, 0, dilations)
        return out.reshape(*value.shape[:2], *out.shape[2:])

    beyond = lambda value: padded(value, [0] * len(extra), extra, 0.0)
    return sums(beyond(padded(x, before, after, 0.0))) / sums(beyond(counted))


def per_channel(value, x):
    return value.reshape([1, -1] + [1] * (x.dim() - 2))


def batch_normalization(node, x, scale, bias, mean, var):
    factor = scale / torch.sqrt(var + node("epsilon", 1e-5))
    return x * per_channel(factor, x) + per_channel(bias - mean * factor, x)


def layer_normalization(node, x, scale, bias=None):
    axes = list(range(node("axis", -1) % x.dim(), x.dim()))
    centred = x - x.mean(axes, keepdim=True)
    normal = centred / torch.sqrt((centred**2).mean(axes, keepdim=True) + node("epsilon", 1e-5))
    return normal * scale if bias is None else normal * scale + bias


def instance_normalization(node, x, scale, bias):
    axes = list(range(2, x.dim()))
    centred = x - x.mean(axes, keepdim=True)
    normal = centred / torch.sqrt((centred**2).mean(axes, keepdim=True) + node("epsilon", 1e-5))
    return normal * per_channel(scale, x) + per_channel(bias, x)


def group_normalization(node, x, scale, bias):
    if node.opset < 21:
        scale, bias = (v.repeat_interleave(x.shape[1] // node("num_groups")) for v in (scale, bias))
    return F.group_norm(x, node("num_groups"), scale, bias, node("epsilon", 1e-5))


def rms_normalization(node, x, scale):
    axes = list(range(node("axis", -1) % x.dim(), x.dim()))
    return x / torch.sqrt((x**2).mean(axes, keepdim=True) + node("epsilon", 1e-5)) * scale


def lrn(node, x):
    size, channels = node("size"), x.shape[1]
    before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
    squares = F.pad(x**2, [0, 0] * (x.dim() - 2) + [before, after])
    total = sum(squares[:, i : i + channels] for i in range(size))
    return x / (node("bias", 1.0) + node("alpha", 1e-4) / size * total) ** node("beta", 0.75)


def softmax(function):
    """From opset 13 along one axis; before, over everything from `axis` on."""

    def apply(node, x):
        if node.opset >= 13:
            return function(x, node("axis", -1))
        axis = node("axis", 1) % x.dim()
        return function(x.flatten(axis), axis).reshape(x.shape)

    return apply


def gemm(node, a, b, c=None):
    a = a.T if node("transA", 0) else a
    b = b.T if node("transB", 0) else b
    product = node("alpha", 1.0) * (a @ b)
    return product if c is None else product + node("beta", 1.0) * c


def reduction(function):
    def apply(node, x, axes=None):
        axes = axes_of(node, axes)
        if not axes:
            if node("noop_with_empty_axes", 0):
                return x
            axes = list(range(x.dim()))
        return function(x, [a % x.dim() for a in axes], bool(node("keepdims", 1)))

    return apply


def product(x, axes, keep):
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def arg(function):
    def apply(node, x):
        x = x.flip(node("axis", 0)) if node("select_last_index", 0) else x
        index = function(x, node("axis", 0), keepdim=bool(node("keepdims", 1)))
        return x.shape[node("axis", 0)] - 1 - index if node("select_last_index", 0) else index

    return apply


OPS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda n, x: x.mean(list(range(2, x.dim())), keepdim=True),
    "GlobalMaxPool": lambda n, x: x.amax(list(range(2, x.dim())), keepdim=True),
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "InstanceNormalization": instance_normalization,
    "GroupNormalization": group_normalization,
    "RMSNormalization": rms_normalization,
    "LpNormalization": lambda n, x: F.normalize(x, n("p", 2), n("axis", -1), 0.0),
    "Einsum": lambda n, *xs: torch.einsum(n("equation"), *xs),
    "LRN": lrn,
    "Softmax": softmax(torch.softmax),
    "LogSoftmax": softmax(torch.log_softmax),
    "MatMul": lambda n, a, b: a @ b,
    "Gemm": gemm,
    "ReduceMean": reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceMax": reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceProd": reduction(product),
    "ReduceL1": reduction(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "ReduceL2": reduction(lambda x, axes, keep: (x**2).sum(axes, keepdim=keep).sqrt()),
    "ReduceSumSquare": reduction(lambda x, axes, keep: (x**2).sum(axes, keepdim=keep)),
    "ReduceLogSum": reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "ReduceLogSumExp": reduction(lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep)),
    "ArgMax": arg(torch.argmax),
    "ArgMin": arg(torch.argmin),
}
