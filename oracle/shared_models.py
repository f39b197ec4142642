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

    output = reference.ort_output(reference.session(path), x, fixed)
    arrays, numbers = reference.measure(model, x, None, output)
    arrays["output"] = output
    entry = {"name": name, "file": os.path.basename(os.path.dirname(path)) + "/" + name + ".onnx", "images": IMAGES,
             "channels": channels, "height": height, "width": width, "nhwc": nhwc, "fixed_batch": fixed,
             "multiply": multiply, "add": add, "classes": output.shape[1], "output": numbers, "logits": None}
    inner = reference.before_softmax(model)
    if inner is not None:
        runner = reference.session(reference.with_output(model, inner).SerializeToString())
        logits = reference.ort_output(runner, x, fixed)
        more, entry["logits"] = reference.measure(model, x, inner, logits)
        arrays |= {"logits": logits, "logits_gradient": more["gradient"]}
    return entry, arrays


def main():
    folder = os.environ["GIFTHORSE_MODELS"]
    os.makedirs(os.path.join(GOLDEN, "shared_models"), exist_ok=True)
    entries = []
    for path in sorted(glob.glob(os.path.join(folder, "*", "*.onnx"))):
        entry, arrays = one(path)
        np.savez_compressed(os.path.join(GOLDEN, "shared_models", entry["name"] + ".npz"), **arrays)
        entries.append(entry)
        for which in ("output", "logits"):
            if entry[which]:
                n = entry[which]
                print(f"{entry['name']:32} {which:6} ort {n['onnxruntime_output_error']:.1e}"
                      f" torch32 {n['pytorch_f32_output_error']:.1e} gradient32 {n['pytorch_f32_gradient_error']:.1e}"
                      f" |gradient| {n['gradient_max']:.2e} spread {np.ptp(arrays[which], 1).min():.2f}"
                      f" images differ {abs(arrays[which][0] - arrays[which][1]).max():.2f}")
    with open(os.path.join(GOLDEN, "shared_models.json"), "w") as file:
        json.dump(entries, file, indent=1)
        file.write("\n")


main()
