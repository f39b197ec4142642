"""The networks of the comparison, with random weights, and their ONNX files.

Weights follow He (2015); the statistics of batch normalisation are those of random images, then disturbed, so that
activations keep their size and no normalisation is the identity.
"""

import hashlib
import pathlib
import warnings

import torch
import torchvision
from torch import nn
from torch.nn import functional

SEED = 20190523


def gtsrb():
    """Table VIII of Wang et al. (Neural Cleanse, 2019), every convolution padded to the size of its input."""
    layers, channels = [], 3
    for width in (32, 64, 128):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4 * 4, 512), nn.ReLU(), nn.Linear(512, 43))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


def resnet18():
    """ResNet-18 as used for CIFAR-10: a 3x3 convolution of 64 channels in place of the 7x7 one and the pool."""
    layers, channels = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [BasicBlock(channels, width, stride), BasicBlock(width, width, 1)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class DeepId(nn.Module):
    """Table IX of Wang et al. (2019) with strides of 1, as the network is published elsewhere."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 20, 4), nn.Conv2d(20, 40, 3)
        self.conv3, self.conv4 = nn.Conv2d(40, 60, 3), nn.Conv2d(60, 80, 2)
        self.left, self.right, self.last = nn.Linear(1200, 160), nn.Linear(960, 160), nn.Linear(160, 1283)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = functional.max_pool2d(functional.relu(conv(x)), 2)
        deeper = functional.relu(self.conv4(x))
        return self.last(functional.relu(self.left(x.flatten(1)) + self.right(deeper.flatten(1))))


def from_torchvision(name):
    return lambda: getattr(torchvision.models, name)(weights=None)


# Name, builder, and shape of an image.
NETS = {
    "gtsrb": (gtsrb, (3, 32, 32)),
    "resnet18": (resnet18, (3, 32, 32)),
    "deepid": (DeepId, (3, 55, 47)),
    "vgg16": (from_torchvision("vgg16"), (3, 224, 224)),
    "mobilenet_v2": (from_torchvision("mobilenet_v2"), (3, 224, 224)),
    "vit_b_16": (from_torchvision("vit_b_16"), (3, 224, 224)),
}


def build(name):
    """The network in evaluation mode, the same on every call."""
    make, shape = NETS[name]
    torch.manual_seed(SEED)
    net = make()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    module.bias.uniform_(-0.1, 0.1)
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.2, 0.2)
        if norms:
            for norm in norms:
                norm.momentum = 1.0
            net.train()(images(16, shape))
        for norm in norms:
            norm.running_mean += 0.1 * torch.randn_like(norm.running_mean) * norm.running_var.sqrt()
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.4)
    return net.eval()


def images(batch, shape):
    """Smooth random images with some noise, in [0, 1]."""
    generator = torch.Generator().manual_seed(SEED + batch)
    coarse = torch.rand((batch, shape[0], 7, 7), generator=generator)
    smooth = functional.interpolate(coarse, shape[1:], mode="bilinear")
    return (smooth + 0.1 * torch.rand((batch, *shape), generator=generator)).clamp(0, 1)


def onnx_file(name, cache):
    """The network's ONNX file, exported unless the cache has it; the batch is free."""
    version = hashlib.sha256(pathlib.Path(__file__).read_bytes() + torch.__version__.encode()).hexdigest()[:12]
    path = cache / f"{name}-{version}.onnx"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(build(name), torch.zeros(1, *NETS[name][1]), str(unfinished), dynamo=False,
                              opset_version=17, input_names=["input"], output_names=["logits"],
                              dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
        unfinished.rename(path)
    return path
