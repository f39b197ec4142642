"""Golden outputs and gradients of the models under $GIFTHORSE_MODELS: python shared_models.py"""

import glob
import json
import os

import numpy as np
import onnx

import formula
import reference

IMAGES = 4
GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-engine", "tests", "golden")


def preprocessing(about, channels):
    """Per channel, multiply and add: raw = pixel * multiply + add, from the model's json."""
    spread = lambda v: np.broadcast_to(np.asarray(v, dtype=np.float64), (channels,))
    low, high = about.get("input_range", (0, 1))
    scale, mean, std = (spread(about.get(k, d)) for k, d in (("scale", high - low), ("mean", -low), ("std", 1)))
    exact = lambda v: [float(np.float32(x)) for x in v]
    return exact(scale / 255 / std), exact(-mean / std)


def one(path):
    name = os.path.splitext(os.path.basename(path))[0]
    about = json.load(open(os.path.splitext(path)[0] + ".json"))
    model = onnx.load(path)
    _, dims = reference.graph_input(model)
    nhwc = dims[-1] in (1, 3) and dims[1] not in (1, 3)
    height, width, channels = dims[1:] if nhwc else (dims[2], dims[3], dims[1])
    multiply, add = preprocessing(about, channels)
    x = formula.raw_input(IMAGES, channels, height, width, multiply, add)
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if nhwc else x
    fixed = dims[0] == 1

    # The engine leaves a final softmax off.
    inner = reference.before_softmax(model)
    runner = reference.session(reference.with_output(model, inner).SerializeToString() if inner else path)
    output = reference.ort_output(runner, x, fixed)
    arrays, numbers = reference.measure(model, x, output, inner)
    entry = {"name": name, "file": os.path.basename(os.path.dirname(path)) + "/" + name + ".onnx", "images": IMAGES,
             "channels": channels, "height": height, "width": width, "nhwc": nhwc, "multiply": multiply, "add": add,
             "classes": output.shape[1], "measured": numbers}
    return entry, arrays


def main():
    folder = os.environ["GIFTHORSE_MODELS"]
    os.makedirs(os.path.join(GOLDEN, "shared_models"), exist_ok=True)
    entries = []
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.onnx"))):
        entry, arrays = one(path)
        np.savez_compressed(os.path.join(GOLDEN, "shared_models", entry["name"] + ".npz"), **arrays)
        entries.append(entry)
        print(f"{entry['name']:32} {reference.summary(entry['measured'])}; outputs of an image spread over"
              f" {np.ptp(arrays['output'], 1).min():.2f}", flush=True)
    with open(os.path.join(GOLDEN, "shared_models.json"), "w") as file:
        json.dump(entries, file, indent=1)
        file.write("\n")


main()
