"""Golden logits and gradients of torchvision's networks: python torchvision_nets.py [NAME ...]

The weights come from `formula.uniform`, so that a skeleton is all that has to be committed: the exported file, whose
larger initialisers say that their data lie in `weights.bin`, which both this script and the Rust test write.
"""

import json
import math
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto

import formula
import reference
from exported_nets import NETS, OPSETS, export

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-engine", "tests", "golden")
WEIGHTS = "weights.bin"
# Initialisers with fewer values stay in the file.
INLINE = 32
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def bounds(node, place, shape):
    """Range of the weights of the initialiser at input `place` of `node`, so that activations keep their size."""
    if node.op_type == "BatchNormalization":
        return [None, (0.8, 1.2), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)][place]
    if node.op_type == "LayerNormalization":
        return [None, (0.8, 1.2), (-0.1, 0.1)][place]
    if node.op_type == "Mul":
        return 0.8, 1.2
    if node.op_type == "Conv" and place == 1:
        a = math.sqrt(6 / math.prod(shape[1:]))
    elif node.op_type == "Gemm" and place == 1:
        a = math.sqrt(3 / shape[1])
    elif node.op_type == "MatMul":
        a = math.sqrt(3 / shape[-2])
    else:
        a = 0.1
    return -a, a


def strip(model):
    """Moves the larger float initialisers to WEIGHTS; gives the formula of each, in the order of the file."""
    used = {}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            used.setdefault(name, (node, place))
    tensors, offset = [], 0
    for proto in model.graph.initializer:
        count = math.prod(proto.dims)
        if proto.data_type != TensorProto.FLOAT or count < INLINE:
            continue
        low, high = bounds(*used[proto.name], list(proto.dims))
        low = np.float32(low)
        tensors.append({"stream": formula.FIRST_TENSOR + len(tensors), "count": count, "low": float(low),
                        "width": float(np.float32(high) - low)})
        proto.ClearField("raw_data")
        proto.ClearField("float_data")
        proto.data_location = TensorProto.EXTERNAL
        del proto.external_data[:]
        for key, value in (("location", WEIGHTS), ("offset", offset), ("length", count * 4)):
            proto.external_data.add(key=key, value=str(value))
        offset += count * 4
    return tensors


def write_weights(path, tensors):
    with open(path, "wb") as file:
        for t in tensors:
            for start in range(0, t["count"], 1 << 22):
                h = formula.hashes(t["stream"], min(1 << 22, t["count"] - start), start)
                unit = (h >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
                file.write((unit * np.float32(t["width"]) + np.float32(t["low"])).tobytes())


def one(name, opset):
    model = export(name, opset)
    tensors = strip(model)
    skeleton = model.SerializeToString()
    exact = lambda v: [float(np.float32(x)) for x in v]
    multiply, add = exact(1 / 255 / STD), exact(-MEAN / STD)
    x = formula.raw_input(2, 3, 224, 224, multiply, add)
    images = NETS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        with open(path, "wb") as file:
            file.write(skeleton)
        write_weights(os.path.join(folder, WEIGHTS), tensors)
        both = reference.ort_output(reference.session(path), x, True)
        output = both[:images]
        arrays, numbers = reference.measure(onnx.load(path), x[:images], output)
    print(f"{name} opset {opset}: {len(skeleton)} bytes, {len(model.graph.node)} nodes, {len(tensors)} tensors; output"
          f" std {output.std(1).min():.3f} mean {output.mean():.3f}, images differ by"
          f" {np.linalg.norm(both[0] - both[1]) / np.linalg.norm(both[0] - both[0].mean()):.3f} of that;"
          f" {reference.summary(numbers)}", flush=True)
    file = f"{name}-opset{opset}"
    np.savez_compressed(os.path.join(GOLDEN, "torchvision", file + ".npz"),
                        model=np.frombuffer(skeleton, dtype=np.uint8), **arrays)
    return {"name": file, "images": images, "channels": 3, "height": 224, "width": 224, "multiply": multiply,
            "add": add, "classes": 1000, "measured": numbers, "tensors": tensors}


def main():
    os.makedirs(os.path.join(GOLDEN, "torchvision"), exist_ok=True)
    index = os.path.join(GOLDEN, "torchvision.json")
    entries = {e["name"]: e for e in json.load(open(index))} if os.path.exists(index) else {}
    for name in sys.argv[1:] or NETS:
        for opset in OPSETS:
            entry = one(name, opset)
            entries[entry["name"]] = entry
            with open(index, "w") as file:
                json.dump(sorted(entries.values(), key=lambda e: e["name"]), file, separators=(",", ":"))
                file.write("\n")


main()
