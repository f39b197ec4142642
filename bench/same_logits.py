#!/usr/bin/env python3
"""Refuses a model whose logits in PyTorch, as the peers run it, are not those of onnxruntime but for rounding.

    bench/same_logits.py MODEL.onnx IMAGES.npz

Prints the largest difference on the first images, as a share of the largest logit.
"""

import argparse

import numpy as np
import onnxruntime
import torch

from peers import images
from peers.frozen_net import FrozenNet

CHECKED = 16
TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("images")
    arguments = parser.parse_args()
    pixels = images.read(arguments.images)[:CHECKED]
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {session.get_inputs()[0].name: pixels})
    with torch.no_grad():
        logits = FrozenNet(arguments.model)(torch.from_numpy(pixels)).numpy()
    difference = float(np.abs(logits - expected).max() / np.abs(expected).max())
    if not difference <= TOLERANCE:
        raise SystemExit(f"{arguments.model}: the logits differ by {difference:.1e} of the largest")
    print(f"{difference:.0e}")


if __name__ == "__main__":
    main()
