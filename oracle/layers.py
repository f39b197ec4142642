"""Layers of the networks of layer_nets.py by onnxruntime and PyTorch: python layers.py

Writes crates/gifthorse-engine/tests/golden/layers.json and layers/*.npz. An npz has the file (`model`), onnxruntime's `logits`, and of
each layer, by its number in the index, onnxruntime's `feature` and PyTorch's `gradient` in f64 of sum(coefficient * logit) to it, both
at `formula.positions` if there are more than SAMPLED values. The same for the network with channels masked at one layer and
bounded at another, which onnxruntime is given as an edited file. The index also has PyTorch's largest error in f32 against f64.
"""

import json
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import formula
import layer_nets
from onnx_torch import Interpreter, relative_error
from reference import session

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-engine", "tests", "golden")
IMAGES = 3
SAMPLED = 64
# For each net: the layer to mask with the channels to switch off, and the layer to bound, by the operator and its place among those
# of the operator; the axis of the channels.
CHANGES = {
    "plain": {"mask": ("Relu", 0, [1, 4], 1), "bound": ("Relu", 1, 1)},
    "residual": {"mask": ("Relu", 1, [0, 5], 1), "bound": ("Relu", 2, 1)},
    "branching": {"mask": ("Concat", 0, [0, 7, 11], 1), "bound": ("Relu", 5, 1)},
    "transformer": {"mask": ("Add", 0, [2, 3], 2), "bound": ("LayerNormalization", 2, 2)},
}


def with_outputs(model, names):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    return model


def readers(model):
    """Which nodes read each value as numbers; what is only asked for its shape is not read."""
    found = {}
    for node in model.graph.node:
        for name in node.input if node.op_type != "Shape" else ():
            found.setdefault(name, []).append(node)
    return found


def reached(model, without=None):
    """The values that depend on the image, if the value `without` were a constant."""
    by_value, found, open_ = readers(model), set(), ["input"]
    while open_:
        name = open_.pop()
        if name in found or name == without:
            continue
        found.add(name)
        open_ += [output for node in by_value.get(name, ()) for output in node.output]
    return found


def values(model, x, names):
    runner = session(with_outputs(model, names).SerializeToString())
    return dict(zip(names, runner.run(names, {"input": x})))


def layers(model, x):
    """Names of the values that depend on the image and have a row for each of however many images, in order."""
    names = [output for node in model.graph.node for output in node.output if node.op_type != "Identity"]
    names = [name for name in names if name in reached(model)]
    few, many = values(model, x[:2], names), values(model, x, names)
    return [name for name in names if few[name].shape[:1] == (2,) and many[name].shape[:1] == (IMAGES,)]


def gradients(model, x, names, dtype=torch.float64):
    """Logits, and the values of these names with the gradients of sum(coefficient * logit) to them, by PyTorch."""
    run = Interpreter(model, dtype)
    image = torch.tensor(x, dtype=dtype, requires_grad=True)
    leaves = {"input": image}
    if "bounds" in names:
        leaves["bounds"] = run.constants["bounds"].requires_grad_()
    made = run(image, fetch=["logits", *(n for n in names if n not in leaves)])
    logits = made["logits"]
    weights = torch.tensor(formula.coefficients(logits.numel()), dtype=dtype).reshape(logits.shape)
    wanted = [leaves.get(name, made.get(name)) for name in names]
    found = torch.autograd.grad((logits * weights).sum(), wanted, allow_unused=True)
    found = [torch.zeros_like(value) if g is None else g for value, g in zip(wanted, found)]
    return logits.detach().numpy(), [v.detach().numpy() for v in wanted], [g.numpy() for g in found]


def measured(model, x, names):
    """Logits and gradients by PyTorch in f64, and the largest relative error of its values and gradients in f32."""
    logits, *exact = gradients(model, x, names)
    _, *single = gradients(model, x, names, torch.float32)
    pairs = [pair for kind in zip(single, exact) for pair in zip(*kind)]
    return logits, exact[1], max(relative_error(got, wanted) for got, wanted in pairs)


