"""The networks that are trained, each as a PyTorch module and as an ONNX file with its dropouts and batch norms as nodes."""

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

SEED = 7


class Gtsrb(nn.Sequential):
    """The net for traffic signs: six convolutions, of which every second is unpadded, two fully connected layers, dropout."""

    def __init__(self):
        layers, channels = [], 3
        for width in (32, 64, 128):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(),
                       nn.MaxPool2d(2), nn.Dropout(0.2)]
            channels = width
        layers += [nn.Flatten(), nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 43)]
        super().__init__(*layers)


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Sequential):
    """The ResNet-18 for CIFAR: no pooling before the first block."""

    def __init__(self):
        layers, channels = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
        for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [Block(channels, width, stride), Block(width, width, 1)]
            channels = width
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


# Name: module, shape of an image, classes, batch, optimiser, images of an epoch.
NETS = {
    "gtsrb": (Gtsrb, (3, 32, 32), 43, 32, "adam", 39_209),
    "resnet18": (ResNet18, (3, 32, 32), 10, 128, "sgd", 50_000),
}


def build(name):
    torch.manual_seed(SEED)
    return NETS[name][0]().train()


class Writer:
    """Writes a module as ONNX nodes, layer by layer; initialisers have the names of the module's parameters."""

    def __init__(self, net, shape, classes):
        self.nodes, self.net = [], net
        self.weights = [numpy_helper.from_array(value.detach().numpy(), name)
                        for name, value in net.state_dict().items() if value.dtype == torch.float32]
        output = self.module(net, "", "x")
        graph = helper.make_graph(
            self.nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", classes])], self.weights)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(self.model)

    def node(self, op_type, *inputs, **attributes):
        output = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=output, **attributes))
        return output

    def module(self, module, name, x):
        at = lambda part: f"{name}.{part}" if name else part
        match module:
            case Block():
                y = x
                for i in "12":
                    y = self.module(getattr(module, f"conv{i}"), at(f"conv{i}"), y)
                    y = self.module(getattr(module, f"bn{i}"), at(f"bn{i}"), y)
                    if i == "1":
                        y = self.node("Relu", y)
                return self.node("Relu", self.node("Add", y, self.module(module.shortcut, at("shortcut"), x)))
            case nn.Sequential():
                for i, part in enumerate(module):
                    x = self.module(part, at(str(i)), x)
                return x
            case nn.Conv2d():
                weights = [at("weight")] + ([at("bias")] if module.bias is not None else [])
                pads = [module.padding[0]] * 4
                return self.node("Conv", x, *weights, pads=pads, strides=list(module.stride),
                                 kernel_shape=list(module.kernel_size))
            case nn.BatchNorm2d():
                parts = [at(part) for part in ("weight", "bias", "running_mean", "running_var")]
                return self.node("BatchNormalization", x, *parts, epsilon=module.eps, momentum=1 - module.momentum)
            case nn.ReLU():
                return self.node("Relu", x)
            case nn.MaxPool2d():
                return self.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
            case nn.AdaptiveAvgPool2d():
                return self.node("GlobalAveragePool", x)
            case nn.Dropout():
                ratio = at("ratio")
                self.weights.append(numpy_helper.from_array(numpy.float32(module.p), ratio))
                return self.node("Dropout", x, ratio)
            case nn.Flatten():
                return self.node("Flatten", x)
            case nn.Linear():
                return self.node("Gemm", x, at("weight"), at("bias"), transB=1)
        raise NotImplementedError(type(module))


def write(name, net, path):
    _, shape, classes, *_ = NETS[name]
    onnx.save(Writer(net, shape, classes).model, path)
