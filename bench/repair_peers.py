#!/usr/bin/env python3
"""Updates of two repairs, unlearning and I-BAU, in gifthorse and in eager PyTorch, on a ResNet-18 for CIFAR, as a Markdown table.

    cargo build --release --workspace --example repair_steps
    bench/repair_peers.py --model MODEL.onnx --threads 1

The model is read by gifthorse alone: PyTorch's is one of the same layers and width with random weights, which take the same time. Its
I-BAU is written afresh from Y. Zeng et al. 2022 and takes second derivatives by differentiating twice, where ours takes differences of
first ones; both make five fixed-point iterations for each update, on batches of 50. An unlearning update of either is one of SGD on a
batch of 64, batch normalisations in training, as the repair makes it. Medians over a few updates, an epoch or a round of 512 images
reckoned from them.
"""

import argparse
import pathlib
import statistics
import subprocess
import time

import torch
from torch import nn
from torch.nn import functional

IMAGES = 512
BATCHES = {"unlearning": 64, "i_bau": 50}
ITERATIONS = 5
INNER_RATE = 0.1
PRICE = 1e-3


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                                  nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return functional.relu(self.main(x) + self.shortcut(x))


def resnet18(first):
    layers, channels = [nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()], first
    for width, stride in ((first, 1), (2 * first, 2), (4 * first, 2), (8 * first, 2)):
        layers += [Block(channels, width, stride), Block(width, width, 1)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * first, 10))


class Unlearning:
    """SGD on the batch as it is: stamping a fifth of it takes no time."""

    def __init__(self, net, images, labels):
        self.net, self.images, self.labels = net.train(), images, labels
        self.optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def update(self):
        self.optimiser.zero_grad()
        functional.cross_entropy(self.net(self.images), self.labels).backward()
        self.optimiser.step()


class IBau:
    """An update by the gradient of the outer loss through the worst change, which the inner search has found."""

    def __init__(self, net, images, labels):
        self.net, self.images, self.labels = net.eval(), images, labels
        self.weights = list(net.parameters())
        self.change = 0.01 * torch.randn(images.shape[1:])
        self.optimiser = torch.optim.Adam(self.weights, lr=1e-3)

    def inner(self, change):
        logits = self.net(self.images + change)
        return -functional.cross_entropy(logits, self.answers) + PRICE * change.square().sum()

    def update(self):
        with torch.no_grad():
            self.answers = self.net(self.images).argmax(1)
        change = self.change.clone().requires_grad_()
        carriers = len(self.images) // 2
        shown = torch.cat([self.images[:carriers] + change, self.images[carriers:]])
        outer = functional.cross_entropy(self.net(shown), self.labels)
        by_change, *by_weights = torch.autograd.grad(outer, [change, *self.weights])
        slope, = torch.autograd.grad(self.inner(change), change, create_graph=True)
        moved = change - INNER_RATE * slope
        v = by_change
        for _ in range(1, ITERATIONS):
            product, = torch.autograd.grad(moved, change, v, retain_graph=True)
            v = product + by_change
        through = torch.autograd.grad(moved, self.weights, v, allow_unused=True)
        for weight, direct, indirect in zip(self.weights, by_weights, through):
            weight.grad = direct if indirect is None else direct + indirect
        self.optimiser.step()


def peer(kind, width, batch, updates):
    """Median seconds of an update in PyTorch."""
    torch.manual_seed(0)
    repair = kind(resnet18(width), torch.rand(batch, 3, 32, 32), torch.randint(10, (batch,)))
    spent = []
    for _ in range(updates + 1):
        start = time.perf_counter()
        repair.update()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent[1:])


def ours(binary, model, method, updates, threads):
    """Median seconds of an update in gifthorse."""
    words = [binary, model, method, str(IMAGES), str(updates)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={"RAYON_NUM_THREADS": str(threads)})
    return statistics.median(float(line) for line in done.stdout.split()[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a ResNet-18 for images of 3 x 32 x 32 and ten classes")
    parser.add_argument("--width", type=int, default=32, help="channels of its first layer")
    parser.add_argument("--binary", default="target/release/examples/repair_steps")
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| repair | batch | PyTorch, s an update | gifthorse | gifthorse / PyTorch | gifthorse, s for 512 images |\n|---|--:|--:|--:|--:|--:|")
    for method, kind in (("unlearning", Unlearning), ("i_bau", IBau)):
        batch = BATCHES[method]
        theirs = peer(kind, arguments.width, batch, arguments.updates)
        mine = ours(arguments.binary, arguments.model, method, arguments.updates, arguments.threads)
        whole = mine * (IMAGES // batch)
        print(f"| {method} | {batch} | {theirs:.2f} | {mine:.2f} | {mine / theirs:.2f} | {whole:.0f} |", flush=True)


if __name__ == "__main__":
    main()
