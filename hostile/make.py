"""Writes the files of this folder: `python hostile/make.py` (needs the onnx and numpy packages).

README.md says what each tries and what must happen. Every model but those about its ends takes 16x16 colour images, so
that a scan gets as far as it can.
"""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
CLASSES, SIDE = 8, 16
IMAGE = ["batch", 3, SIDE, SIDE]
node = helper.make_node


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def ints(name, *values):
    return tensor(name, values, np.int64)


def info(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, initializers=(), *, image=IMAGE, logits=("batch", CLASSES), opset=17, functions=()):
    graph = GraphProto(name="hostile", node=nodes, initializer=initializers)
    graph.input.append(info("image", image))
    graph.output.append(info("logits", logits))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid("own", 1)] * bool(functions)
    return ModelProto(ir_version=8, graph=graph, opset_import=opsets, functions=functions)


def head(value, classes=CLASSES, channels=3, weight=None):
    """Averages a value over its places and gives each class a score: the end of most models here."""
    if weight is None:
        weight = np.arange(channels * classes, dtype=np.float32).reshape(channels, classes) % 5 - 2
    nodes = [
        node("GlobalAveragePool", [value], ["head_mean"], "mean"),
        node("Flatten", ["head_mean"], ["head_flat"], "flat"),
        node("MatMul", ["head_flat", "head_weight"], ["logits"], "vote"),
    ]
    return nodes, [tensor("head_weight", weight)]


def with_head(nodes, initializers=(), value="v", **more):
    end, weights = head(value)
    return model([*nodes, *end], [*initializers, *weights], **more)


def one_node(operator, inputs=("image",), initializers=(), **attributes):
    """A model whose only unusual node is this one."""
    return with_head([node(operator, inputs, ["v"], "evil", **attributes)], initializers)


def raw(dims, kind=TensorProto.FLOAT, data=b"", name="w"):
    return TensorProto(name=name, data_type=kind, dims=dims, raw_data=data)


def external(location, **entries):
    proto = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 1, 1], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        proto.external_data.add(key=key, value=str(value))
    return one_node("Add", ["image", "w"], [proto])


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def nested_ifs(depth):
    """An If in the branch of an If and so on, as bytes: the Python package refuses to write it."""
    graph = field(1, field(1, b"image") + field(2, b"v") + field(4, b"Relu")) + field(12, field(1, b"v"))
    for _ in range(depth):
        branch = field(1, b"then_branch") + field(6, graph) + varint(20 << 3) + varint(AttributeProto.GRAPH)
        inner = field(1, b"image") + field(2, b"v") + field(4, b"If") + field(5, branch)
        graph = field(1, inner) + field(12, field(1, b"v"))
    graph += field(11, info("image", IMAGE).SerializeToString())
    return varint(1 << 3) + varint(8) + field(7, graph) + field(8, helper.make_opsetid("", 17).SerializeToString())


def doubling_functions(levels):
    """Each function calls the next twice: 2^levels nodes in the end."""
    functions = []
    for level in range(levels):
        kind, domain = ("Relu", "") if level == levels - 1 else (f"F{level + 1}", "own")
        body = [node(kind, ["a"], ["i"], domain=domain), node(kind, ["i"], ["b"], domain=domain)]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        functions.append(helper.make_function("own", f"F{level}", ["a"], ["b"], body, opsets))
    return with_head([node("F0", ["image"], ["v"], domain="own")], functions=functions)


def doubling_concats(levels, start, initializers=()):
    nodes = [node("Concat", [start, start], ["c0"], axis=0)]
    nodes += [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(levels - 1)]
    nodes.append(node("ReduceMax", [f"c{levels - 1}"], ["most"], keepdims=0))
    nodes.append(node("Add", ["image", "most"], ["v"]))
    return with_head(nodes, initializers)


def many_big_constants(count, each):
    """Every one small enough, all together more than any machine has."""
    nodes = [node("ConstantOfShape", ["shape"], [f"c{i}"], f"fill{i}") for i in range(count)]
    nodes += [node("ReduceMax", [f"c{i}"], [f"m{i}"], keepdims=0) for i in range(count)]
    nodes.append(node("Sum", ["image", *[f"m{i}" for i in range(count)]], ["v"]))
    return with_head(nodes, [ints("shape", each)])


