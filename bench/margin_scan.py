#!/usr/bin/env python3
"""Runs MM-BD's search in PyTorch on a model in this process alone, and prints margins, steps and times as JSON.

    bench/margin_scan.py MODEL.onnx --preset paper --classes 0 1 --threads 2

`bench/margins.py` calls it. Both clocks run while classes are searched; loading the model and a step to warm up are not counted.
"""

import argparse
import json
import time

import onnx
import torch

from peers import mm_bd
from peers.frozen_net import FrozenNet


def image_shape(path):
    """Channels, height and width of a model's only input."""
    graph = onnx.load(path).graph
    constants = {constant.name for constant in graph.initializer}
    (image,) = [value for value in graph.input if value.name not in constants]
    return [axis.dim_value for axis in image.type.tensor_type.shape.dim][1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--preset", choices=mm_bd.SEARCHES, required=True)
    parser.add_argument("--classes", type=int, nargs="+", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--tracked", action="store_true", help="gradients to the weights too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    random = torch.Generator().manual_seed(arguments.seed)
    net = FrozenNet(arguments.model)
    shape = image_shape(arguments.model)
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    net.to(memory_format=layout)
    for weights in net.buffers() if arguments.tracked else ():
        weights.requires_grad_(weights.is_floating_point())
    shown = lambda pixels: net(pixels.contiguous(memory_format=layout))
    mm_bd.margins(shown, mm_bd.start(shape, 1, random), 0).sum().backward()

    wall, processor = time.monotonic(), time.process_time()
    found = {label: mm_bd.SEARCHES[arguments.preset](shown, shape, label, random) for label in arguments.classes}
    result = {
        "whole": time.monotonic() - wall,
        "processor": time.process_time() - processor,
        "steps": sum(steps for _, steps in found.values()),
        "margins": {label: margin for label, (margin, _) in found.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
