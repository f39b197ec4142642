"""Keras' networks as tf2onnx writes them: python keras_files.py FOLDER [NAME ...] [FORM ...]

Writes FOLDER/NAME-FORM.onnx for `compare_files.py`, but for those that are there. It needs an environment of its own: `pip
install tensorflow-cpu==2.15.1 tf2onnx==1.17.0 onnx==1.16.2 onnxruntime==1.19.2 'numpy<2'` (Python 3.9 to 3.11). A form is `nhwc13`,
`nhwc17` (tf2onnx at that opset; images with channels last, as TensorFlow has them) or `nchw13`, `nchw17` (with tf2onnx's
`inputs_as_nchw`). Without names all of NETS, without forms nhwc13 and nchw13. Weights are random, and batch norms have seen random
images, so that activations are of ordinary size; the file's metadata say in which range its images are.
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
import tensorflow as tf
import tf2onnx

# Name and side of the images: small, but for networks that have a size of their own.
NETS = {"small": 32, "VGG16": 64, "MobileNetV2": 64, "MobileNetV3Small": 64, "ResNet50": 64, "ResNet50V2": 64,
        "EfficientNetB0": 64, "ConvNeXtTiny": 64, "DenseNet121": 64, "Xception": 96, "InceptionV3": 96,
        "NASNetMobile": 224, "EfficientNetV2B0": 64}
FORMS = ("nhwc13", "nchw13")


def small(side):
    """What a beginner writes: convolutions, pools, a dropout and a softmax at the end."""
    layers = tf.keras.layers
    return tf.keras.Sequential([
        layers.Input((side, side, 3)),
        layers.Rescaling(1 / 127.5, offset=-1.0),
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
        net(255.0 * np.random.default_rng(0).random((4, side, side, 3), dtype=np.float32), training=True)
    return net


def export(net, form, side, path):
    """Writes the file of one form."""
    signature = [tf.TensorSpec((None, side, side, 3), tf.float32, name="image")]
    first = {"inputs_as_nchw": ["image"]} if form.startswith("nchw") else {}
    call = tf.function(lambda image: net(image, training=False), input_signature=signature)
    model, _ = tf2onnx.convert.from_function(call, input_signature=signature, opset=int(form[4:]), **first)
    if len(model.graph.input) > 1:
        model = by_saved_model(net, form)
    onnx.helper.set_model_props(model, {"range": "255"})
    onnx.save(model, path)


def by_saved_model(net, form):
    """As tf2onnx's command makes it of a saved model: `from_function` takes EfficientNet's normalisation for inputs."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(net, folder)
        made = os.path.join(folder, "model.onnx")
        first = ["--inputs-as-nchw", net.inputs[0].name.split(":")[0]] if form.startswith("nchw") else []
        subprocess.run([sys.executable, "-m", "tf2onnx.convert", "--saved-model", folder, "--opset", form[4:], "--output", made,
                        *first], check=True, capture_output=True)
        return onnx.load(made)


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    folder, *rest = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    forms = [a for a in rest if re.fullmatch(r"(nhwc|nchw)\d+", a)] or FORMS
    names = [a for a in rest if a in NETS] or list(NETS)
    for name in names:
        paths = {form: os.path.join(folder, f"{name}-{form}.onnx") for form in forms}
        missing = {form: path for form, path in paths.items() if not os.path.exists(path)}
        if not missing:
            continue
        try:
            net = network(name)
            for form, path in missing.items():
                export(net, form, NETS[name], path)
                print(path, flush=True)
        except Exception as error:  # what Keras or the exporter cannot do must not hide the others
            print(f"{name}: not exported: {type(error).__name__}: {' '.join(str(error).split())[:200]}", flush=True)
        tf.keras.backend.clear_session()


main()