def constant_products(count):
    """Products of constants with small results: 2^33 operations each, before any image."""
    nodes = [node("Expand", ["one", "wide"], ["a"]), node("Expand", ["one", "tall"], ["b"])]
    nodes += [node("MatMul", ["a", "b"], [f"p{i}"]) for i in range(count)]
    nodes += [node("ReduceMax", [f"p{i}"], [f"m{i}"], keepdims=0) for i in range(count)]
    nodes.append(node("Sum", ["image", *[f"m{i}" for i in range(count)]], ["v"]))
    return with_head(nodes, [tensor("one", [1]), ints("wide", 256, 1 << 16), ints("tall", 1 << 16, 256)])


def on_a_plane(shape, nodes, initializers=()):
    """What `nodes` make of a plane `p` of this shape, filled with the image's mean; the result is `q`."""
    before = [node("ReduceMean", ["image"], ["mean_of_all"], axes=[1, 2, 3], keepdims=1),
              node("Expand", ["mean_of_all", "plane"], ["p"])]
    after = [node("ReduceMean", ["q"], ["in_all"], axes=[1, 2, 3], keepdims=1), node("Add", ["image", "in_all"], ["v"])]
    return with_head([*before, *nodes, *after], [ints("plane", *shape), *initializers])


def products(count):
    names = ["p", *[f"p{i}" for i in range(count - 1)], "q"]
    nodes = [node("MatMul", [a, a], [b]) for a, b in zip(names, names[1:])]
    return on_a_plane([1, 1, 4096, 4096], nodes)


def convolutions(count):
    names = ["p", *[f"p{i}" for i in range(count - 1)], "q"]
    nodes = [node("ConstantOfShape", ["shape"], ["w"], value=tensor("value", [0.001]))]
    nodes += [node("Conv", [a, "w"], [b], pads=[1, 1, 1, 1]) for a, b in zip(names, names[1:])]
    return on_a_plane([1, 64, 512, 512], nodes, [ints("shape", 64, 64, 3, 3)])


def chain(count, operator="Relu"):
    names = ["image", *[f"n{i}" for i in range(count - 1)], "v"]
    return with_head([node(operator, [a], [b]) for a, b in zip(names, names[1:])])


def good():
    return chain(1, "Identity")


def convolution(**attributes):
    return one_node("Conv", ["image", "w"], [tensor("w", np.full((3, 3, 3, 3), 0.1))], **attributes)


def cycle():
    return with_head([node("Add", ["image", "b"], ["a"], "one"), node("Relu", ["a"], ["b"], "two"),
                      node("Identity", ["b"], ["v"])])


def evil_names():
    mean = node("GlobalAveragePool", ["image"], ["\x1b[2J\x07<script>alert(1)</script>"], "\x1b]0;evil\x07\r\n::error::")
    flat = node("Flatten", [mean.output[0]], ["\u202egnp.exe"], "../../etc/passwd")
    made = model([mean, flat, node("MatMul", [flat.output[0], "w\x00|`$(id)`"], ["logits"])],
                 [tensor("w\x00|`$(id)`", numpy_helper.to_array(head("v")[1][0]))])
    made.producer_name = "<img src=x onerror=alert(1)>\x1b[31m"
    made.metadata_props.add(key="\x1b[2Jclasses", value="</script><script>alert(1)</script>")
    return made


def loop():
    body = helper.make_graph(
        [node("Identity", ["going"], ["on"]), node("Relu", ["state"], ["next"])], "body",
        [info("i", [], TensorProto.INT64), info("going", [], TensorProto.BOOL), info("state", None)],
        [info("on", [], TensorProto.BOOL), info("next", None)])
    yes = tensor("yes", True, np.bool_)
    return one_node("Loop", ["times", "yes", "image"], [tensor("times", 1 << 62, np.int64), yes], body=body)


def weights(value):
    weight = np.ones((3, CLASSES), np.float32)
    weight[1, 2] = value
    end, weights = head("image", weight=weight)
    return model(end, weights)


def with_classes(count):
    end, weights = head("image", count)
    return model(end, weights, logits=("batch", count))


