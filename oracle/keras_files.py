"""Keras' networks as tf2onnx writes them, in gifthorse against onnxruntime: python keras_files.py GIFTHORSE [NAME ...] [FORM ...]

GIFTHORSE is the built binary. It needs an environment of its own: `pip install tensorflow-cpu==2.15.1 tf2onnx onnx
onnxruntime` (Python 3.9 to 3.11). A form is `nhwc13`, `nhwc17` (tf2onnx at that opset; images with channels last, as
TensorFlow has them) or `nchw13`, `nchw17` (with tf2onnx's `inputs_as_nchw`). Without names all of NETS, without forms
all four. Prints one row of a table for each as it goes: the largest difference of the logits over the largest logit; 1e-4 is
allowed. Weights are random, and batch norms have seen random images, so that activations are of ordinary size.
"""

import os
import re
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx

# Name and side of the images; networks that are fixed to a size of their own by their pools get that one.
NETS = {"ResNet50": 64, "ResNet50V2": 64, "MobileNetV2": 64, "MobileNetV3Small": 64, "EfficientNetB0": 64,
        "EfficientNetV2B0": 64, "DenseNet121": 64, "InceptionV3": 96, "NASNetMobile": 224, "Xception": 96, "VGG16": 64,
        "ConvNeXtTiny": 64, "small": 32}
FORMS = ("nhwc13", "nhwc17", "nchw13", "nchw17")
ALLOWED = 1e-4


def small(side):
    """What a beginner writes: convolutions, pools, a dropout and a softmax at the end."""
    layers = tf.keras.layers
    return tf.keras.Sequential([
        layers.Input((side, side, 3)),
        layers.Rescaling(2.0, offset=-1.0),
        layers.Conv2D(16, 3, padding="same", strides=2, activation="relu"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.1),
        layers.MaxPooling2D(padding="same"),
        layers.Conv2D(32, 3, padding="valid", dilation_rate=2, activation="elu"),
        layers.AveragePooling2D(2),
        layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="swish"),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])


def network(name):
    """The network in inference mode, with statistics of a batch of random images."""
    tf.keras.utils.set_random_seed(0)
    side = NETS[name]
    if name == "small":
        net = small(side)
    else:
        net = getattr(tf.keras.applications, name)(weights=None, input_shape=(side, side, 3), classes=100)
    norms = [layer for layer in net.layers if isinstance(layer, tf.keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
    if norms:
        net(images(4, side) * 255.0, training=True)
    return net


def images(count, side):
    return np.random.default_rng(0).random((count, side, side, 3), dtype=np.float32)


def export(net, form, side, path):
    """Writes the file of one form."""
    signature = [tf.TensorSpec((None, side, side, 3), tf.float32, name="image")]
    first = {"inputs_as_nchw": ["image"]} if form.startswith("nchw") else {}
    call = tf.function(lambda image: net(image, training=False), input_signature=signature)
    tf2onnx.convert.from_function(call, input_signature=signature, opset=int(form[4:]), output_path=path, **first)


def compare(program, path, net, form, side, folder):
    """The relative error of gifthorse's logits, or what it says.

    gifthorse leaves a final softmax off, so that onnxruntime is asked for the value before it.
    """
    x = images(2, side) * (1.0 if name_of(net) == "small" else 255.0)
    model = onnx.load(path)
    producer = {output: node for node in model.graph.node for output in node.output}
    last = model.graph.output[0].name
    while last in producer and producer[last].op_type in ("Identity", "Softmax"):
        last = producer[last].input[0]
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    raw = x.transpose(0, 3, 1, 2).copy() if form.startswith("nchw") else x
    np.save(given, raw)
    expected = session.run(None, {session.get_inputs()[0].name: raw})[0]
    done = subprocess.run([program, "logits", path, "--input", given, "--output", made], capture_output=True, text=True)
    if done.returncode != 0:
        return " ".join(done.stderr.split())[:300]
    got = np.load(made)
    if got.shape != expected.shape:
        return f"shape {got.shape}, not {expected.shape}"
    error = float(abs(got - expected).max() / abs(expected).max())
    return f"{error:.1e}" + ("" if error <= ALLOWED else " (too much)")


def name_of(net):
    return "small" if isinstance(net, tf.keras.Sequential) else net.name


def row(program, name, form, net):
    side = NETS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        try:
            export(net, form, side, path)
        except Exception as error:  # what an exporter cannot do is not gifthorse's
            return f"| {name} | {form} | {side} | not exported: {type(error).__name__}: {' '.join(str(error).split())[:160]} |"
        try:
            result = compare(program, path, net, form, side, folder)
        except Exception as error:  # one bad file must not hide the others
            result = f"not run by onnxruntime: {' '.join(str(error).split())[:160]}"
    return f"| {name} | {form} | {side} | {result} |"


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    program, *rest = sys.argv[1:]
    forms = [a for a in rest if re.fullmatch(r"(nhwc|nchw)\d+", a)] or FORMS
    names = [a for a in rest if a in NETS] or list(NETS)
    print("| network | form | side | relative error |\n|---|---|---|---|", flush=True)
    for name in names:
        try:
            net = network(name)
        except Exception as error:  # a network that cannot be had at this size
            print(f"| {name} | | {NETS[name]} | not made: {' '.join(str(error).split())[:160]} |", flush=True)
            continue
        for form in forms:
            print(row(program, name, form, net), flush=True)
        tf.keras.backend.clear_session()


main()
