#!/usr/bin/env python3
"""MM-BD in gifthorse and in PyTorch, in turn on the same model, classes and threads, as a Markdown table.

    bench/margins.py --models "$GIFTHORSE_MODELS" --name mnist-badnets-t4 --preset standard --threads 2

PyTorch (`peers/mm_bd.py`, eager) runs once as the authors' program does, which computes gradients to the weights too, and once with frozen weights
and channels last. `whole` is the clock: of gifthorse's process from start to report, with its verdict, and of PyTorch only while it
searches. `processor` is the processor's time in them, user and system, of all threads: other work on the machine makes the clock run on,
and that hardly. `a step` is milliseconds of processor for a step of the search alone: of gifthorse, what a scan of all classes takes longer than one of
the first class, over the steps that it makes more. Figures are medians over the rounds, in which the tools take turns; in brackets how
many times longer PyTorch takes. Each tool draws its starts for itself, so that steps and margins differ a little.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import shared_models


def scan(arguments, model, classes):
    """One scan with gifthorse."""
    with tempfile.TemporaryDirectory() as out:
        words = [arguments.binary, "scan", model, "--detector", "mm_bd", "--preset", arguments.preset, "--out", out]
        words += ["--classes", ",".join(map(str, classes)), "--threads", arguments.threads, "--exit-zero", "--quiet"]
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in words])
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        if status != 0:
            raise SystemExit(f"gifthorse failed with {os.waitstatus_to_exitcode(status)}")
        report = json.loads((pathlib.Path(out) / "report.json").read_text())
    (detector,) = report["detectors"]
    findings = detector["findings"]
    return {
        "whole": seconds,
        "processor": usage.ru_utime + usage.ru_stime,
        "steps": sum(one["updates"] for one in findings),
        "margins": {str(one["class"]): one["statistic"] for one in findings},
    }


def gifthorse(arguments, model):
    first = scan(arguments, model, arguments.classes[:1])
    whole = scan(arguments, model, arguments.classes)
    spent = whole["processor"] - first["processor"]
    return whole | {"a step": spent / (whole["steps"] - first["steps"])}


def pytorch(arguments, model, extra):
    words = [sys.executable, pathlib.Path(__file__).with_name("margin_scan.py"), model, "--preset", arguments.preset]
    words += ["--threads", arguments.threads, "--classes", *arguments.classes, *extra]
    waiting = {"OMP_WAIT_POLICY": "PASSIVE"} if arguments.passive else {}
    done = subprocess.run(
        [str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, env=os.environ | waiting
    )
    result = json.loads(done.stdout)
    return result | {"a step": result["processor"] / result["steps"]}


TOOLS = {
    "gifthorse": gifthorse,
    "PyTorch, as released": lambda arguments, model: pytorch(arguments, model, ["--tracked"]),
    "PyTorch, frozen, channels last": lambda arguments, model: pytorch(arguments, model, ["--channels-last"]),
}


def compare(arguments, model):
    """Prints the rows of one model."""
    if shared_models.preprocessing(json.loads(model.with_suffix(".json").read_text())):
        raise SystemExit(f"{model.stem}: only models that take pixels in [0, 1] are compared")
    rounds = {tool: [] for tool in TOOLS}
    for _ in range(arguments.rounds):
        for tool, run in TOOLS.items():
            rounds[tool].append(run(arguments, model))
    median = lambda tool, what: statistics.median(one[what] for one in rounds[tool])
    own = rounds["gifthorse"][0]["margins"]
    for tool, results in rounds.items():
        apart = max(abs(results[0]["margins"][label] / own[label] - 1) for label in own)
        cells = [model.stem, arguments.preset, arguments.threads, tool, f"{median(tool, 'steps'):.0f}"]
        for what, unit in {"whole": 1, "processor": 1, "a step": 1000}.items():
            cells.append(f"{median(tool, what) * unit:.1f} ({median(tool, what) / median('gifthorse', what):.2f}x)")
        cells.append(f"{apart:.1%}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--preset", default="standard", choices=["standard", "paper"])
    parser.add_argument("--classes", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passive", action="store_true", help="let PyTorch's threads sleep while they wait for each other")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--name", action="append", required=True, help="a model; may be given several times")
    arguments = parser.parse_args()
    print("| model | preset | threads | tool | steps | whole, s | processor, s | a step, ms | margins apart |")
    print("|---|---|--:|---|--:|--:|--:|--:|--:|")
    for name in arguments.name:
        (model,) = arguments.models.glob(f"*/{name}.onnx")
        compare(arguments, model)


if __name__ == "__main__":
    main()
