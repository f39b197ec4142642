"""Golden outputs of what onnxruntime's optimiser writes: python fused_cases.py

As node_cases.py, without gradients: the operators of the domain com.microsoft are lowered to plain ones, whose gradients
are checked there.
"""

import json
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import formula
from node_cases import GOLDEN, exact
from reference import session


def weights(stream, *shape):
    return formula.uniform(formula.FIRST_TENSOR + stream, shape, -1.0, 2.0)


def cases():
    """Name, operator, shape of `x`, other inputs (None: `x` itself again, "": left out), attributes, which output."""
    conv = [weights(1, 4, 3, 3, 3), weights(2, 4)]
    for activation, parameters in [("Relu", None), ("Tanh", None), ("Sigmoid", None), ("LeakyRelu", [0.2]),
                                   ("Clip", [-0.5, 0.75]), ("HardSigmoid", [0.3, 0.4])]:
        attributes = {"activation": activation, "pads": [1, 1, 1, 1], "strides": [2, 2]}
        if parameters is not None:
            attributes["activation_params"] = parameters
        yield f"fused_conv_{activation.lower()}", "FusedConv", (2, 3, 6, 5), conv, attributes, 0
    yield "fused_conv_sum", "FusedConv", (2, 3, 6, 5), [weights(3, 3, 3, 1, 1), weights(4, 3), None], {"activation": "Relu"}, 0
    for activation, parameters in [("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.3}), ("Sigmoid", {}), ("Tanh", {})]:
        attributes = {"activation": activation, "transB": 1, "alpha": 0.5, "beta": 2.0, **parameters}
        yield f"fused_gemm_{activation.lower()}", "FusedGemm", (3, 5), [weights(5, 4, 5), weights(6, 4)], attributes, 0
    yield "fused_matmul", "FusedMatMul", (2, 3, 5), [weights(7, 4, 5)], {"transB": 1, "alpha": 0.25}, 0
    yield "fused_matmul_left", "FusedMatMul", (2, 5, 3), [weights(8, 2, 5, 4)], {"transA": 1}, 0
    yield "gelu_microsoft", "Gelu", (2, 3, 4), [], {}, 0
    yield "bias_gelu", "BiasGelu", (2, 3, 4), [weights(9, 4)], {}, 0
    yield "fast_gelu", "FastGelu", (2, 3, 4), [], {}, 0
    yield "fast_gelu_bias", "FastGelu", (2, 3, 4), [weights(10, 4)], {}, 0
    yield "quick_gelu", "QuickGelu", (2, 3, 4), [], {}, 0
    yield "quick_gelu_alpha", "QuickGelu", (2, 3, 4), [], {"alpha": 0.7}, 0
    norm = [weights(11, 2, 3, 4), weights(12, 4), weights(13, 4)]
    yield "skip_layer_norm", "SkipLayerNormalization", (2, 3, 4), norm, {"epsilon": 1e-5}, 0
    yield "skip_layer_norm_bias", "SkipLayerNormalization", (2, 3, 4), [*norm, weights(14, 4)], {}, 0
    yield "skip_layer_norm_sum", "SkipLayerNormalization", (2, 3, 4), [*norm, weights(14, 4)], {}, 3
    attention = [weights(15, 8, 24), weights(16, 24)]
    yield "attention", "Attention", (2, 5, 8), attention, {"num_heads": 2}, 0
    keys = [weights(17, 2, 7, 8), weights(18, 2, 7, 12)]
    yield "multi_head_attention", "MultiHeadAttention", (2, 5, 8), keys, {"num_heads": 2}, 0
    bias = [weights(19, 28), "", weights(20, 1, 4, 5, 7)]
    yield "multi_head_attention_bias", "MultiHeadAttention", (2, 5, 8), [*keys, *bias], {"num_heads": 4, "scale": 0.3}, 0
    yield "multi_head_attention_to_itself", "MultiHeadAttention", (2, 5, 8), [None, None], {"num_heads": 2}, 0
    yield "attention_scale", "Attention", (2, 5, 8), attention, {"num_heads": 4, "scale": 0.3}, 0


def golden(name, op, shape, inputs, attributes, output):
    names, initialisers = ["x"], []
    for i, operand in enumerate(inputs):
        names.append("x" if operand is None else "" if isinstance(operand, str) else f"c{i}")
        if names[-1].startswith("c"):
            initialisers.append(numpy_helper.from_array(operand, names[-1]))
    outputs = [""] * output + ["o"] if output == 0 else ["first", "", "", "o"]
    initialisers.append(numpy_helper.from_array(np.array([shape[0], -1]), "rows"))
    nodes = [helper.make_node(op, names, outputs, name="node", domain="com.microsoft", **attributes),
             helper.make_node("Reshape", ["o", "rows"], ["y"])]
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], None])], initialisers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    model.producer_name = ""
    x = formula.uniform(formula.FIRST_TENSOR, shape, -2.0, 4.0)
    y = session(model.SerializeToString()).run(None, {"x": x})[0]
    return {"name": name, "operator": op, "model": model.SerializeToString().hex(), "shape": list(shape), "low": -2.0,
            "width": 4.0, "output_shape": list(y.shape), "output": exact(y), "gradient": None}


if __name__ == "__main__":
    lines = [json.dumps(golden(*case), separators=(",", ":")) for case in cases()]
    with open(os.path.join(GOLDEN, "fused.json"), "w") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(len(lines), "cases")