def opset(version):
    made = good()
    del made.opset_import[:]
    made.opset_import.extend([] if version is None else [helper.make_opsetid("", version)])
    return made


def twice(what):
    first, second = node("Relu", ["image"], ["v"], "one"), node("Neg", ["image"], ["v"], "two")
    if what == "value":
        return with_head([first, second])
    return one_node("Add", ["image", "w"], [tensor("w", [1.0]), tensor("w", [2.0])])


def models():
    random = np.random.default_rng(1)
    whole = good().SerializeToString()
    huge = 1 << 62
    least = -(1 << 63)
    second = ModelProto(graph=GraphProto(node=[node("Neg", ["logits"], ["other"], "evil")]))
    yield "graph_twice", second.SerializeToString() + whole
    graph = good().graph.SerializeToString()
    # Field 7 of the file, with a length of 2^21 - 1.
    yield "graph_too_long", ModelProto(ir_version=8).SerializeToString() + bytes([7 << 3 | 2, 0xFF, 0xFF, 0x7F]) + graph
    yield "truncated", whole[: len(whole) * 2 // 3]
    yield "random", random.bytes(2000)
    yield "empty", b""
    yield "text", b"<html>404 not found</html>\n"
    yield "cycle", cycle()
    yield "self_reference", with_head([node("Add", ["image", "v"], ["v"], "evil")])
    yield "missing_value", one_node("Add", ["image", "nobody"])
    yield "duplicate_value", twice("value")
    yield "duplicate_initializer", twice("initializer")
    yield "rank_100", one_node("Add", ["image", "w"], [raw([1] * 100, data=bytes(4))])
    yield "input_rank_100", with_head([node("Relu", ["image"], ["v"])], image=["batch"] + [1] * 99)
    yield "elements_2_60", one_node("Add", ["image", "w"], [raw([1 << 30, 1 << 30])])
    yield "elements_overflow", one_node("Add", ["image", "w"], [raw([huge, 4, 4])])
    yield "negative_dim", one_node("Add", ["image", "w"], [raw([-3, 1, 1], data=bytes(12))])
    yield "wrong_length", one_node("Add", ["image", "w"], [raw([3, 1, 1], data=bytes(11))])
    yield "unknown_type", one_node("Add", ["image", "w"], [raw([3, 1, 1], kind=99, data=bytes(12))])
    yield "external_up", external("../README.md")
    yield "external_absolute", external("/etc/passwd")
    yield "external_link", external("link.bin")
    yield "external_range", external("beside.bin", offset=(1 << 64) - 1, length=12)
    yield "external_number", external("beside.bin", offset="-1")
    yield "external_missing", external("nowhere.bin")
    yield "nan_weight", weights(np.nan)
    yield "infinite_weight", weights(np.inf)
    yield "huge_weight", weights(3e38)
    yield "no_classes", with_classes(0)
    yield "one_class", with_classes(1)
    yield "no_channels", with_head([node("Relu", ["image"], ["v"])], image=["batch", 0, SIDE, SIDE])
    yield "huge_image", with_head([node("Relu", ["image"], ["v"])], image=["batch", 3, 1 << 20, 1 << 20])
    yield "overflowing_image", with_head([node("Relu", ["image"], ["v"])], image=["batch", 3, 1 << 33, 1 << 33])
    yield "negative_image", with_head([node("Relu", ["image"], ["v"])], image=["batch", 3, -16, 16])
    yield "huge_batch", with_head([node("Relu", ["image"], ["v"])], image=[1 << 40, 3, SIDE, SIDE])
    yield "evil_names", evil_names()
    yield "evil_operator", one_node("\x1b[2JRelu<script>\n::error::no")
    yield "long_name", one_node("Long" * 2000)
    yield "tile", one_node("Tile", ["image", "n"], [ints("n", 1, 1, 1 << 20, 1 << 20)])
    yield "tile_overflow", one_node("Tile", ["image", "n"], [ints("n", 1, 1, huge, huge)])
    yield "expand", one_node("Expand", ["image", "n"], [ints("n", 1 << 38, 3, SIDE, SIDE)])
    yield "constant_of_shape", with_head(
        [node("ConstantOfShape", ["n"], ["c"]), node("Add", ["image", "c"], ["v"])], [ints("n", 1 << 40)])
    yield "big_constant", many_big_constants(1, 1 << 29)
    yield "many_big_constants", many_big_constants(200, 1 << 26)
    yield "tile_one_number", with_head(
        [node("GlobalAveragePool", ["image"], ["m"]), node("Tile", ["m", "n"], ["v"], "evil")],
        [ints("n", 1, 1, 1, 1 << 28)])
    yield "gather_constants", with_head(
        [node("Expand", ["one", "n"], ["row"]),
         node("ConstantOfShape", ["k"], ["i"], value=ints("value", 0)), node("Gather", ["row", "i"], ["g"], axis=0),
         node("ReduceMax", ["g"], ["m"], keepdims=0), node("Cast", ["m"], ["f"], to=1),
         node("Add", ["image", "f"], ["v"])],
        [ints("one", 1), ints("n", 1, 1 << 16), ints("k", 1 << 16)])
    yield "concat_constants", with_head(
        [node("Expand", ["one", "n"], ["row"]), node("Concat", ["row"] * 9000, ["c"], axis=0),
         node("ReduceMax", ["c"], ["m"], keepdims=0), node("Cast", ["m"], ["f"], to=1),
         node("Add", ["image", "f"], ["v"])],
        [ints("one", 1), ints("n", 1 << 16)])
    yield "constant_products", constant_products(400)
    yield "products", products(100)
    yield "convolutions", convolutions(1000)
    yield "range", with_head(
        [node("Range", ["a", "b", "c"], ["r"]), node("ReduceMax", ["r"], ["m"], keepdims=0),
         node("Add", ["image", "m"], ["v"])],
        [tensor("a", 0.0), tensor("b", 1e12), tensor("c", 1.0)])
    yield "range_without_step", with_head(
        [node("Range", ["a", "b", "c"], ["r"]), node("ReduceMax", ["r"], ["m"], keepdims=0),
         node("Add", ["image", "m"], ["v"])],
        [tensor("a", 0.0), tensor("b", np.nan), tensor("c", 0.0)])
    yield "doubling_concat", doubling_concats(40, "image")
    yield "doubling_constant", doubling_concats(40, "w", [tensor("w", [1.0])])
    yield "doubled_constant", doubling_concats(30, "w", [tensor("w", [1.0])])
    yield "doubling_functions", doubling_functions(40)
    yield "nested_ifs", nested_ifs(20)
    yield "deeply_nested_ifs", nested_ifs(300)
    yield "many_nodes", chain(3000)
    yield "loop", loop()
    yield "pad", one_node("Pad", ["image", "p"], [ints("p", 0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0)])
    yield "pad_overflow", one_node("Pad", ["image", "p"], [ints("p", 0, 0, huge, huge, 0, 0, huge, huge)])
    yield "pad_away", one_node("Pad", ["image", "p"], [ints("p", 0, 0, -30, 0, 0, 0, least, 0)])
    yield "conv_dilation", convolution(dilations=[huge, huge])
    yield "conv_stride", convolution(strides=[huge, huge])
    yield "conv_no_stride", convolution(strides=[0, 0])
    yield "conv_pads", convolution(pads=[huge] * 4)
    yield "conv_negative_pads", convolution(pads=[least] * 4)
    yield "conv_kernel", convolution(kernel_shape=[huge, huge])
    yield "conv_groups", convolution(group=0)
    yield "conv_negative_groups", convolution(group=least)
    yield "conv_transpose", one_node("ConvTranspose", ["image", "w"], [tensor("w", np.ones((3, 3, 3, 3)))],
                                     strides=[huge, huge], output_padding=[huge, huge])
    yield "pool_kernel", one_node("MaxPool", kernel_shape=[huge, huge], pads=[huge] * 4)
    yield "pool_empty_kernel", one_node("AveragePool", kernel_shape=[0, 0])
    yield "reshape_overflow", one_node("Reshape", ["image", "s"], [ints("s", huge, 4, 4)])
    yield "reshape_twice_free", one_node("Reshape", ["image", "s"], [ints("s", -1, -1)])
    yield "reshape_least", one_node("Reshape", ["image", "s"], [ints("s", least)])
    yield "transpose_twice", one_node("Transpose", perm=[0, 1, 1, 3])
    yield "transpose_outside", one_node("Transpose", perm=[0, 1, 2, huge])
    yield "squeeze_axis", one_node("Squeeze", ["image", "a"], [ints("a", least)])
    yield "softmax_axis", one_node("Softmax", axis=least)
    yield "concat_axis", one_node("Concat", ["image", "image"], axis=least)
    yield "gather_index", one_node("Gather", ["image", "i"], [ints("i", least, huge)], axis=1)
    yield "slice_step", one_node("Slice", ["image", "s", "e", "a", "d"],
                                 [ints("s", 15), ints("e", least), ints("a", 3), ints("d", least)])
    yield "slice_twice", one_node("Slice", ["image", "s", "e", "a"],
                                  [ints("s", 0, 10), ints("e", 4, 16), ints("a", 2, 2)])
    yield "slice_no_step", one_node("Slice", ["image", "s", "e", "a", "d"],
                                    [ints("s", 0), ints("e", 9), ints("a", 3), ints("d", 0)])
    yield "split_sizes", with_head([node("Split", ["image", "s"], ["v", "w"], "evil", axis=1)], [ints("s", huge, huge)])
    yield "flatten_axis", one_node("Flatten", axis=least)
    yield "depth_to_space", one_node("DepthToSpace", blocksize=huge)
    yield "lrn_size", one_node("LRN", size=huge, bias=float("nan"))
    yield "cast_type", one_node("Cast", to=99)
    yield "divide_by_zero", with_head([node("Div", ["a", "b"], ["c"]), node("Cast", ["c"], ["f"], to=1),
                                       node("Add", ["image", "f"], ["v"])], [ints("a", least), ints("b", 0)])
    yield "divide_least", with_head([node("Div", ["a", "b"], ["c"]), node("Cast", ["c"], ["f"], to=1),
                                     node("Add", ["image", "f"], ["v"])], [ints("a", least), ints("b", -1)])
    yield "modulo_zero", with_head([node("Mod", ["a", "b"], ["c"]), node("Cast", ["c"], ["f"], to=1),
                                    node("Add", ["image", "f"], ["v"])], [ints("a", least), ints("b", 0)])
    yield "integer_overflow", with_head([node("Mul", ["a", "a"], ["c"]), node("Neg", ["a"], ["n"]),
                                         node("Add", ["c", "n"], ["d"]), node("Cast", ["d"], ["f"], to=1),
                                         node("Add", ["image", "f"], ["v"])], [ints("a", least)])
    yield "no_inputs", one_node("Conv", [])
    yield "empty_inputs", one_node("Conv", ["image", ""])
    yield "wrong_attribute", one_node("Transpose", perm="perm")
    yield "opset_unknown", opset(9999)
    yield "opset_zero", opset(0)
    yield "opset_negative", opset(-(1 << 62))
    yield "opset_missing", opset(None)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows=b""):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(width, height):
    entries = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
               (278, 4, height), (279, 4, width * height % (1 << 32))]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + directory + bytes(4)


