"""Writes the seeds of the fuzz targets anew: `python fuzz/seeds/make.py`, after `python hostile/make.py`."""

import io
import shutil
import struct
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
HOSTILE = HERE.parent.parent / "hostile"
GOLDEN = HERE.parent.parent / "crates" / "gifthorse-onnx" / "tests" / "golden"


def pair(first, second):
    return struct.pack("<H", len(first)) + first + second


def npy(descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def npz(arrays):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), array)
    return out.getvalue()


def seeds():
    for name in ["storage", "functions", "built"]:
        yield "onnx", name, (GOLDEN / f"{name}.onnx").read_bytes()
    for name in ["loop", "evil_names", "external_up", "nested_ifs"]:
        yield "onnx", name, (HOSTILE / "models" / f"{name}.onnx").read_bytes()
    images, labels = npy("|u1", "(2, 3, 3)", bytes(range(18))), npy("<i8", "(2,)", struct.pack("<2q", 1, 0))
    yield "npz", "labelled", npz({"images": images, "labels": labels})
    yield "npy", "labelled", pair(images, labels)
    yield "npy", "floats", pair(npy("<f4", "(1, 2, 2, 3)", struct.pack("<12f", *[0.5] * 12)), b"")
    yield "idx", "labelled", pair(
        struct.pack(">IIII", 0x803, 2, 2, 2) + bytes(8), struct.pack(">II", 0x801, 2) + bytes([1, 0]))
    yield "cifar", "ten", pair(bytes([3]) + bytes(3072), b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n")
    yield "labels", "list", pair(b"0\n1\n1\n", b"cat\ndog\n")
    yield "labels", "table", pair(b"filename,label\n0.png,cat\n1.png,1\na/2.png,\"dog\"\n", b'["cat", "dog"]')
    yield "labels", "json", pair(b'[{"file": "0.png", "label": "cat"}, ["1.png", 1]]', b"cat\ndog\n")
    yield "labels", "map", pair(b'{"0.png": 0, "1.png": {"label": 1}}', b"")
    yield "labels", "lines", pair(b"0.png cat\na/2.png dog\n", b"cat\ndog\n")
    yield "labels", "utf16", pair(b"\xff\xfe" + "0,cat\n".encode("utf-16-le"), b"")
    yield "gtsrb", "table", (
        b"Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n00000.ppm;16;16;4;4;12;12;2\n")
    kinds = ["png_30000/bomb.png", "bmp_30000/bomb.bmp", "pgm_30000/bomb.pgm", "webp_16384/bomb.webp",
             "tiff_30000/bomb.tiff"]
    for kind, name in enumerate(kinds):
        yield "picture", name.split(".")[1], bytes([kind]) + (HOSTILE / "images" / name).read_bytes()


for target in {target for target, _, _ in seeds()}:
    shutil.rmtree(HERE / target, ignore_errors=True)
for target, name, content in seeds():
    path = HERE / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
