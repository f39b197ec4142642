"""A step of training in PyTorch: logits, gradients and running statistics of a small network with batch norms in training mode.

    python training_step.py

Writes crates/gifthorse-engine/tests/golden/training_step.json: `model` is the ONNX file in hexadecimal (dropouts are left out,
since masks differ), its weights and the images are `uniform(stream, i, low, width)`; everything else is PyTorch's in f64.
"""

import json
import pathlib

import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import formula

GOLDEN = pathlib.Path(__file__).parent.parent / "crates/gifthorse-engine/tests/golden/training_step.json"
BATCH, SHAPE, CLASSES, MOMENTUM = 6, (3, 8, 8), 5, 0.1
# Name, shape, low and width of each initialiser, in the order of their streams. The second convolution has more channels than a lane.
WEIGHTS = [("conv1.weight", (18, 3, 3, 3), -0.3, 0.6), ("conv1.bias", (18,), -0.2, 0.4),
           ("bn1.weight", (18,), 0.5, 1.0), ("bn1.bias", (18,), -0.5, 1.0),
           ("bn1.running_mean", (18,), -0.5, 1.0), ("bn1.running_var", (18,), 0.5, 1.0),
           ("conv2.weight", (20, 18, 3, 3), -0.15, 0.3),
           ("bn2.weight", (20,), 0.5, 1.0), ("bn2.bias", (20,), -0.5, 1.0),
           ("bn2.running_mean", (20,), -0.5, 1.0), ("bn2.running_var", (20,), 0.5, 1.0),
           ("fc.weight", (CLASSES, 320), -0.1, 0.2), ("fc.bias", (CLASSES,), -0.1, 0.2)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 18, 3, padding=1), nn.BatchNorm2d(18, momentum=MOMENTUM)
        self.conv2, self.bn2 = nn.Conv2d(18, 20, 3, padding=1, bias=False), nn.BatchNorm2d(20, momentum=MOMENTUM)
        self.fc = nn.Linear(320, CLASSES)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.max_pool2d(self.bn2(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def values():
    return {name: formula.uniform(formula.FIRST_TENSOR + 1 + i, shape, low, width)
            for i, (name, shape, low, width) in enumerate(WEIGHTS)}


def model():
    norm = lambda name: [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    node = lambda op, inputs, output, **more: helper.make_node(op, inputs, [output], name=output, **more)
    nodes = [node("Conv", ["x", "conv1.weight", "conv1.bias"], "a", pads=[1, 1, 1, 1]),
             node("BatchNormalization", ["a", *norm("bn1")], "b", momentum=1 - MOMENTUM), node("Relu", ["b"], "c"),
             node("Conv", ["c", "conv2.weight"], "d", pads=[1, 1, 1, 1]),
             node("BatchNormalization", ["d", *norm("bn2")], "e", momentum=1 - MOMENTUM),
             node("MaxPool", ["e"], "f", kernel_shape=[2, 2], strides=[2, 2]), node("Flatten", ["f"], "g"),
             node("Gemm", ["g", "fc.weight", "fc.bias"], "y", transB=1)]
    end = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
    graph = helper.make_graph(nodes, "training_step", [end("x", *SHAPE)], [end("y", CLASSES)],
                              [numpy_helper.from_array(value, name) for name, value in values().items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    net = Net().double().train()
    state = {name: torch.from_numpy(value).double() for name, value in values().items()}
    net.load_state_dict(state, strict=False)
    x = torch.from_numpy(formula.uniform(formula.FIRST_TENSOR, (BATCH, *SHAPE), 0.0, 1.0)).double().requires_grad_()
    logits = net(x)
    coefficients = torch.from_numpy(formula.coefficients(BATCH * CLASSES)).double()
    (logits.flatten() * coefficients).sum().backward()
    numbers = lambda value: [float(f"{v:.9g}") for v in value.detach().flatten().tolist()]
    GOLDEN.write_text(json.dumps({
        "model": model().SerializeToString().hex(), "batch": BATCH, "input": SHAPE,
        "logits": numbers(logits), "input_gradient": numbers(x.grad),
        "gradients": {name: numbers(value.grad) for name, value in net.named_parameters()},
        "running": {name: numbers(value) for name, value in net.named_buffers() if value.dtype.is_floating_point},
    }, indent=0) .replace(",\n", ",") + "\n")


main()
