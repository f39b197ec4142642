#!/usr/bin/env python3
"""Scans models whose truth is known and prints the verdicts beside the truth, as a Markdown table.

    bench/shared_models.py --models "$GIFTHORSE_MODELS" --data "$GIFTHORSE_DATA" --out results [NAME ...]

Each model NAME.onnx has NAME.json beside it, which says how its images have to be prepared and what is
known of it. The scan is given the former and never the latter. A model whose report is already in
the output folder is not scanned again.
"""

import argparse
import json
import os
import pathlib
import subprocess
import time

IMAGES = {
    "mnist": "mnist",
    "cifar10": "cifar-10-batches-bin",
    "gtsrb": "gtsrb",
    "faces": "faces_lfw_1000.npz",
}


def numbers(value):
    values = value if isinstance(value, list) else [value]
    return ",".join(str(v) for v in values)


def preprocessing(truth):
    """The flags that say how the model takes its images; none for pixels in [0, 1]."""
    words = []
    if truth.get("scale") == 255:
        words += ["--range", "0..255"]
    if truth.get("mean") not in (None, 0):
        words += ["--mean", numbers(truth["mean"])]
    if truth.get("std") not in (None, 1):
        words += ["--std", numbers(truth["std"])]
    if truth.get("crop") == "ROI":
        words += ["--crop", "roi"]
    return words


def command(binary, model, truth, data, out, extra):
    """The scan as a user who knows how the model takes its images would type it."""
    words = [binary, "scan", str(model), "--images", str(data / IMAGES[truth["dataset"]])]
    words += ["--out", str(out), "--exit-zero", "--quiet"]
    return words + preprocessing(truth) + extra


def scan(words, out):
    """Runs one scan; gives its report with wall-clock seconds and peak memory in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(words)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    report_path = out / "report.json"
    if not report_path.exists():
        return {"failed": os.waitstatus_to_exitcode(status)}
    measured = {"seconds": seconds, "mebibytes": usage.ru_maxrss / 1024}
    (out / "measured.json").write_text(json.dumps(measured))


def row(name, truth, out):
    report_path = out / "report.json"
    if not report_path.exists():
        return f"| {name} | | no report | | | | | |"
    report = json.loads(report_path.read_text())
    measured = json.loads((out / "measured.json").read_text())
    targets = sorted({attack["target"] for attack in truth["attacks"]})
    known = f"backdoored, {numbers(targets)}" if truth["backdoored"] else "clean"
    found = report["verdict"]
    if report["targets"]:
        found += f", {numbers(report['targets'])}"
    right = found == known
    detector = report["detectors"][0] if report["detectors"] else {}
    measures = {one["name"]: one["value"] for one in detector.get("measures", [])}

    def show(value, form):
        return "" if value is None else format(value, form)

    cells = [
        name,
        known,
        found if right else f"**{found}**",
        show(report["p_value"], ".2g"),
        show(detector.get("statistic"), ".2f"),
        show(detector.get("threshold"), ".2f"),
        show(measures.get("anomaly_index"), ".2f"),
        show(report["preflight"] and report["preflight"]["accuracy"], ".3f"),
        f"{measured['seconds']:.0f}",
        f"{measured['mebibytes']:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--extra", nargs="*", default=[], help="more flags for the scan, without dashes: max-time=10m")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    extra = [f"--{word}" for word in arguments.extra]
    header = ["model", "truth", "verdict", "p", "statistic", "threshold", "anomaly index", "accuracy", "seconds", "MiB"]
    rows = []
    for model in sorted(arguments.models.glob("*/*.onnx")):
        name = model.stem
        if arguments.names and name not in arguments.names:
            continue
        truth = json.loads(model.with_suffix(".json").read_text())
        out = arguments.out / name
        if not (out / "measured.json").exists():
            scan(command(arguments.binary, model, truth, arguments.data, out, extra), out)
        rows.append(row(name, truth, out))
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
