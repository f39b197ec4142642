"""The images that all tools are given: the first of a test set."""

import gzip

import numpy as np

RECORD = 1 + 3 * 32 * 32


def cifar(data, count):
    """Bytes `[count, 32, 32, 3]` and their labels."""
    records = np.fromfile(data / "cifar-10-batches-bin" / "test_batch.bin", np.uint8).reshape(-1, RECORD)[:count]
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


def mnist(data, count):
    """Bytes `[count, 28, 28, 1]` and their labels."""
    read = lambda name: np.frombuffer(gzip.decompress((data / "mnist" / name).read_bytes()), np.uint8)
    pixels = read("t10k-images-idx3-ubyte.gz")[16:].reshape(-1, 28, 28, 1)
    return pixels[:count], read("t10k-labels-idx1-ubyte.gz")[8:][:count]


SETS = {"cifar10": cifar, "mnist": mnist}


def write(path, data, dataset, count):
    """Stores images and labels as gifthorse reads them."""
    pixels, labels = SETS[dataset](data, count)
    np.savez(path, images=pixels, labels=labels)


def read(path):
    """The stored images as `[count, channels, height, width]` in [0, 1]."""
    with np.load(path) as arrays:
        pixels = arrays["images"].astype(np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
