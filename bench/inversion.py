#!/usr/bin/env python3
"""How long BTI-DBF's inversion takes in PyTorch (`peers/bti_dbf.py`) on a model that takes pixels in [0, 1], as a Markdown table.

    bench/inversion.py --model MODEL.onnx --images IMAGES.npz --updates 3 --threads 1

It takes hours on a CPU: of each of its three phases some updates are made, after one that is not counted, and the phase is reckoned from the
median of their processor time (of all threads; other work on the machine hardly changes it). `--whole` runs all of it and prints the class
that it names. The .npz is what `bench/whole_scan.py` writes.
"""

import argparse
import pathlib
import statistics
import time

import torch

from peers import bti_dbf
from peers import images as image_file
from peers.frozen_net import FrozenNet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=pathlib.Path, required=True)
    parser.add_argument("--updates", type=int, default=3)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images = torch.from_numpy(image_file.read(arguments.images))
    inversion = bti_dbf.Inversion(FrozenNet(str(arguments.model)), images, 0)
    print("| phase | updates | seconds of processor an update | of all |\n|---|--:|--:|--:|")
    total = 0.0
    for phase, epochs in bti_dbf.EPOCHS.items():
        updates = epochs * bti_dbf.BATCHES
        spent = []
        for _ in range(updates if arguments.whole else arguments.updates + 1):
            start = time.process_time()
            inversion.update(phase)
            spent.append(time.process_time() - start)
        one = statistics.median(spent[1:])
        total += one * updates
        print(f"| {phase} | {updates:,} | {one:.2f} | {one * updates:,.0f} |", flush=True)
    print(f"| together | | | {total:,.0f} |")
    if arguments.whole:
        print("\nnamed class {} by {:.0%} of the images".format(*inversion.target()))


if __name__ == "__main__":
    main()
