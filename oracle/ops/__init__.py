"""ONNX operators as PyTorch expressions: `OPS[name](node, *inputs)`, where `node` is an `onnx_torch.Node`."""

from ops import elementwise, network, quantised, ranked, shape

OPS = {**elementwise.OPS, **network.OPS, **shape.OPS, **ranked.OPS, **quantised.OPS}
