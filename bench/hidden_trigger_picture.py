#!/usr/bin/env python3
"""Poisoned images beside what they were, and eight times what differs: docs/images/hidden-trigger.png.

    gifthorse plant ... --implant hidden_trigger ... --training-set poisoned.npz
    gifthorse train ... --training-set clean.npz
    bench/hidden_trigger_picture.py clean.npz poisoned.npz -o hidden-trigger.png

Wants numpy and Pillow.
"""

import argparse

import numpy as np
from PIL import Image

SHOWN = 5
ENLARGED = 1


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("clean")
    arguments.add_argument("poisoned")
    arguments.add_argument("-o", "--out", required=True)
    arguments = arguments.parse_args()
    clean, poisoned = np.load(arguments.clean), np.load(arguments.poisoned)
    places = np.flatnonzero(poisoned["poisoned"])[:SHOWN]
    before, after = (np.asarray(it["images"][places], dtype=int) for it in (clean, poisoned))
    change = np.clip(128 + 8 * (after - before), 0, 255)
    columns = [np.concatenate(triple, axis=1) for triple in zip(before, after, change)]
    picture = np.concatenate(columns, axis=2).transpose(1, 2, 0).astype(np.uint8)
    picture = picture.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    Image.fromarray(picture.squeeze()).save(arguments.out, optimize=True)
    print(f"{len(places)} of {poisoned['poisoned'].sum()} poisoned images; most that a pixel changes: {np.abs(after - before).max()} levels")


if __name__ == "__main__":
    main()
