"""An ONNX image classifier as a PyTorch module with frozen weights, as the peers run one: f32, NCHW, eager."""

import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper


def symmetric(pads):
    half = len(pads) // 2
    if pads[:half] != pads[half:]:
        raise NotImplementedError(f"pads {pads} differ between the ends of an axis")
    return pads[:half]


def conv(a, x, weight, bias=None):
    pads = symmetric(a.get("pads", [0, 0, 0, 0]))
    return F.conv2d(x, weight, bias, a.get("strides", 1), pads, a.get("dilations", 1), a.get("group", 1))


def gemm(a, x, weight, bias=None):
    if a.get("alpha", 1.0) != 1.0 or a.get("beta", 1.0) != 1.0 or a.get("transA", 0):
        raise NotImplementedError("a Gemm with alpha, beta or transA")
    return F.linear(x, weight if a.get("transB", 0) else weight.T, bias)


def max_pool(a, x):
    if a.get("ceil_mode", 0):
        raise NotImplementedError("a MaxPool with ceil_mode")
    return F.max_pool2d(x, a["kernel_shape"], a.get("strides", 1), symmetric(a.get("pads", [0, 0, 0, 0])))


def average_pool(a, x):
    if a.get("ceil_mode", 0):
        raise NotImplementedError("an AveragePool with ceil_mode")
    pads = symmetric(a.get("pads", [0, 0, 0, 0]))
    counted = bool(a.get("count_include_pad", 0))
    return F.avg_pool2d(x, a["kernel_shape"], a.get("strides", 1), pads, count_include_pad=counted)


def batch_norm(a, x, scale, bias, mean, var):
    return F.batch_norm(x, mean, var, scale, bias, eps=a.get("epsilon", 1e-5))


OPERATIONS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Conv": conv,
    "Div": lambda a, x, y: x / y,
    "Elu": lambda a, x: F.elu(x, a.get("alpha", 1.0)),
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "MaxPool": max_pool,
    "ReduceMean": lambda a, x: x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1))),
    "Relu": lambda a, x: F.relu(x),
    "Sub": lambda a, x, y: x - y,
}


class FrozenNet(torch.nn.Module):
    """`FrozenNet(path)(pixels)` gives the logits `[batch, classes]` of pixels `[batch, channels, height, width]`."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        self.names = {}
        for at, constant in enumerate(graph.initializer):
            self.names[constant.name] = f"constant_{at}"
            self.register_buffer(f"constant_{at}", torch.from_numpy(numpy_helper.to_array(constant).copy()))
        (self.input,) = [i.name for i in graph.input if i.name not in self.names]
        (self.output,) = [o.name for o in graph.output]
        self.nodes = []
        for node in graph.node:
            if node.op_type not in OPERATIONS:
                raise NotImplementedError(f"{path} has the operator {node.op_type}")
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            self.nodes.append((OPERATIONS[node.op_type], attributes, list(node.input), node.output[0]))

    def run(self, nodes, value, name):
        """All values by name, of `nodes` begun with the value of that name."""
        values = {name: getattr(self, buffer) for name, buffer in self.names.items()} | {name: value}
        for operation, attributes, inputs, output in nodes:
            values[output] = operation(attributes, *(values[name] for name in inputs))
        return values

    def forward(self, pixels):
        return self.run(self.nodes, pixels, self.input)[self.output]

    def halves(self):
        """The net as two functions: pixels to the features of the last convolutions, these to logits."""
        kinds = [operation for operation, *_ in self.nodes]
        last = max(at for at, kind in enumerate(kinds) if kind is conv)
        ends = (OPERATIONS["Flatten"], OPERATIONS["GlobalAveragePool"], OPERATIONS["ReduceMean"])
        cut = next(at for at in range(last, len(kinds)) if kinds[at] in ends)
        between = self.nodes[cut][2][0]
        features = lambda pixels: self.run(self.nodes[:cut], pixels, self.input)[between]
        head = lambda held: self.run(self.nodes[cut:], held, between)[self.output]
        return features, head
