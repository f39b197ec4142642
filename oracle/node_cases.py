"""Golden outputs and gradients of single operators: python node_cases.py

Every case is a small model with one f32 input `x` and one f32 output `y`; other operands are initialisers. The output
is onnxruntime's; the gradient to `x` of sum(coefficient(i) * y[i]) is PyTorch's in f64.
"""

import json
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import formula
import node_case_list
from onnx_torch import Interpreter, gradient, relative_error
from reference import session

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-engine", "tests", "golden")


def build(case):
    """The case's model, ending in a reshape to [first axis of `x`, rest], as a classifier would give."""
    nodes, initialisers, names = list(case.before), [], []
    for i, operand in enumerate(case.inputs):
        if isinstance(operand, np.ndarray):
            names.append(f"c{i}")
            initialisers.append(numpy_helper.from_array(operand, names[-1]))
        else:
            names.append(operand)
    outputs = [f"o{i}" for i in range(case.outputs)]
    nodes.append(helper.make_node(case.op, names, outputs, name="node", **case.attributes))
    nodes += case.after
    if case.cast:
        nodes.append(helper.make_node("Cast", [nodes[-1].output[0]], ["float"], to=TensorProto.FLOAT))
    initialisers.append(numpy_helper.from_array(np.array([case.shape[0], -1]), "rows"))
    nodes.append(helper.make_node("Reshape", [nodes[-1].output[0], "rows"], ["y"]))
    graph = helper.make_graph(
        nodes, case.name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, case.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [case.shape[0], None])], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=8)
    model.producer_name = ""
    return model


def exact(values):
    """Decimal numbers that read back as the same f32."""
    return [float(f"{v:.9g}") for v in np.asarray(values, dtype=np.float32).reshape(-1).tolist()]


def golden(case):
    model = build(case)
    x = formula.uniform(formula.FIRST_TENSOR, case.shape, case.low, case.width)
    output = session(model.SerializeToString()).run(None, {"x": x})[0]
    mine = Interpreter(model, torch.float32)(torch.from_numpy(x))["y"].numpy()
    assert mine.shape == output.shape, f"{case.name}: interpreter gives {mine.shape}, onnxruntime {output.shape}"
    error = relative_error(mine, output)
    assert error < 1e-5, f"{case.name}: interpreter and onnxruntime differ by {error:.1e}\n{mine}\n{output}"
    grad = None
    if case.smooth:
        _, value = gradient(Interpreter(model, torch.float64), x, formula.coefficients(output.size))
        grad = exact(value)
    return {"name": case.name, "operator": case.op, "model": model.SerializeToString().hex(), "shape": list(case.shape), "low": case.low,
            "width": case.width, "output_shape": list(output.shape), "output": exact(output), "gradient": grad}


def main():
    cases = node_case_list.cases()
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    results, failed = [], 0
    for case in cases:
        try:
            results.append(golden(case))
        except Exception as error:  # one bad case must not hide the others
            failed += 1
            print(f"FAILED {case.name}: {type(error).__name__}: {str(error)[:600]}")
    with open(os.path.join(GOLDEN, "nodes.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in results) + "\n]\n")
    print(f"{len(results)} cases, {failed} failed, {len({case.op for case in cases})} operators")


if __name__ == "__main__":
    main()
