"""torchvision's networks as users export them, in gifthorse against onnxruntime: python network_files.py GIFTHORSE [NAME ...] [FORM ...]
or, for the version converter, python network_files.py GIFTHORSE convert [NAME ...] [OPSET ...]

GIFTHORSE is the built binary. A form is `ts11`, `ts13` or `ts17` (the TorchScript exporter at that opset), `dynamo` (the
newer exporter at its default; it needs the package onnxscript) or `to7` ... `to24` (opset 17 taken there by
onnx.version_converter). Without names all of NETS, without forms `ts11 ts13 ts17 dynamo`. Prints one row of a table for
each as it goes: the largest difference of the logits over the largest logit; 1e-4 is allowed. With `convert` the file of the first form
given (`ts17` without one) is taken to every opset from 7 to 24, or those given, and there is one row for each network: the error, `-`
where the converter refuses (its reasons are printed below), `ort` where onnxruntime does not run what it made. Weights are random, with
batch norms that have seen random images, so that activations are of ordinary size.
"""

import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from onnx import version_converter

# Name and side of the images, the smallest that the network takes or little more.
NETS = {"resnet18": 64, "resnet50": 64, "vgg16_bn": 224, "alexnet": 224, "googlenet": 64, "inception_v3": 299,
        "densenet121": 64, "squeezenet1_1": 64, "mobilenet_v2": 64, "mobilenet_v3_large": 64, "shufflenet_v2_x1_0": 64,
        "efficientnet_b0": 64, "mnasnet1_0": 64, "regnet_y_400mf": 64, "convnext_tiny": 64, "vit_b_16": 224,
        "swin_t": 64, "maxvit_t": 224}
FORMS = ("ts11", "ts13", "ts17", "dynamo")
ALLOWED = 1e-4


def network(name):
    """The network in inference mode, with statistics of a batch of random images."""
    torch.manual_seed(0)
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net = getattr(torchvision.models, name)(weights=None, **extra)
    if any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in net.modules()):
        for module in net.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
        net.train()
        with torch.no_grad():
            net(torch.rand(4, 3, NETS[name], NETS[name]))
    for module in net.modules():
        # vit_b_16 begins with a head of zeros, whose logits compare with nothing.
        if isinstance(module, torch.nn.Linear) and not module.weight.any():
            torch.nn.init.normal_(module.weight, std=0.02)
    return net.eval()


def export(net, form, side, path):
    """Writes the file of one form; the error of an exporter or converter goes up."""
    x = torch.zeros(2, 3, side, side)
    names = {"input_names": ["input"], "output_names": ["logits"]}
    if form == "dynamo":
        batch = torch.export.Dim("batch")
        torch.onnx.export(net, (x,), path, dynamo=True, dynamic_shapes=({0: batch},), verbose=False, **names)
        return
    opset = 17 if form.startswith("to") else int(form.removeprefix("ts"))
    axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(net, x, path, dynamo=False, opset_version=opset, dynamic_axes=axes, **names)
    if form.startswith("to"):
        onnx.save(version_converter.convert_version(onnx.load(path), int(form.removeprefix("to"))), path)


def compare(program, path, side, folder):
    """The relative error of gifthorse's logits, or what it says."""
    x = np.random.default_rng(0).random((2, 3, side, side), dtype=np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: x})[0]
    given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    np.save(given, x)
    done = subprocess.run([program, "logits", path, "--input", given, "--out", made], capture_output=True, text=True)
    if done.returncode != 0:
        return " ".join(done.stderr.split())[:300]
    got = np.load(made)
    if got.shape != expected.shape:
        return f"shape {got.shape}, not {expected.shape}"
    error = float(abs(got - expected).max() / abs(expected).max())
    return f"{error:.1e}" + ("" if error <= ALLOWED else " (too much)")


def row(program, name, form, net):
    side = NETS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        try:
            export(net, form, side, path)
        except Exception as error:  # what an exporter cannot do is not gifthorse's
            return f"| {name} | {form} | {side} | | not exported: {type(error).__name__}: {' '.join(str(error).split())[:160]} |"
        graph = onnx.load(path, load_external_data=False)
        opset = max(o.version for o in graph.opset_import if o.domain == "")
        try:
            result = compare(program, path, side, folder)
        except Exception as error:  # one bad file must not hide the others
            result = f"not run by onnxruntime: {' '.join(str(error).split())[:160]}"
    return f"| {name} | {form} | {side} | {opset} | {result} |"


def reason(error):
    """The converter's or onnxruntime's words, without what differs from file to file."""
    words = " ".join(str(error).split())
    words = re.sub(r".*?(Assertion `.*?` failed:?|No Adapter|Unsupported)", r"\1", words)
    return re.sub(r"0x[0-9a-f]+|node_[\w.]+|/[\w./:]+", "…", words)[:160]


def converted(program, name, net, form, opsets, said):
    """A row of what becomes of the network at each opset; `said` collects reasons."""
    side, cells = NETS[name], []
    with tempfile.TemporaryDirectory() as folder:
        path, made = os.path.join(folder, "model.onnx"), os.path.join(folder, "made.onnx")
        try:
            export(net, form, side, path)
        except Exception as error:  # what an exporter cannot do is not gifthorse's
            return f"| {name} | not exported: {reason(error)} |"
        model = onnx.load(path)
        for opset in opsets:
            try:
                onnx.save(version_converter.convert_version(model, opset), made)
            except Exception as error:  # what the converter cannot do is not gifthorse's
                cells.append("-")
                said.setdefault(f"the converter: {reason(error)}", {}).setdefault(name, []).append(opset)
                continue
            try:
                cells.append(compare(program, made, side, folder))
            except Exception as error:  # what onnxruntime does not run compares with nothing
                cells.append("ort")
                said.setdefault(f"onnxruntime: {reason(error)}", {}).setdefault(name, []).append(opset)
    return f"| {name} | " + " | ".join(cells) + " |"


def convert(program, names, form, opsets):
    """The table of conversions."""
    said = {}
    print("| network | " + " | ".join(map(str, opsets)) + " |\n" + "|---" * (len(opsets) + 1) + "|", flush=True)
    for name in names:
        print(converted(program, name, network(name), form, opsets, said), flush=True)
    print()
    for words, where in said.items():
        print(f"- {words}: " + ", ".join(f"{name} at {low} to {high}" for name, (low, *_, high) in
                                         ((name, [*at, at[-1]]) for name, at in where.items())), flush=True)


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    program, *rest = sys.argv[1:]
    if rest[:1] == ["convert"]:
        opsets = [int(a) for a in rest if a.isdigit()] or list(range(7, 25))
        form = next((a for a in rest if re.fullmatch(r"ts\d+", a)), "ts17")
        convert(program, [a for a in rest if a in NETS] or list(NETS), form, opsets)
        return
    forms = [a for a in rest if re.fullmatch(r"dynamo|(ts|to)\d+", a)] or FORMS
    names = [a for a in rest if a in NETS] or list(NETS)
    print("| network | form | side | opset | relative error |\n|---|---|---|---|---|", flush=True)
    for name in names:
        net = network(name)
        for form in forms:
            print(row(program, name, form, net), flush=True)


if __name__ == "__main__":
    main()
