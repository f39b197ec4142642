#!/usr/bin/env python3
"""Which number of a classifier's last layer tells a backdoor's target best, over models whose truth is known.

    bench/last_layer.py BACKDOORED_ZOO CLEAN_ZOO [--classes 7]

Both are folders that `gifthorse zoo build` made. For each number, the largest class of a model is held against the
other classes, in their standard deviations. *right* is the share of backdoored models with one target or several in
which the largest class is one, AUC the area under the ROC curve against the clean models, and TPR the share of
backdoored models beyond the 95 % quantile of the clean ones. Models with fewer classes are left out. Needs numpy, onnx
and onnxruntime. Prints a Markdown table (docs/decisions/0015-last-layer.md).
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

IMAGES = 512
RANDOM_FEATURES = 4000


def last_layer(zoo, model):
    """Weights [classes, units], biases, and the units' values on clean images."""
    graph = (file := onnx.load(zoo / model["model"])).graph
    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    node = makers[graph.output[0].name]
    while node.op_type not in ("Gemm", "MatMul"):
        node = makers[node.input[0]]
    weight = weights[node.input[1]].astype(np.float64)
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    weight = weight if node.op_type == "Gemm" and transposed else weight.T
    bias = np.zeros(len(weight))
    if node.op_type == "Gemm" and len(node.input) > 2:
        bias = weights[node.input[2]].astype(np.float64)
    graph.output.append(onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file.SerializeToString(), options, providers=["CPUExecutionProvider"])
    arrays = np.load(zoo / model["images"])
    images = next(arrays[name] for name in arrays if arrays[name].ndim == 4)[:IMAGES]
    images = images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)
    if images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    features = session.run([node.input[0]], {session.get_inputs()[0].name: np.ascontiguousarray(images)})[0]
    return weight, bias, features.astype(np.float64)


def numbers(weight, bias, features):
    """Each number of each class, by name."""
    mean, top = np.maximum(features, 0).mean(0), np.maximum(np.quantile(features, 0.99, axis=0), 0)
    random = np.abs(np.random.default_rng(0).standard_normal((RANDOM_FEATURES, weight.shape[1])))
    won = lambda logits: np.bincount(logits.argmax(1), minlength=len(weight)) / len(logits)
    beside = weight - weight.mean(0)
    centred = weight - weight.mean(1, keepdims=True)

    def reach(part):
        low, high = np.quantile(features, part, axis=0), np.quantile(features, 1 - part, axis=0)
        return np.maximum(beside * low, beside * high).sum(1)

    return {
        "sum of weights": weight.sum(1),
        "sum of weights times the mean": (weight * mean).sum(1),
        "sum of weights times the largest value": (weight * top).sum(1),
        "sum of the positive weights": np.maximum(weight, 0).sum(1),
        "largest weight": weight.max(1),
        "skewness of weights": (centred**3).mean(1) / (centred**2).mean(1) ** 1.5,
        "random features won": won(random @ weight.T + bias),
        "random features in units of the largest value won": won((random * top) @ weight.T + bias),
        "reach, first and last tenth": reach(0.1),
        "reach, smallest and largest value": reach(0),
        "**reach**, first and last hundredth": reach(0.01),
    }


def standing(values, logarithmic):
    """How far each class lies above the others, in their standard deviations."""
    values = np.log(values) if logarithmic and (values > 0).all() else values
    others = [np.delete(values, place) for place in range(len(values))]
    return np.array([(value - rest.mean()) / (rest.std(ddof=1) + 1e-9) for value, rest in zip(values, others)])


def measured(zoo, least):
    for model in json.loads((zoo / "zoo.json").read_text())["models"]:
        if model["state"] != "good":
            continue
        weight, bias, features = last_layer(zoo, model)
        if len(weight) < least:
            continue
        truth = json.loads((zoo / model["truth"]).read_text())
        targets = {one["labels"]["target"] for one in truth["backdoors"] if "target" in one["labels"]}
        of_model = numbers(weight, bias, features)
        stands = {name: standing(values, "reach" in name) for name, values in of_model.items()}
        stands["reach and sum, added"] = stands["**reach**, first and last hundredth"] + stands["sum of weights"]
        yield stands, targets


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backdoored", type=pathlib.Path)
    parser.add_argument("clean", type=pathlib.Path)
    parser.add_argument("--classes", type=int, default=7)
    given = parser.parse_args()
    backdoored, clean = (list(measured(zoo, given.classes)) for zoo in (given.backdoored, given.clean))
    print(f"{len(backdoored)} backdoored and {len(clean)} clean models of {given.classes} classes and more\n")
    print("| number of a class | right | AUC | TPR |\n|---|--:|--:|--:|")
    for name in backdoored[0][0]:
        largest = np.array([stands[name].max() for stands, _ in backdoored])
        of_clean = np.array([stands[name].max() for stands, _ in clean])
        right = [stands[name].argmax() in targets for stands, targets in backdoored if targets]
        area = (largest[:, None] > of_clean).mean() + (largest[:, None] == of_clean).mean() / 2
        beyond = (largest > np.quantile(of_clean, 0.95)).mean()
        print(f"| {name} | {np.mean(right):.2f} | {area:.2f} | {beyond:.2f} |")


if __name__ == "__main__":
    main()
