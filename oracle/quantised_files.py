"""Quantised networks as onnxruntime's quantiser writes them: python quantised_files.py FOLDER [NAME ...] [FORM ...]

Writes FOLDER/NAME-FORM.onnx for `compare_files.py`, but for those that are there. A form is `qdq` or `qoperator` (static, with images
to calibrate), either with `-channels` (a scale for each channel of a weight), or `dynamic`. Without names all of NETS. Networks are
torchvision's with random weights and batch norms that have seen random images, exported at opset 17.
"""

import os
import sys
import tempfile
import warnings

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import network_files

NETS = ("resnet18", "mobilenet_v2", "mobilenet_v3_large", "squeezenet1_1", "densenet121", "googlenet", "efficientnet_b0",
        "swin_t")
FORMS = ("qdq", "qdq-channels", "qoperator", "qoperator-channels", "dynamic")


class Images(CalibrationDataReader):
    """Eight batches of random images."""

    def __init__(self, side):
        random = np.random.default_rng(1)
        self.batches = iter([{"input": random.random((2, 3, side, side), dtype=np.float32)} for _ in range(8)])

    def get_next(self):
        return next(self.batches, None)


def quantise(form, source, side, path):
    if form == "dynamic":
        quantize_dynamic(source, path, weight_type=QuantType.QUInt8)
        return
    kind, *channels = form.split("-")
    quantize_static(source, path, Images(side), per_channel=bool(channels),
                    quant_format=QuantFormat.QDQ if kind == "qdq" else QuantFormat.QOperator)


def main():
    warnings.simplefilter("ignore")
    folder, *rest = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    names = [a for a in rest if a in network_files.NETS] or NETS
    forms = [a for a in rest if a in FORMS] or FORMS
    for name in names:
        paths = {form: os.path.join(folder, f"{name}-{form}.onnx") for form in forms}
        missing = {form: path for form, path in paths.items() if not os.path.exists(path)}
        if not missing:
            continue
        side = network_files.NETS[name]
        with tempfile.TemporaryDirectory() as scratch:
            plain, ready = os.path.join(scratch, "plain.onnx"), os.path.join(scratch, "ready.onnx")
            network_files.export(network_files.network(name), "ts17", side, plain)
            quant_pre_process(plain, ready, skip_symbolic_shape=True)
            for form, path in missing.items():
                try:
                    quantise(form, ready, side, path)
                    shape = onnx.load(path).graph.input[0].type.tensor_type.shape
                    assert [d.dim_value for d in shape.dim][1:] == [3, side, side]
                    print(path, flush=True)
                except Exception as error:  # what the quantiser cannot do must not hide the others
                    print(f"{name}-{form}: not quantised: {' '.join(str(error).split())[:200]}", flush=True)


main()
