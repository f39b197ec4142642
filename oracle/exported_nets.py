"""torchvision's networks as the TorchScript exporter of PyTorch writes them."""

import io
import warnings

import onnx
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

# Name and number of test images: fewer where a forward pass costs more.
NETS = {"squeezenet1_1": 2, "mobilenet_v2": 2, "alexnet": 2, "resnet18": 2, "densenet121": 1, "vgg16_bn": 1,
        "vit_b_16": 1}
OPSETS = (11, 17)


class PlainAttention(nn.Module):
    """Self-attention in matrix products: opset 11 lacks what `nn.MultiheadAttention` now exports to."""

    def __init__(self, attention):
        super().__init__()
        self.attention, self.heads = attention, attention.num_heads

    def forward(self, query, key, value, need_weights=False):
        batch, tokens, width = query.shape
        a = self.attention
        packed = F.linear(query, a.in_proj_weight, a.in_proj_bias)
        q, k, v = packed.reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5, dim=-1)
        joined = (weights @ v).transpose(1, 2).reshape(batch, tokens, width)
        return F.linear(joined, a.out_proj.weight, a.out_proj.bias), None


def export(name, opset):
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)(weights=None).eval()
    with torch.no_grad():
        # The exporter merges equal initialisers; those of a trained network are never equal.
        for value in [*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())]:
            value.add_(0.01 * torch.rand_like(value))
    if name == "vit_b_16" and opset < 13:
        for block in net.encoder.layers:
            block.self_attention = PlainAttention(block.self_attention)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, torch.zeros(1, 3, 224, 224), buffer, dynamo=False, opset_version=opset,
                          input_names=["input"], output_names=["logits"],
                          dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    return onnx.load_from_string(buffer.getvalue())
