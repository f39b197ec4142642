"""Four tiny networks whose layers are looked into: plain, residual, branching, and a transformer."""

import io
import warnings

import onnx
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 5
SIZE = 8


def conv(channels, outputs, kernel=3, stride=1):
    """A convolution with its batch norm."""
    layer = nn.Conv2d(channels, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), conv(6, 8)
        self.hidden, self.out = nn.Linear(8 * 2 * 2, 12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.out(torch.relu(self.hidden(x.flatten(1))))


class Block(nn.Module):
    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.one, self.two = conv(channels, outputs, 3, stride), conv(outputs, outputs)
        self.beside = conv(channels, outputs, 1, stride) if stride != 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.two(torch.relu(self.one(x))) + self.beside(x))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.out = conv(3, 6), nn.Linear(8, CLASSES)
        self.block1, self.block2 = Block(6, 6, 1), Block(6, 8, 2)

    def forward(self, x):
        x = self.block2(self.block1(torch.relu(self.stem(x))))
        return self.out(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inception(nn.Module):
    """Three branches joined along the channels, as in GoogLeNet."""

    def __init__(self, channels):
        super().__init__()
        self.point, self.pooled = nn.Conv2d(channels, 4, 1), nn.Conv2d(channels, 3, 1)
        self.narrow, self.wide = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, 5, 3, padding=1)

    def forward(self, x):
        wide = torch.relu(self.wide(torch.relu(self.narrow(x))))
        pooled = torch.relu(self.pooled(F.max_pool2d(x, 3, 1, 1)))
        return torch.cat([torch.relu(self.point(x)), wide, pooled], 1)


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.out = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(12, CLASSES)
        self.first, self.second = Inception(6), Inception(12)

    def forward(self, x):
        x = F.max_pool2d(self.first(torch.relu(self.stem(x))), 2)
        return self.out(self.second(x).mean([2, 3]))


class Encoder(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.before, self.between = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.packed, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.packed(self.before(x)).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5, dim=-1)
        x = x + self.joined((weights @ v).transpose(1, 2).reshape(batch, tokens, width))
        return x + self.down(F.gelu(self.up(self.between(x))))


class Transformer(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.patches, self.out = nn.Conv2d(3, width, 4, 4), nn.Linear(width, CLASSES)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.zeros(1, 5, width))
        self.encoders, self.norm = nn.Sequential(Encoder(width, 2), Encoder(width, 2)), nn.LayerNorm(width)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.out(self.norm(self.encoders(x))[:, 0])


NETS = {"plain": Plain, "residual": Residual, "branching": Branching, "transformer": Transformer}


def export(name):
    """The network as the TorchScript exporter of PyTorch writes it, for any batch."""
    torch.manual_seed(0)
    net = NETS[name]().eval()
    with torch.no_grad():
        # The exporter folds a batch norm that changes nothing, and merges equal initialisers.
        for value in [*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())]:
            value.add_(0.3 * torch.rand_like(value))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.zeros(1, 3, SIZE, SIZE), buffer, dynamo=False, opset_version=17,
                          training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                          input_names=["input"], output_names=["logits"],
                          dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    return onnx.load_from_string(buffer.getvalue())