def webp(width, height):
    # A lossless image: the signature, then fourteen bits each of width and height less one.
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(16)
    body = b"WEBP" + b"VP8L" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def npy(descr, shape, data=b"", header_length=None):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<I", len(header) if header_length is None else header_length)
    return b"\x93NUMPY\x02\x00" + length + header + data


def npz(images):
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo("images.npy"), images, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def images():
    side = 30_000
    dib = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    yield "png_30000/bomb.png", png(side, side, bytes(1 << 20))
    yield "png_no_pixels/none.png", png(0, 0)
    yield "bmp_30000/bomb.bmp", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + dib
    yield "tiff_30000/bomb.tiff", tiff(side, side)
    yield "webp_16384/bomb.webp", webp(16_384, 16_384)
    yield "pgm_30000/bomb.pgm", b"P5 30000 30000 255\n"
    yield "npz_bomb.npz", npz(npy("'|u1'", "(6000000, 16, 16, 3)", bytes(2 << 20)))
    yield "npz_overflow.npz", npz(npy("'|u1'", "(18446744073709551615, 18446744073709551615, 2)"))
    yield "npz_header.npz", npz(npy("'|u1'", "(4, 16, 16, 3)", header_length=0xFFFF_FFF0))
    yield "npz_objects.npz", npz(npy("'|O'", "(4,)", b"\x80\x04cos\nsystem\n"))
    yield "npz_nested.npz", npz(npy("[" * 900 + "]" * 900, "(4,)"))
    yield "npz_random.npz", b"PK\x03\x04" + np.random.default_rng(2).bytes(500)
    yield "idx_claims/t10k-images-idx3-ubyte", struct.pack(">IIII", 0x803, 0xFFFF_FFFF, 16_000, 16_000)
    yield "idx_ranks/t10k-images-idx3-ubyte", struct.pack(">I", 0x8FF) + bytes(64)
    yield "cifar_cut/test_batch.bin", bytes(3000)
    yield "gtsrb_outside/Final_Test/Images/GT-final_test.csv", (
        b"Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n../../../../../README.md;16;16;0;0;15;15;1\n"
        b"/etc/passwd;16;16;0;0;15;15;1\n")
    yield "gtsrb_outside/Final_Test/Images/0.pgm", b"P5 1 1 255\n\0"
    yield "names/0/evil.png", b"\x89PNG\r\n\x1a\n\x1b[2J<script>"


