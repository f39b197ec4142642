"""ONNX files in which every part of the format occurs: python onnx_files.py

Writes crates/gifthorse-onnx/tests/golden, and checks built.onnx there, which the crate's own builder wrote.
"""

import os

import numpy as np
import onnx
import onnx.inliner
import onnxruntime
from google.protobuf.descriptor import FieldDescriptor as F
from onnx import TensorProto, helper, numpy_helper

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-onnx", "tests", "golden")
FLOATS, SIGNED, UNSIGNED, TRUTH = [-1.5, 0.25, 2, 96], [-3, 0, 7, 100], [3, 0, 7, 200], [1, 0, 0, 1]
STORAGE = {TensorProto.FLOAT: FLOATS, TensorProto.DOUBLE: FLOATS, TensorProto.FLOAT16: FLOATS,
           TensorProto.BFLOAT16: FLOATS, TensorProto.INT64: SIGNED, TensorProto.INT32: SIGNED,
           TensorProto.INT16: SIGNED, TensorProto.INT8: SIGNED, TensorProto.UINT64: UNSIGNED,
           TensorProto.UINT32: UNSIGNED, TensorProto.UINT16: UNSIGNED, TensorProto.UINT8: UNSIGNED,
           TensorProto.BOOL: TRUTH}


def fill(message, above=()):
    """Gives every field a value that tells where it belongs; a message inside one of its own kind stays empty."""
    name = message.DESCRIPTOR.full_name
    if name in above:
        return
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and field is not field.containing_oneof.fields[len(above) % len(
                field.containing_oneof.fields)]:
            continue
        for position in range(2 if field.is_repeated and not field.message_type else 1):
            if field.message_type:
                target = getattr(message, field.name)
                target = target.add() if field.is_repeated else target
                target.SetInParent()
                fill(target, (*above, name))
                continue
            if field.type == F.TYPE_STRING:
                value = f"{name}.{field.name}.{position}"
            elif field.type == F.TYPE_BYTES:
                value = f"{name}.{field.name}.{position}".encode()
            elif field.type == F.TYPE_ENUM:
                value = field.enum_type.values[-1].number
            else:
                value = field.number * 1000 + position
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def every_field():
    model = onnx.ModelProto()
    fill(model)
    return model


def storage():
    tensors = []
    for kind, values in STORAGE.items():
        name = TensorProto.DataType.Name(kind)
        array = np.array(values).astype(helper.tensor_dtype_to_np_dtype(kind))
        tensors.append(numpy_helper.from_array(array.reshape(2, 2), f"{name}.raw"))
        assert tensors[-1].raw_data
        tensors.append(helper.make_tensor(f"{name}.typed", kind, [2, 2], array.flatten()))
        assert not tensors[-1].raw_data
    tensors.append(helper.make_tensor("STRING.typed", TensorProto.STRING, [2], [b"a", "\u00e4".encode()]))
    tensors.append(helper.make_tensor("empty", TensorProto.FLOAT, [0, 3], []))
    tensors.append(helper.make_tensor("scalar", TensorProto.FLOAT, [], [4.5]))
    node = helper.make_node("Identity", ["scalar"], ["y"])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [])
    graph = helper.make_graph([node], "storage", [], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def functions():
    """A function with a default, a passed and a left-out attribute, one that calls it, and a branch inside a function."""
    def tensor_graph(name, nodes, output):
        return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)])

    def reference(node, name, of, kind):
        attribute = node.attribute.add()
        attribute.name, attribute.ref_attr_name, attribute.type = name, of, kind

    standard, own = helper.make_opsetid("", 17), helper.make_opsetid("own", 1)
    leaky = helper.make_node("LeakyRelu", ["x"], ["leaked"], name="leak")
    reference(leaky, "alpha", "slope", onnx.AttributeProto.FLOAT)
    softmax = helper.make_node("Softmax", ["leaked"], ["y"])
    reference(softmax, "axis", "axis", onnx.AttributeProto.INT)
    inner = helper.make_function("own", "Inner", ["x"], ["y"], [leaky, softmax], [standard], ["axis"],
                                 [helper.make_attribute("slope", 0.5)])
    then = tensor_graph("then", [helper.make_node("Inner", ["x"], ["t"], domain="own", axis=0)], "t")
    other = tensor_graph("else", [helper.make_node("Add", ["x", "shift"], ["e"])], "e")
    outer = helper.make_function(
        "own", "Outer", ["c", "x", "shift"], ["z", "unused"],
        [helper.make_node("Inner", ["x"], ["i"], domain="own", slope=0.125),
         helper.make_node("If", ["c"], ["b"], then_branch=then, else_branch=other),
         helper.make_node("Add", ["i", "b"], ["z"]),
         helper.make_node("Neg", ["z"], ["unused"])], [standard, own])
    nodes = [helper.make_node("Outer", ["c", "x", "w"], ["first", "other"], domain="own", name="one"),
             helper.make_node("Outer", ["c", "first", "w"], ["last", "spare"], domain="own", name="two"),
             helper.make_node("Relu", ["last"], ["y"])]
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3, 2]) for name in "xy"]
    graph = helper.make_graph(nodes, "functions", [helper.make_tensor_value_info("c", TensorProto.BOOL, []), floats[0]],
                              floats[1:], [numpy_helper.from_array(np.float32([1, 2]), "w")])
    return helper.make_model(graph, functions=[outer, inner], opset_imports=[standard, own], ir_version=8)


def inlined(model):
    """As onnx inlines it, with the default that onnx's inliner loses and onnxruntime does apply."""
    result = onnx.inliner.inline_local_functions(model)
    for node in (n for n in result.graph.node if n.op_type == "If"):
        for graph in (a.g for a in node.attribute):
            for leaky in (n for n in graph.node if n.op_type == "LeakyRelu" and not n.attribute):
                leaky.attribute.append(helper.make_attribute("alpha", 0.5))
    inputs = {"x": np.float32([[-3, -2], [-1, 0], [1, 2]]), "c": np.array(True)}
    a, b = (onnxruntime.InferenceSession(m.SerializeToString()).run(None, inputs)[0] for m in (model, result))
    assert np.allclose(a, b), (a, b)
    return result


def external():
    weights = [numpy_helper.from_array(np.arange(n * n, dtype=np.float32).reshape(n, n) / 4, f"w{n}") for n in (2, 3)]
    nodes = [helper.make_node("ReduceSum", [w.name], [f"s{i}"], keepdims=0) for i, w in enumerate(weights)]
    nodes.append(helper.make_node("Add", ["s0", "s1"], ["y"]))
    graph = helper.make_graph(nodes, "external", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
                              weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save(model, name):
    with open(os.path.join(GOLDEN, name), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def check_built():
    path = os.path.join(GOLDEN, "built.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path)
    image = np.linspace(0, 1, 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
    (logits,) = session.run(None, {"image": image})
    assert logits.shape == (2, 4) and np.isfinite(logits).all(), logits


if __name__ == "__main__":
    save(every_field(), "every_field.onnx")
    save(storage(), "storage.onnx")
    onnx.checker.check_model(functions())
    save(functions(), "functions.onnx")
    save(inlined(functions()), "functions.inlined.onnx")
    data = os.path.join(GOLDEN, "external.data")
    if os.path.exists(data):
        os.remove(data)
    onnx.save(external(), os.path.join(GOLDEN, "external.onnx"), save_as_external_data=True, location="external.data",
              size_threshold=0)
    check_built()