def changed(model, mask, bound, shapes):
    """The file with channels masked at one layer and bounded at another."""
    model = onnx.ModelProto.FromString(model.SerializeToString())

    def insert(name, operator, operand, values, axis):
        shape = [1] * len(shapes[name])
        shape[axis] = len(values)
        values = np.asarray(values, np.float32).reshape(shape)
        model.graph.initializer.append(numpy_helper.from_array(values, operand))
        at = next(i for i, node in enumerate(model.graph.node) if name in node.output)
        for node in model.graph.node:
            for i, read in enumerate(node.input):
                if read == name:
                    node.input[i] = name + " changed"
        model.graph.node.insert(at + 1, helper.make_node(operator, [name, operand], [name + " changed"]))

    name, channels, axis = mask
    factors = np.ones(shapes[name][axis])
    factors[channels] = 0
    insert(name, "Mul", "factors", factors, axis)
    insert(bound[0], "Min", "bounds", bound[1], bound[2])
    return model


def sampled(value):
    value = np.asarray(value).reshape(-1)
    return value if value.size <= SAMPLED else value[formula.positions(value.size, SAMPLED)]


def case(name):
    model = layer_nets.export(name)
    onnx.checker.check_model(model, full_check=True)
    x = formula.uniform(formula.FIRST_TENSOR, (IMAGES, 3, layer_nets.SIZE, layer_nets.SIZE), 0.0, 1.0)
    names = layers(model, x)
    features = values(model, x, names)
    exact, wanted, error = measured(model, x, ["input", *names])
    assert relative_error(features["logits"], exact) < 1e-5
    cuts = [n for n in names if n == "logits" or "logits" not in reached(model, without=n)]

    of = lambda operator: [n.output[0] for n in model.graph.node if n.op_type == operator and n.output[0] in names]
    shapes = {n: features[n].shape for n in names}
    operator, place, channels, axis = CHANGES[name]["mask"]
    mask = (of(operator)[place], channels, axis)
    operator, place, axis = CHANGES[name]["bound"]
    bounded = of(operator)[place]
    axes = tuple(i for i in range(len(shapes[bounded])) if i != axis)
    # A third of each channel's way from its mean to its largest value: some values are above, most are not.
    most, mean = features[bounded].max(axes), features[bounded].mean(axes)
    bounds = (mean + (most - mean) / 3).astype(np.float32)
    edited = changed(model, mask, (bounded, bounds, axis), shapes)
    onnx.checker.check_model(edited, full_check=True)
    logits = values(edited, x, ["logits"])["logits"]
    # The features of a changed layer are the changed ones.
    exact, after, other = measured(edited, x, ["input", "bounds", bounded + " changed"])
    error = max(error, other)
    assert relative_error(logits, exact) < 1e-5
    difference = relative_error(logits, features["logits"])
    assert difference > 1e-2, "the changes do nothing"

    arrays = {"model": np.frombuffer(model.SerializeToString(), np.uint8), "logits": features["logits"],
              "image.gradient": sampled(wanted[0]), "changed.logits": logits, "changed.bounds": bounds,
              "changed.image.gradient": sampled(after[0]), "changed.bounds.gradient": after[1].reshape(-1),
              "changed.gradient": sampled(after[2])}
    for i, n in enumerate(names):
        arrays[f"{i}.feature"] = sampled(features[n])
        arrays[f"{i}.gradient"] = sampled(wanted[1 + i])
    arrays = {n: a if a.dtype == np.uint8 else a.astype(np.float32) for n, a in arrays.items()}
    np.savez_compressed(os.path.join(GOLDEN, "layers", f"{name}.npz"), **arrays)
    print(f"{name:12} {len(names)} layers, {len(cuts)} of them cuts, logits change by {difference:.2f}, PyTorch f32 {error:.1e}")
    return {"name": name, "images": IMAGES, "pytorch": error, "layers": [{"name": n, "shape": shapes[n][1:]} for n in names], "cuts": cuts,
            "mask": {"layer": mask[0], "channels": channels}, "bound": {"layer": bounded}}


def main():
    os.makedirs(os.path.join(GOLDEN, "layers"), exist_ok=True)
    cases = [case(name) for name in layer_nets.NETS]
    with open(os.path.join(GOLDEN, "layers.json"), "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")


main()
