#!/usr/bin/env python3
"""Compares the memory that scans say they will take with their peak, as a Markdown table.

    bench/memory.py --models "$GIFTHORSE_MODELS" --data "$GIFTHORSE_DATA" [NAME ...]

Each scan searches some classes (--classes) for some seconds (--max-time); memory has reached its peak by then, because all passes
have been made once. (The triggers of classes that are not reached in this time would be predicted and never made.) The peak is that
of the process as the system counts it.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile

import shared_models


def measure(words):
    """Runs one scan; gives predicted and measured MiB, or what it said instead."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    predicted = re.search(r"takes up to (\d+) MiB", text)
    if not predicted or os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        return text.strip().splitlines()[-1]
    return int(predicted[1]), usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--max-time", default="5s")
    parser.add_argument("--classes", default="0,1,2,3")
    parser.add_argument("--extra", nargs="*", default=[], help="more flags for the scan, without dashes: threads=1")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    extra = [f"--max-time={arguments.max_time}", f"--classes={arguments.classes}", *(f"--{word}" for word in arguments.extra)]
    print("| model | predicted MiB | measured MiB | predicted / measured |\n|---|---|---|---|")
    for model in sorted(arguments.models.glob("*/*.onnx")):
        if arguments.names and model.stem not in arguments.names:
            continue
        truth = json.loads(model.with_suffix(".json").read_text())
        with tempfile.TemporaryDirectory() as out:
            words = shared_models.command(arguments.binary, model, truth, arguments.data, out, extra)
            words.remove("--quiet")
            outcome = measure(words)
        if isinstance(outcome, str):
            print(f"| {model.stem} | {outcome} | | |", flush=True)
            continue
        predicted, measured = outcome
        print(f"| {model.stem} | {predicted} | {measured:.0f} | {predicted / measured:.2f} |", flush=True)


if __name__ == "__main__":
    main()
