"""What onnxruntime gives for the networks of gifthorse-train: python attack_nets.py WRITE_NET

WRITE_NET is the built example `write_net` of that crate. Each network is written by it, checked by onnx, given numbers for
its batch normalisations, and run on two images; the logits go to crates/gifthorse-train/tests/golden/nets.json.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-train", "tests", "golden", "nets.json")
INPUT = (3, 32, 32)
CLASSES = 4
SEED = 1
NETS = [
    {"kind": "small_cnn", "channels": [4, 8], "hidden": 16},
    {"kind": "table7", "channels": [4, 8], "hidden": 16},
    {"kind": "cla", "channels": [8, 4], "hidden": 16},
    {"kind": "table8", "channels": [4, 6, 8], "hidden": 24},
    {"kind": "deep_id", "channels": [4, 6, 8, 8], "features": 16},
    {"kind": "vgg16", "width": 4, "hidden": 16},
    {"kind": "nin", "width": 12},
    {"kind": "resnet18", "width": 4},
    {"kind": "preact_resnet18", "width": 4},
    {"kind": "alexnet", "width": 4, "hidden": 16, "stride": 1},
    {"kind": "vit", "width": 16, "depth": 2, "heads": 2, "hidden": 32},
]


def fraction(count, step, offset=0.0):
    """Numbers from 0 to below 1: the fractions of multiples of `step`, from `offset` on."""
    return np.modf(offset + step * np.arange(count))[0]


def fill_norms(model):
    """Numbers that tell the four parameters of a batch normalisation apart."""
    tensors = {t.name: t for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            continue
        for place, name in enumerate(node.input[1:5]):
            count = tensors[name].dims[0]
            values = fraction(count, 0.37, 0.21 * place)
            # Scale and variance around 1, bias and mean around 0.
            values = values + 0.5 if place in (0, 3) else values - 0.5
            tensors[name].CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), name))


def logits(write_net, net):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.onnx")
        subprocess.run([write_net, json.dumps(net), *map(str, INPUT), str(CLASSES), str(SEED), path], check=True)
        model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    fill_norms(model)
    images = fraction(2 * int(np.prod(INPUT)), 0.618034).astype(np.float32).reshape(2, *INPUT)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})[0]


def main():
    cases = []
    for net in NETS:
        found = logits(sys.argv[1], net)
        assert found.shape == (2, CLASSES) and np.isfinite(found).all()
        cases.append({"net": net, "logits": [float(f"{v:.7g}") for v in found.ravel()]})
    golden = {"input": INPUT, "classes": CLASSES, "seed": SEED, "cases": cases}
    with open(GOLDEN, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
