#!/usr/bin/env python3
"""Time and memory of scans of models of a thousand classes, as predicted and as they are, as a Markdown table.

    bench/many_classes.py --folder FOLDER --max-time 120s

Writes a ResNet-18 of 1,000 classes and images of 224x224 pixels to FOLDER if they are not there: random weights, and an image of
random pixels for each class. `--model FILE.onnx --images IMAGES`, with flags of the scan after `--`, takes a model of one's own instead.
Each set of detectors is a scan of its own, which `--max-time` ends; the prediction of time is that of the whole search. Needs torch,
torchvision, onnx and numpy for the former.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import tempfile
import time

SIDE, CLASSES = 224, 1000
SCANS = ("last_layer,weight_sum", "mm_bd", "neural_cleanse")


def write(folder):
    import numpy
    import torch
    import torchvision

    torch.manual_seed(0)
    net = torchvision.models.resnet18(weights=None, num_classes=CLASSES).eval()
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    images = torch.zeros(1, 3, SIDE, SIDE)
    torch.onnx.export(
        net, images, folder / "resnet18.onnx", dynamo=False, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes=axes
    )
    draw = numpy.random.default_rng(0)
    pixels = draw.integers(0, 256, (CLASSES, 3, SIDE, SIDE), dtype=numpy.uint8)
    numpy.savez(folder / "images.npz", images=pixels, labels=numpy.arange(CLASSES))


def scan(arguments, model, images, detectors):
    """Cells of one scan."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryDirectory() as out:
        words = [arguments.binary, "scan", model, "--images", images, "--detector", detectors, "--threads", arguments.threads]
        words += ["--max-time", arguments.max_time, "--force", "--exit-zero", "--out", out, *arguments.flags]
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        said.seek(0)
        text = said.read()
        report = pathlib.Path(out) / "report.json"
        if status != 0 or not report.exists():
            return [text.strip().splitlines()[-1]]
        searches = [detector["findings"] for detector in json.loads(report.read_text())["detectors"]]
    ended = [sum(one["state"] != "skipped" for one in findings) for findings in searches]
    predicted = int(re.search(r"takes up to (\d+) MiB", text)[1])
    times = re.findall(r"searches take (.*?) at most", text)
    measured = usage.ru_maxrss / 1024
    processor = usage.ru_utime + usage.ru_stime
    cells = [", ".join(times), ", ".join(map(str, ended)), f"{seconds:.0f}", f"{processor:.0f}", predicted, f"{measured:.0f}", f"{predicted / measured:.2f}"]
    return list(map(str, cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--images", type=pathlib.Path)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--max-time", default="120s")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--detectors", nargs="*", default=SCANS)
    parser.add_argument("flags", nargs="*", help="more flags for the scan, after --")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    model = arguments.model or arguments.folder / "resnet18.onnx"
    images = arguments.images or arguments.folder / "images.npz"
    if not model.exists():
        # In a process of its own: the peak of a child begins with what its parent holds.
        process = multiprocessing.get_context("spawn").Process(target=write, args=(arguments.folder,))
        process.start()
        process.join()
    print("| model | detectors | predicted time | searches ended | seconds | processor | predicted MiB | measured MiB | predicted / measured |")
    print("|---|---|---|---|--:|--:|--:|--:|--:|", flush=True)
    for detectors in arguments.detectors:
        print("| " + " | ".join([model.stem, detectors, *scan(arguments, model, images, detectors)]) + " |", flush=True)


if __name__ == "__main__":
    main()
