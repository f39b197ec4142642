"""ONNX files in gifthorse against onnxruntime: python compare_files.py GIFTHORSE FOLDER

GIFTHORSE is the built binary. Prints one row of a table for each `.onnx` file: the largest difference of the logits of 16 random images
over the largest logit, how many of them get the same class, and, as a yardstick, the same error of onnxruntime with its graph
optimisation against onnxruntime without it, which gifthorse is compared with. Images are in [0, 1), or up to the file's metadatum `range`.
gifthorse leaves a final softmax off, so that onnxruntime is asked for the value before it.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

IMAGES = 16


def logits_model(path):
    """The model with the value before a final softmax as its output, the shape of its images, and their range."""
    model = onnx.load(path)
    producer = {output: node for node in model.graph.node for output in node.output}
    last = model.graph.output[0].name
    while last in producer and producer[last].op_type in ("Identity", "Softmax"):
        last = producer[last].input[0]
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    props = {p.key: p.value for p in model.metadata_props}
    return model.SerializeToString(), shape, float(props.get("range", "1"))


def by_onnxruntime(model, x, level):
    """The logits, one image at a time: what a file computes over its whole input then comes from one image."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None]})[0] for image in x])


def relative(got, expected):
    return float(abs(got - expected).max() / abs(expected).max())


def row(program, path):
    model, shape, most = logits_model(path)
    x = most * np.random.default_rng(0).random((IMAGES, *shape), dtype=np.float32)
    expected = by_onnxruntime(model, x, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    optimised = by_onnxruntime(model, x, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
        np.save(given, x)
        done = subprocess.run([program, "logits", path, "--input", given, "--out", made], capture_output=True, text=True)
        if done.returncode != 0:
            return " ".join(done.stderr.split())[:300] + " | | "
        got = np.load(made)
    if got.shape != expected.shape:
        return f"shape {got.shape}, not {expected.shape} | | "
    same = int((got.argmax(1) == expected.argmax(1)).sum())
    return f"{relative(got, expected):.1e} | {same} of {IMAGES} | {relative(optimised, expected):.1e}"


def main():
    program, folder = sys.argv[1:]
    print("| file | relative error | same class | onnxruntime's own |\n|---|---|---|---|", flush=True)
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".onnx")):
        try:
            result = row(program, os.path.join(folder, file))
        except Exception as error:  # one bad file must not hide the others
            result = f"not run by onnxruntime: {' '.join(str(error).split())[:160]} | | "
        print(f"| {file.removesuffix('.onnx')} | {result} |", flush=True)


main()
