"""The gradient of a batch in PyTorch, that of each image clipped before they are added (DP-SGD without noise).

    python shaped_gradient.py

Writes crates/gifthorse-train/tests/golden/shaped_gradient.json: `model` is the ONNX file in hexadecimal, its weights and the
images are `uniform(stream, i, low, width)`; everything else is PyTorch's in f64, each image by a backward pass of its own.
"""

import json
import pathlib

import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import formula

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/gifthorse-train/tests/golden/shaped_gradient.json"
BATCH, SHAPE, CLASSES = 6, (3, 8, 8), 5
LABELS = [3, 0, 4, 1, 1, 2]
WEIGHTS = [("conv.weight", (18, 3, 3, 3), -0.3, 0.6), ("conv.bias", (18,), -0.2, 0.4),
           ("fc.weight", (CLASSES, 288), -0.3, 0.6), ("fc.bias", (CLASSES,), -0.1, 0.2)]


def values():
    return {name: formula.uniform(formula.FIRST_TENSOR + 1 + i, shape, low, width)
            for i, (name, shape, low, width) in enumerate(WEIGHTS)}


def model():
    node = lambda op, inputs, output, **more: helper.make_node(op, inputs, [output], name=output, **more)
    nodes = [node("Conv", ["x", "conv.weight", "conv.bias"], "a", pads=[1, 1, 1, 1]), node("Relu", ["a"], "b"),
             node("MaxPool", ["b"], "c", kernel_shape=[2, 2], strides=[2, 2]), node("Flatten", ["c"], "d"),
             node("Gemm", ["d", "fc.weight", "fc.bias"], "y", transB=1)]
    end = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
    graph = helper.make_graph(nodes, "shaped_gradient", [end("x", *SHAPE)], [end("y", CLASSES)],
                              [numpy_helper.from_array(value, name) for name, value in values().items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    weights = {name: torch.from_numpy(value).double().requires_grad_() for name, value in values().items()}
    images = formula.uniform(formula.FIRST_TENSOR, (BATCH, *SHAPE), 0.0, 1.0)

    def gradient(x, label):
        a = nn.functional.conv2d(x[None], weights["conv.weight"], weights["conv.bias"], padding=1)
        y = nn.functional.linear(nn.functional.max_pool2d(torch.relu(a), 2).flatten(1), weights["fc.weight"], weights["fc.bias"])
        return torch.autograd.grad(nn.functional.cross_entropy(y, torch.tensor([label])), list(weights.values()))

    each = [gradient(x, label) for x, label in zip(torch.from_numpy(images).double(), LABELS)]
    lengths = [float(torch.sqrt(sum((g ** 2).sum() for g in of_image))) for of_image in each]
    clip = sorted(lengths)[BATCH // 2]
    numbers = lambda value: [float(f"{v:.9g}") for v in value.flatten().tolist()]
    summed = lambda factor: {name: numbers(sum(factor(length) * of_image[i] for of_image, length in zip(each, lengths)) / BATCH)
                             for i, name in enumerate(weights)}
    clip = float(f"{clip:.4g}")
    GOLDEN.write_text(json.dumps({
        "model": model().SerializeToString().hex(), "input": SHAPE, "labels": LABELS, "images": numbers(torch.from_numpy(images)),
        "lengths": [float(f"{length:.9g}") for length in lengths], "clip": clip,
        "clipped": summed(lambda length: min(1.0, clip / length)), "plain": summed(lambda length: 1.0),
    }, indent=0).replace(",\n", ",") + "\n")


main()
