#!/usr/bin/env python3
"""Memory of scans of models of a gigabyte, with their weights beside the ONNX file, as a Markdown table.

    bench/large_models.py --folder FOLDER --binary target/release/gifthorse

Writes the models (2 GB in FOLDER) if they are not there: a VGG-16 with wide layers in the end, four fifths of whose weights are one
matrix, and a vision transformer of twenty blocks; random weights, images of 64x64 pixels, ten classes. Each scan searches two classes for
some seconds, by when all passes have been made once. Needs torch, torchvision, onnx and numpy.
"""

import argparse
import multiprocessing
import os
import pathlib

import memory
import numpy
import onnx
import torch
import torchvision

SIDE = 64


def wide_vgg():
    wide = 14336
    net = torchvision.models.vgg16(weights=None, num_classes=10)
    net.avgpool = torch.nn.Identity()
    widths = {0: (2048, wide), 3: (wide, wide), 6: (wide, 10)}
    for at, (inputs, outputs) in widths.items():
        net.classifier[at] = torch.nn.Linear(inputs, outputs)
        torch.nn.init.kaiming_normal_(net.classifier[at].weight)
    return net


def transformer():
    net = torchvision.models.VisionTransformer(
        image_size=SIDE, patch_size=16, num_layers=20, num_heads=16, hidden_dim=1024, mlp_dim=4096, num_classes=10
    )
    torch.nn.init.normal_(net.heads.head.weight, std=0.05)
    return net


def write(make, path):
    torch.manual_seed(0)
    net = make()
    whole = path.with_suffix(".whole")
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    images = torch.zeros(1, 3, SIDE, SIDE)
    torch.onnx.export(
        net.eval(), images, whole, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes=axes
    )
    data = path.with_suffix(".bin")
    data.unlink(missing_ok=True)
    onnx.save_model(onnx.load(whole), path, save_as_external_data=True, location=data.name, size_threshold=1024)
    whole.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--max-time", default="30s")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    images = arguments.folder / "images.npz"
    draw = numpy.random.default_rng(0)
    pixels = draw.integers(0, 256, (200, 3, SIDE, SIDE), dtype=numpy.uint8)
    numpy.savez(images, images=pixels, labels=draw.integers(0, 10, 200))
    print("| model | weights, MiB | predicted MiB | measured MiB | predicted / measured |\n|---|---|---|---|---|")
    for name, make in {"wide VGG-16": wide_vgg, "transformer": transformer}.items():
        if arguments.names and name not in arguments.names:
            continue
        path = arguments.folder / f"{name.replace(' ', '_')}.onnx"
        if not path.exists():
            # In a process of its own: the peak of a child begins with what its parent holds.
            process = multiprocessing.get_context("spawn").Process(target=write, args=(make, path))
            process.start()
            process.join()
        weights = os.path.getsize(path.with_suffix(".bin")) / 2**20
        words = [arguments.binary, "scan", path, "--images", images, "--force", "--classes", "0,1", "--threads", "2"]
        words += ["--max-time", arguments.max_time, "--out", arguments.folder / "report"]
        outcome = memory.measure([str(word) for word in words])
        if isinstance(outcome, str):
            print(f"| {name} | {weights:.0f} | {outcome} | | |", flush=True)
            continue
        predicted, measured = outcome
        print(f"| {name} | {weights:.0f} | {predicted} | {measured:.0f} | {predicted / measured:.2f} |", flush=True)


if __name__ == "__main__":
    main()
