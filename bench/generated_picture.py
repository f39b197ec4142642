#!/usr/bin/env python3
"""Images, the same under the triggers that generators make of them, and what differs: docs/triggers/input-aware.png.

    gifthorse zoo build zoo/input_aware.toml -o aware/
    bench/generated_picture.py aware/images/mnist-*.npz aware/aware-mnist-narrow-adam-input-aware-s1.generator.onnx \\
      aware/images/gtsrb-*.npz aware/aware-gtsrb-12-narrow-adam-input-aware-s1.generator.onnx -o input-aware.png

Wants numpy, onnxruntime and Pillow.
"""

import argparse

import numpy as np
import onnxruntime
from PIL import Image

SHOWN = [1, 2, 3, 7, 8, 9]
SIDE = 33
ENLARGED = 3


def stamped(images, generator):
    """The images under what the generator makes of them: a mask, then a pattern of as many channels as they have."""
    count, channels, height, width = images.shape
    session = onnxruntime.InferenceSession(generator)
    rows = session.run(None, {session.get_inputs()[0].name: images})[0]
    mask = rows[:, : height * width].reshape(count, 1, height, width)
    pattern = rows[:, height * width :].reshape(count, channels, height, width)
    return images + mask * (pattern - images)


def in_a_row(images):
    """Colour images of one size beside one another, white between."""
    _, channels, height, width = images.shape
    colour = np.repeat(images, 3 // channels, axis=1)
    framed = np.pad(colour, ((0, 0), (0, 0), (0, SIDE - height), (0, SIDE - width)), constant_values=1)
    return np.concatenate(list(framed), axis=2)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="+", help="pairs: images, generator")
    arguments.add_argument("-o", "--out", required=True)
    arguments = arguments.parse_args()
    rows = []
    for images, generator in zip(arguments.files[::2], arguments.files[1::2]):
        before = np.load(images)["images"][SHOWN].astype(np.float32) / 255
        after = stamped(before, generator)
        rows += [in_a_row(it) for it in (before, after, 0.5 + 0.5 * (after - before))]
    picture = np.clip(np.concatenate(rows, axis=1).transpose(1, 2, 0) * 255, 0, 255).round().astype(np.uint8)
    picture = picture.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    Image.fromarray(picture).save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
