"""Operators that move, pick, repeat or count elements."""

import math

import torch
import torch.nn.functional as F
from onnx import numpy_helper


def ints(value):
    return [int(v) for v in value]


def axes_of(node, axes):
    """Axes are an input in newer opsets and an attribute in older ones; None if absent."""
    return ints(axes) if axes is not None else node("axes")


def reshape(node, x, shape):
    target = ints(shape)
    if not node("allowzero", 0):
        target = [x.shape[i] if d == 0 else d for i, d in enumerate(target)]
    return x.reshape(target)


def flatten(node, x):
    axis = node("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def squeeze(node, x, axes=None):
    axes = axes_of(node, axes)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def unsqueeze(node, x, axes=None):
    axes = axes_of(node, axes)
    rank = x.dim() + len(axes)
    for axis in sorted(a % rank for a in axes):
        x = x.unsqueeze(axis)
    return x


def split(node, x, sizes=None):
    axis = node("axis", 0)
    sizes = ints(sizes) if sizes is not None else node("split")
    if sizes is None:
        sizes = math.ceil(x.shape[axis] / len(node.outputs))
    return x.split(sizes, axis)


def slice_(node, x, starts=None, ends=None, axes=None, steps=None):
    starts = ints(starts) if starts is not None else node("starts")
    ends = ints(ends) if ends is not None else node("ends")
    axes = axes_of(node, axes) or list(range(len(starts)))
    steps = ints(steps) if steps is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        chosen = range(x.shape[axis])[slice(start, end if end >= -x.shape[axis] else None, step)]
        x = x.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64))
    return x


def gather(node, x, indices):
    axis = node("axis", 0) % x.dim()
    indices = torch.where(indices < 0, indices + x.shape[axis], indices)
    taken = x.index_select(axis, indices.reshape(-1))
    return taken.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def constant_of_shape(node, shape):
    value = node("value")
    fill = torch.from_numpy(numpy_helper.to_array(value).copy()) if value is not None else torch.zeros(1)
    kind = node.dtype if fill.is_floating_point() else fill.dtype
    return torch.full(ints(shape), fill.item(), dtype=kind)


def expand(node, x, shape):
    return x.expand(torch.broadcast_shapes(x.shape, tuple(ints(shape))))


def pad(node, x, pads=None, value=None, axes=None):
    pads = ints(pads) if pads is not None else node("pads")
    value = value.item() if value is not None else node("value", 0.0)
    half = len(pads) // 2
    axes = ints(axes) if axes is not None else list(range(half))
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}[node("mode", "constant")]
    for i, axis in enumerate(axes):
        moved = x.movedim(axis, -1)
        flat = moved.reshape(1, -1, moved.shape[-1])
        extra = {"value": value} if mode == "constant" else {}
        flat = F.pad(flat, (pads[i], pads[i + half]), mode, **extra)
        x = flat.reshape(*moved.shape[:-1], flat.shape[-1]).movedim(-1, axis)
    return x


def depth_to_space(node, x):
    n, c, h, w = x.shape
    b = node("blocksize")
    if node("mode", "DCR") == "DCR":
        return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)
    return x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // b**2, h * b, w * b)


def space_to_depth(node, x):
    n, c, h, w = x.shape
    b = node("blocksize")
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


def source(mode, length, size, scale):
    """Where each of `length` output positions lies on an axis of `size`."""
    out = torch.arange(length, dtype=torch.float64)
    if mode == "align_corners":
        return out * (size - 1) / (length - 1) if length > 1 else out * 0
    if mode == "asymmetric":
        return out / scale
    if mode == "pytorch_half_pixel" and length == 1:
        return out * 0
    if mode == "tf_half_pixel_for_nn":
        return (out + 0.5) / scale
    if mode == "half_pixel_symmetric":
        return size / 2 * (1 - length / (scale * size)) + (out + 0.5) / scale - 0.5
    return (out + 0.5) / scale - 0.5


def cubic(node, x, axis, at):
    """Four taps at every place `at` of one axis, with the weights of Keys' kernel."""
    size, low, a = x.shape[axis], torch.floor(at), node("cubic_coeff_a", -0.75)
    taps = [low + i for i in (-1, 0, 1, 2)]
    near = lambda d: (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = lambda d: a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    weights = [torch.where((at - tap).abs() <= 1, near((at - tap).abs()), far((at - tap).abs())) for tap in taps]
    if node("exclude_outside", 0):
        weights = [w * ((tap >= 0) & (tap < size)) for w, tap in zip(weights, taps)]
        weights = [w / sum(weights) for w in weights]
    shape = [-1] + [1] * (x.dim() - 1 - axis)
    pick = lambda tap: x.index_select(axis, tap.clamp(0, size - 1).to(torch.int64))
    return sum(pick(tap) * w.to(x.dtype).reshape(shape) for tap, w in zip(taps, weights))


def resize(node, x, *rest):
    """One axis after the other; Upsample and Resize of every opset."""
    scales, sizes = None, None
    if node.op == "Upsample" or node.opset < 11:
        scales = rest[0] if rest else torch.tensor(node("scales"))
    else:
        _, scales, sizes = (*rest, None, None, None)[:3]
    old = node.op == "Upsample" or node.opset < 11
    mode = "asymmetric" if old else node("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else node("nearest_mode", "round_prefer_floor")
    for i, axis in enumerate(node("axes", list(range(x.dim())))):
        size = x.shape[axis]
        if sizes is not None and len(sizes):
            length = int(sizes[i])
            scale = length / size
        else:
            scale = float(scales[i])
            length = math.floor(size * scale)
        if length == size and scale == 1:
            continue
        at = source(mode, length, size, scale)
        if node("mode", "nearest") == "nearest":
            at = {"floor": torch.floor, "ceil": torch.ceil, "round_prefer_ceil": lambda v: torch.floor(v + 0.5),
                  "round_prefer_floor": lambda v: torch.ceil(v - 0.5)}[rounding](at)
            x = x.index_select(axis, at.clamp(0, size - 1).to(torch.int64))
        elif node("mode") == "cubic":
            x = cubic(node, x, axis, at)
        else:
            low = torch.floor(at)
            part = (at - low).to(x.dtype).reshape([-1] + [1] * (x.dim() - 1 - axis))
            pick = lambda v: x.index_select(axis, v.clamp(0, size - 1).to(torch.int64))
            x = pick(low) * (1 - part) + pick(low + 1) * part
    return x


OPS = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": lambda n, x: x.permute(n("perm", list(range(x.dim()))[::-1])),
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": lambda n, *xs: torch.cat(xs, n("axis")),
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Shape": lambda n, x: torch.tensor(x.shape[n("start", 0) : n("end", x.dim())], dtype=torch.int64),
    "Size": lambda n, x: torch.tensor(x.numel(), dtype=torch.int64),
    "ConstantOfShape": constant_of_shape,
    "Range": lambda n, start, limit, delta: torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype),
    "Expand": expand,
    "Tile": lambda n, x, repeats: x.repeat(ints(repeats)),
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
