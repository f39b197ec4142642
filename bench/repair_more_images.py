#!/usr/bin/env python3
"""Repaired models of zoo/repair.toml on more images than their proofs have (docs/repair.md).

    bench/repair_more_images.py ZOO [--images N] [--way SHARES] MODEL=REPAIRED.onnx...

measures clean accuracy and, of squares, ASR and accuracy on stamped images, before and after, on
test images of $GIFTHORSE_DATA that are not among the zoo's: 8,000 of MNIST, 9,000 of CIFAR-10, those
from JPEG files. Fashion-MNIST and GTSRB have no others at hand. `churn` is the share of clean images
whose answer changed, right or wrong: what makes accuracy on few images a matter of luck. With --way
also models whose weights lie at these shares of the way from the first to the repaired one.
"""

import argparse
import glob
import gzip
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from PIL import Image

DATA = os.environ.get("GIFTHORSE_DATA", os.path.expanduser("~/.cache/gifthorse-data"))
CIFAR = "airplane automobile bird cat deer dog frog horse ship truck".split()
# Root mean square of what JPEG changes in a picture; other pictures are further apart.
SAME = 0.06


def idx(name):
    with gzip.open(f"{DATA}/mnist/{name}.gz") as file:
        data = file.read()
    sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def of_zoo(zoo, data):
    images = np.load(glob.glob(f"{zoo}/images/{data}-*.npz")[0])["images"]
    return images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)


def unseen(zoo, data):
    """Images that are not in the zoo, with labels."""
    if data == "mnist":
        images = idx("t10k-images-idx3-ubyte")[:, None].astype(np.float32) / 255
        labels = idx("t10k-labels-idx1-ubyte").astype(int)
    else:
        found = [sorted(glob.glob(f"{DATA}/cifar-10-jpeg/test/{name}/*")) for name in CIFAR]
        files = [(label, file) for label, group in enumerate(found) for file in group]
        read = lambda file: np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)
        images = np.stack([read(file) for _, file in files]).astype(np.float32) / 255
        labels = np.array([label for label, _ in files])
    flat, known = images.reshape(len(images), -1), of_zoo(zoo, data)
    known = known.reshape(len(known), -1)
    squares = (flat**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2 * flat @ known.T
    new = squares.min(1) / flat.shape[1] > SAME**2
    return images[new], labels[new]


def on_the_way(before, after, share):
    """The repaired model with weights at a share of the way to it, as bytes."""
    first, model = onnx.load(before), onnx.load(after)
    first = {it.name: onnx.numpy_helper.to_array(it) for it in first.graph.initializer}
    for it in model.graph.initializer:
        value = onnx.numpy_helper.to_array(it)
        if value.dtype == np.float32 and it.name in first:
            moved = first[it.name] + np.float32(share) * (value - first[it.name])
            it.CopyFrom(onnx.numpy_helper.from_array(moved.astype(np.float32), it.name))
    return model.SerializeToString()


def answers(model, images):
    """Of a model's file or bytes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = range(0, len(images), 500)
    return np.concatenate([session.run(None, {name: images[i : i + 500]})[0].argmax(1) for i in parts])


def stamped(images, size):
    images = images.copy()
    colour = [1, 1, 0] if images.shape[1] == 3 else [1]
    for channel, value in enumerate(colour):
        images[:, channel, -1 - size : -1, -1 - size : -1] = value
    return images


def measured(name, before, after, images, labels):
    then, now = answers(before, images), answers(after, images)
    row = {"name": name, "images": len(labels)}
    row["clean"] = [float((then == labels).mean()), float((now == labels).mean())]
    row["churn"] = float((then != now).mean())
    classes = labels.max() + 1
    if "all-to-all" in name:
        led, goal = np.full(len(labels), True), (labels + 1) % classes
    elif "one-to-one" in name:
        led, goal = labels == 1, np.full(len(labels), 4)
    elif "square" in name or "rate" in name:
        led, goal = labels != 4, np.full(len(labels), 4)
    else:
        return row
    images = stamped(images[led], 8 if "large" in name else 4)
    pairs = [answers(model, images) for model in (before, after)]
    row["success"] = [float((said == goal[led]).mean()) for said in pairs]
    row["without"] = [float((said[led] == goal[led]).mean()) for said in (then, now)]
    row["robust"] = [float((said == labels[led]).mean()) for said in pairs]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo")
    parser.add_argument("pairs", nargs="+", metavar="MODEL=REPAIRED.onnx")
    parser.add_argument("--images", type=int, help="take so many of the images, drawn at random")
    parser.add_argument("--way", default="", help="shares of the way, such as 0.8,0.5")
    asked = parser.parse_args()
    sets = {}
    for name, repaired in (pair.split("=") for pair in asked.pairs):
        data = "cifar10" if "cifar" in name else "mnist" if "mnist" in name else None
        if data is None:
            continue
        if data not in sets:
            images, labels = unseen(asked.zoo, data)
            drawn = np.random.RandomState(0).permutation(len(labels))[: asked.images]
            sets[data] = images[drawn], labels[drawn]
        before = f"{asked.zoo}/{name}.onnx"
        print(json.dumps(measured(name, before, repaired, *sets[data])), flush=True)
        for share in map(float, filter(None, asked.way.split(","))):
            between = on_the_way(before, repaired, share)
            row = measured(name, before, between, *sets[data])
            print(json.dumps({"way": share, **row}), flush=True)


if __name__ == "__main__":
    main()
