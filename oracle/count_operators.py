"""Which operators and attributes the supported networks use: python count_operators.py

Reads the models under $GIFTHORSE_MODELS (if set) and the skeletons of torchvision_nets.py, and says which of those
operators node_case_list.py does not cover.
"""

import collections
import glob
import os

import numpy as np
import onnx

import node_case_list

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-engine", "tests", "golden")


def models():
    for path in sorted(glob.glob(os.path.join(os.environ.get("GIFTHORSE_MODELS", ""), "*", "*.onnx"))):
        yield onnx.load(path)
    for path in sorted(glob.glob(os.path.join(GOLDEN, "torchvision", "*.npz"))):
        yield onnx.load_from_string(np.load(path)["model"].tobytes())


def main():
    counts = collections.defaultdict(collections.Counter)
    for model in models():
        opset = next(o.version for o in model.opset_import if o.domain == "")
        for node in model.graph.node:
            counts[node.op_type][f"opset {opset}"] += 1
            for attribute in node.attribute:
                value = onnx.helper.get_attribute_value(attribute)
                text = type(value).__name__ if isinstance(value, onnx.TensorProto) else str(value)
                counts[node.op_type][f"{attribute.name}={text}"] += 1
    covered = {case.op for case in node_case_list.cases()}
    covered |= {n.op_type for case in node_case_list.cases() for n in case.before + case.after}
    for op, uses in sorted(counts.items()):
        print(op + ("" if op in covered else "  (NO CASE)"))
        for use, count in sorted(uses.items()):
            print(f"  {count:5} {use}")


main()