def others():
    start = b'name = "x"\n[net]\nkind = "small_cnn"\n[data]\nset = "signs"\ntrain = 24\ntest = 24\n'
    yield "report_deep.json", b'{"schema_version": 3, "verdict": ' + b"[" * 20_000
    yield "report_number.json", b'{"schema_version": 3, "verdict": "clean", "reasons": [], "targets": [1e400]}'
    yield "report_version.json", b'{"schema_version": 18446744073709551615}'
    yield "report_type.json", b'{"schema_version": 3, "verdict": ["clean"]}'
    yield "report_bytes.json", bytes(range(256))
    yield "policy_deep.toml", b"accept = " + b"[" * 20_000
    yield "policy_tables.toml", b"[" + b"a." * 20_000 + b"a]\n"
    yield "policy_number.toml", b"images = 99999999999999999999999\n"
    yield "policy_infinite.toml", b"fpr = inf\n"
    yield "policy_nan.toml", b"accuracy = nan\n"
    yield "policy_type.toml", b'accept = "everything"\n'
    yield "policy_key.toml", b'"\\u001b[2J<script>" = 1\n'
    yield "names_deep.json", b"[" * 20_000
    yield "labels_number.csv", b"0,99999999999999999999\n" * 8
    yield "labels_deep.json", b"[" * 20000
    yield "labels_wide.json", b"{" + b",".join(b'"%d":{"%d":[]}' % (i, i) for i in range(20000)) + b"}"
    yield "labels_half.csv", b"\xff\xfe" + "0.png,1\n".encode("utf-16-le") + b"\x00\xd8"
    yield "preprocess_deep.toml", b"mean = " + b"[" * 1_000
    yield "model_deep.toml", b"net = " + b"{a = " * 20_000
    yield "model_number.toml", start + b"classes = [0, 1, 18446744073709551615]\n"
    yield "model_batch.toml", start + b"[train]\nbatch = 0\n"
    yield "input_claims.npy", npy("'<f4'", "(4611686018427387904, 3, 16, 16)")
    yield "input_short.npy", npy("'<f4'", "(1000000, 3, 16, 16)")
    yield "input_objects.npy", npy("'|O'", "(1, 3, 16, 16)", b"\x80\x04cos\nsystem\n")
    yield "input_header.npy", npy("'<f4'", "(1, 3, 16, 16)", header_length=0xFFFF_FFF0)
    yield "input_nested.npy", npy("'<f4'", "(" * 900)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString(deterministic=True))


def main():
    for name, content in models():
        write(HERE / "models" / f"{name}.onnx", content)
    write(HERE / "models" / "beside.bin", bytes(12))
    link = HERE / "models" / "link.bin"
    if not link.is_symlink():
        os.symlink("../README.md", link)
    for name, content in images():
        write(HERE / "images" / name, content)
    for name, content in others():
        write(HERE / "others" / name, content)


main()
