"""The loop that is timed, in PyTorch: images stamped with a mask and a pattern, and an Adam step on both."""

import copy
import time

import torch
from torch.fx.experimental.optimization import fuse
from torch.nn import functional

from nets import SEED

EPSILON = 1e-7
COST = 1e-3
TARGET = 1

# Name: what it is.
VARIANTS = {
    "frozen-cl": "eager, weights frozen, f32, channels last",
    "frozen": "eager, weights frozen, f32, NCHW",
    "tracked": "eager, weights tracked, f32, NCHW, as published tools do",
    "bf16": "eager, weights frozen, bf16 autocast, channels last, batch norm folded",
    "bf16-weights": "eager, weights frozen and stored as bf16, channels last, batch norm folded",
}


def start(shape):
    """Mask and pattern in tanh space, from values drawn uniformly in [0, 1]."""
    generator = torch.Generator().manual_seed(SEED)
    to_tanh = lambda v: torch.atanh((v - 0.5) * (2 - EPSILON))
    return to_tanh(torch.rand(shape[1:], generator=generator)), to_tanh(torch.rand(shape, generator=generator))


def loss_of(net, images, mask, pattern, target, share=1.0):
    """Cross-entropy of the stamped images plus the mask's L1 norm, of which `share` is counted."""
    m = torch.tanh(mask) / (2 - EPSILON) + 0.5
    p = torch.tanh(pattern) / (2 - EPSILON) + 0.5
    logits = net((1 - m) * images + m * p)
    targets = torch.full((len(images),), target)
    return functional.cross_entropy(logits, targets) * share + COST * share * m.sum()


def reference(net, images, mask, pattern, part=8):
    """(loss, gradient to mask, gradient to pattern) in f64, a few images at a time to bound memory."""
    net = copy.deepcopy(net).double().requires_grad_(False)
    mask, pattern = (v.double().requires_grad_() for v in (mask, pattern))
    loss = 0.0
    for few in images.split(part):
        share = loss_of(net, few.double(), mask, pattern, TARGET, len(few) / len(images))
        share.backward()
        loss += share.item()
    return loss, mask.grad, pattern.grad


class TorchLoop:
    """One variant of PyTorch on one network and batch."""

    def __init__(self, variant, net, images, mask, pattern):
        self.name, self.variant = f"PyTorch {variant}", variant
        bf16 = variant.startswith("bf16")
        net = copy.deepcopy(net)
        if bf16 and any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()):
            net = fuse(net)
        if variant == "bf16-weights":
            net = net.to(torch.bfloat16)
        self.layout = torch.contiguous_format if variant in ("frozen", "tracked") else torch.channels_last
        self.net = net.to(memory_format=self.layout).requires_grad_(variant == "tracked")
        self.images = images.contiguous(memory_format=self.layout)
        self.start = mask, pattern
        self.mask, self.pattern = (v.clone().requires_grad_() for v in self.start)
        self.adam = torch.optim.Adam([self.mask, self.pattern], lr=0.1, betas=(0.5, 0.9))

    def logits(self, images):
        if self.variant == "bf16-weights":
            return self.net(images.to(torch.bfloat16)).float()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.variant == "bf16"):
            return self.net(images)

    def gradient(self):
        """(loss, gradient to mask, gradient to pattern) where the search starts."""
        mask, pattern = (v.clone().requires_grad_() for v in self.start)
        loss = loss_of(self.logits, self.images, mask, pattern, TARGET)
        loss.backward()
        return loss.item(), mask.grad, pattern.grad

    def run(self, count):
        """Milliseconds of each of `count` further steps."""
        times = []
        for _ in range(count):
            began = time.perf_counter()
            self.adam.zero_grad()
            loss_of(self.logits, self.images, self.mask, self.pattern, TARGET).backward()
            self.adam.step()
            times.append((time.perf_counter() - began) * 1e3)
        return times
