"""Operators that rank, mark, add up along an axis, or know diagonals."""

import torch
import torch.nn.functional as F


def top_k(node, x, k=None):
    axis = node("axis", -1)
    count = int(k) if k is not None else node("k")
    largest = bool(node("largest", 1))
    # Stable, so that of equal entries the first comes first.
    order = torch.sort(x, dim=axis, descending=largest, stable=True).indices.narrow(axis, 0, count)
    return torch.gather(x, axis, order), order


def one_hot(node, indices, depth, values):
    depth = int(depth)
    axis = node("axis", -1) % (indices.dim() + 1)
    at = torch.where(indices < 0, indices + depth, indices).unsqueeze(axis)
    shape = [1] * at.dim()
    shape[axis] = depth
    hit = at == torch.arange(depth).reshape(shape)
    return torch.where(hit, values[1], values[0])


def hardmax(node, x):
    shape = x.shape
    axis = node("axis", 1 if node.opset < 13 else -1)
    flat = x.flatten(axis) if node.opset < 13 else x.movedim(axis, -1)
    marked = F.one_hot(flat.argmax(-1), flat.shape[-1]).to(x.dtype)
    return marked.reshape(shape) if node.opset < 13 else marked.movedim(-1, axis)


def cumulative_sum(node, x, axis):
    axis = int(axis)
    x = x.flip(axis) if node("reverse", 0) else x
    total = torch.cumsum(x, axis)
    total = total - x if node("exclusive", 0) else total
    return total.flip(axis) if node("reverse", 0) else total


def trilu(node, x, k=None):
    first = int(k) if k is not None else 0
    return torch.triu(x, first) if node("upper", 1) else torch.tril(x, first)


REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def scatter_elements(node, x, indices, updates):
    axis = node("axis", 0)
    at = torch.where(indices < 0, indices + x.shape[axis], indices)
    how = node("reduction", "none")
    return x.scatter(axis, at, updates) if how == "none" else x.scatter_reduce(axis, at, updates, REDUCTIONS[how])


def scatter_nd(node, x, indices, updates):
    """One update after the other."""
    how = {"none": lambda a, b: b, "add": torch.add, "mul": torch.mul, "max": torch.maximum, "min": torch.minimum}
    combine = how[node("reduction", "none")]
    rows = indices.reshape(-1, indices.shape[-1])
    for row, update in zip(rows, updates.reshape(len(rows), *x.shape[indices.shape[-1] :])):
        mask = torch.zeros(x.shape, dtype=torch.bool)
        mask[tuple(row)] = True
        x = torch.where(mask, combine(x, update.expand(x.shape)), x)
    return x


def lp_pool(node, x):
    p = node("p", 2)
    pads = node("pads", [0] * 4)
    x = F.pad(x.abs() ** p, (pads[1], pads[3], pads[0], pads[2]))
    kernel, dilation = node("kernel_shape"), node("dilations", [1, 1])
    ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
    sums = F.conv2d(x, ones, stride=node("strides", [1, 1]), dilation=dilation, groups=x.shape[1])
    return sums ** (1 / p)


OPS = {
    "TopK": top_k,
    "OneHot": one_hot,
    "Hardmax": hardmax,
    "CumSum": cumulative_sum,
    "Trilu": trilu,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "LpPool": lp_pool,
    "GlobalLpPool": lambda n, x: (x.abs() ** n("p", 2)).sum((2, 3), keepdim=True) ** (1 / n("p", 2)),
    "Tan": lambda n, x: torch.tan(x),
    "Asin": lambda n, x: torch.asin(x),
    "Acos": lambda n, x: torch.acos(x),
    "Atan": lambda n, x: torch.atan(x),
    "Sinh": lambda n, x: torch.sinh(x),
    "Cosh": lambda n, x: torch.cosh(x),
    "Asinh": lambda n, x: torch.asinh(x),
    "Acosh": lambda n, x: torch.acosh(x),
    "Atanh": lambda n, x: torch.atanh(x),
}
