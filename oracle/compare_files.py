"""ONNX files in gifthorse against onnxruntime: python compare_files.py GIFTHORSE FOLDER

GIFTHORSE is the built binary. Prints one row of a table for each `.onnx` file: the largest difference of the logits of 16 random
images over the largest logit, and how many of them get the same class. Images are in [0, 1), or up to the file's metadatum
`range`. gifthorse leaves a final softmax off, so that onnxruntime is asked for the value before it. Graph optimisation is off.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

ALLOWED = 1e-4
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


def row(program, path):
    model, shape, most = logits_model(path)
    x = most * np.random.default_rng(0).random((IMAGES, *shape), dtype=np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # One by one: what a file computes over its whole input then comes from one image.
    name = session.get_inputs()[0].name
    expected = np.concatenate([session.run(None, {name: x[i:i + 1]})[0] for i in range(IMAGES)])
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
        np.save(given, x)
        done = subprocess.run([program, "logits", path, "--input", given, "--output", made], capture_output=True, text=True)
        if done.returncode != 0:
            return " ".join(done.stderr.split())[:300] + " | "
        got = np.load(made)
    if got.shape != expected.shape:
        return f"shape {got.shape}, not {expected.shape} | "
    error = float(abs(got - expected).max() / abs(expected).max())
    same = int((got.argmax(1) == expected.argmax(1)).sum())
    return f"{error:.1e}{'' if error <= ALLOWED else ' (more than 1e-4)'} | {same} of {IMAGES}"


def main():
    program, folder = sys.argv[1:]
    print("| file | relative error | same class |\n|---|---|---|", flush=True)
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".onnx")):
        try:
            result = row(program, os.path.join(folder, file))
        except Exception as error:  # one bad file must not hide the others
            result = f"not run by onnxruntime: {' '.join(str(error).split())[:160]} | "
        print(f"| {file.removesuffix('.onnx')} | {result} |", flush=True)


main()
