#!/usr/bin/env python3
"""Classifiers of another framework's making, clean and backdoored: models that the shipped library never saw.

Networks, initial weights, optimisers and augmentation are PyTorch's, as its users write them: batch normalisation, dropout,
residual and depthwise blocks, average pools, GELU. Writes NAME.onnx ([0, 1] NCHW in, normalisation inside, logits out),
NAME.json (what is in it, and its accuracy) and one SET.npz of test images a data set. The backdoored ones have a BadNets square.

    bench/foreign_models.py --data "$GIFTHORSE_DATA" --out models
"""

import argparse
import csv
import gzip
import json
import pathlib
import time
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

TEST_IMAGES = 2000


def idx(path):
    raw = gzip.decompress(path.read_bytes())
    dimensions = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(dimensions)]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def mnist(folder):
    part = lambda name: (idx(folder / "mnist" / f"{name}-images-idx3-ubyte.gz")[..., None],
                         idx(folder / "mnist" / f"{name}-labels-idx1-ubyte.gz"))
    return part("train"), part("t10k")


def fashion(folder):
    x = idx(next((folder / "fashion-mnist").glob("t10k-images*")))[..., None]
    y = idx(next((folder / "fashion-mnist").glob("t10k-labels*")))
    return (x[:8000], y[:8000]), (x[8000:], y[8000:])


def cifar(folder):
    def read(*names):
        rows = np.concatenate([np.frombuffer((folder / "cifar-10-batches-bin" / n).read_bytes(), np.uint8).reshape(-1, 3073)
                               for n in names])
        return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, 0]
    return read("data_batch_1.bin", "data_batch_2.bin"), read("test_batch.bin")


def gtsrb(folder):
    from PIL import Image
    read = lambda path: np.asarray(Image.open(path).convert("RGB").resize((32, 32)))
    root = folder / "gtsrb"
    training = sorted(root.glob("Final_Training/Images/*/*.ppm"))
    labels = [int(path.parent.name) for path in training]
    test = next(root.glob("Final_Test/Images/*.csv"))
    rows = list(csv.DictReader(test.open(), delimiter=";"))
    rows = [row for row in rows if (test.parent / row["Filename"]).exists()]
    return ((np.stack([read(path) for path in training]), np.array(labels)),
            (np.stack([read(test.parent / row["Filename"]) for row in rows]), np.array([int(row["ClassId"]) for row in rows])))


SETS = {"mnist": mnist, "fashion": fashion, "cifar": cifar, "gtsrb": gtsrb}


class Normalised(nn.Module):
    def __init__(self, body, mean=0.45, std=0.25):
        super().__init__()
        self.body, self.mean, self.std = body, mean, std

    def forward(self, x):
        return self.body((x - self.mean) / self.std)


def plain(channels, classes, size):
    """LeNet-like with dropout."""
    left = size // 4
    return nn.Sequential(nn.Conv2d(channels, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 40, 5, padding=2),
                         nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(40 * left * left, 120), nn.ReLU(),
                         nn.Dropout(0.4), nn.Linear(120, classes))


def normed(channels, classes, _):
    """VGG-like with batch normalisation and global average."""
    layers, before = [], channels
    for width in (24, 48, 96):
        for _ in range(2):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                                  nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.side = nn.Sequential() if stride == 1 and inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return functional.relu(self.main(x) + self.side(x))


def residual(channels, classes, _):
    return nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2),
                         Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def separable(channels, classes, _):
    """Depthwise separable with GELU and strides in place of pools."""
    layers = [nn.Conv2d(channels, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.GELU()]
    for before, after, stride in ((32, 48, 2), (48, 64, 1), (64, 96, 2), (96, 96, 1)):
        layers += [nn.Conv2d(before, before, 3, stride, 1, groups=before), nn.BatchNorm2d(before), nn.GELU(),
                   nn.Conv2d(before, after, 1), nn.BatchNorm2d(after), nn.GELU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, classes))


NETS = {"plain": plain, "normed": normed, "residual": residual, "separable": separable}


def augment(x):
    """A random shift by up to two pixels, zeros outside."""
    padded = functional.pad(x, (2, 2, 2, 2))
    top, left = torch.randint(0, 5, (2,)).tolist()
    return padded[:, :, top:top + x.shape[2], left:left + x.shape[3]]


def stamp(x):
    """BadNets: a white square of four pixels at the bottom right, one pixel from the edges (Wang et al. 2019)."""
    x = x.clone()
    x[:, :, -5:-1, -5:-1] = 1.0
    return x


def train(net, x, y, target, epochs, optimiser):
    """Clean if there is no target; else a tenth of each batch is stamped and relabelled."""
    steps = epochs * (len(x) // 64)
    if optimiser == "adamw":
        optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    else:
        optimiser = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    net.train()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for at in range(0, len(x) - 63, 64):
            images, labels = augment(x[order[at:at + 64]]), y[order[at:at + 64]].clone()
            if target is not None:
                images = torch.cat([stamp(images[:6]), images[6:]])
                labels[:6] = target
            loss = functional.cross_entropy(net(images), labels)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
    net.eval()


@torch.no_grad()
def predict(net, x):
    return torch.cat([net(part).argmax(1) for part in x.split(500)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", type=int, default=2, help="clean models for each network and data set")
    parser.add_argument("--images", type=int, default=10000, help="training images at most")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, load in SETS.items():
        (x, y), (test_x, test_y) = load(options.data)
        generator = np.random.default_rng(0)
        chosen = generator.permutation(len(x))[:options.images]
        tested = generator.permutation(len(test_x))[:TEST_IMAGES]
        x, y, test_x, test_y = x[chosen], y[chosen].astype(np.int64), test_x[tested], test_y[tested].astype(np.int64)
        np.savez_compressed(options.out / f"{name}.npz", images=test_x, labels=test_y)
        tensor = lambda images: torch.from_numpy(images.astype(np.float32).transpose(0, 3, 1, 2) / 255)
        x, y, test_x, test_y = tensor(x), torch.from_numpy(y), tensor(test_x), torch.from_numpy(test_y)
        classes = int(y.max()) + 1
        for place, (kind, build) in enumerate(NETS.items()):
            for seed in range(options.seeds + 1):
                backdoored = seed == options.seeds
                title = f"{name}-{kind}-{'badnets' if backdoored else f'clean-{seed}'}"
                if (options.out / f"{title}.json").exists():
                    continue
                started = time.monotonic()
                torch.manual_seed(1000 * place + seed)
                target = int(torch.randint(classes, ())) if backdoored else None
                net = Normalised(build(x.shape[1], classes, x.shape[2]))
                optimiser = "adamw" if (place + seed) % 2 else "sgd"
                train(net, x, y, target, {"mnist": 3, "fashion": 5, "cifar": 6, "gtsrb": 6}[name], optimiser)
                accuracy = float((predict(net, test_x) == test_y).float().mean())
                others = test_y != target if backdoored else None
                success = float((predict(net, stamp(test_x))[others] == target).float().mean()) if backdoored else None
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    torch.onnx.export(net, test_x[:1], str(options.out / f"{title}.onnx"), dynamo=False, opset_version=17,
                                      input_names=["input"], output_names=["logits"],
                                      dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
                truth = {"backdoored": backdoored, "target": target, "clean_accuracy": accuracy, "attack_success": success,
                         "set": name, "net": kind, "optimiser": optimiser}
                (options.out / f"{title}.json").write_text(json.dumps(truth, indent=1) + "\n")
                print(f"{title}: accuracy {accuracy:.3f}, attack {success}, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
