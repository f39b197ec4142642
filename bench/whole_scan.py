#!/usr/bin/env python3
"""Scans a model with gifthorse and with the searches that BackdoorBench and the Adversarial Robustness Toolbox publish, and
prints verdicts, norms, updates, seconds and memory as Markdown tables.

    bench/whole_scan.py --models "$GIFTHORSE_MODELS" --data "$GIFTHORSE_DATA" --out whole --updates-limit 64 --name NAME

Every tool gets the same images, the same threads and a process of its own, one after the other. gifthorse is timed from start to
report, the peers only while they search. A peer's full search takes hours on a CPU: `--updates-limit` cuts each class
short, `--classes` takes some of them, and what the whole would take is then extrapolated in proportion to the updates
and marked `~`. A result already in the output folder is not measured again.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import shared_models
from peers import images as image_file

PEERS = {
    "backdoorbench": ["backdoorbench"],
    "backdoorbench-one-pass": ["backdoorbench", "--one-pass"],
    "art": ["art"],
}


def measured(words):
    """Runs a program; gives wall-clock seconds and peak memory in MiB.

    Linux counts the parent's memory at the start as the child's, so this script loads no large library.
    """
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in words])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{words[0]} {words[1]} failed with {os.waitstatus_to_exitcode(status)}")
    return {"seconds": time.monotonic() - start, "mebibytes": usage.ru_maxrss / 1024}


def gifthorse(arguments, model, images, out):
    """One row's facts of a scan with gifthorse."""
    if not (out / "measured.json").exists():
        words = [arguments.binary, "scan", model, "--images", images, "--out", out, "--exit-zero", "--quiet"]
        words += ["--detector", "neural_cleanse", "--threads", arguments.threads, "--seed", arguments.seed]
        (out / "measured.json").write_text(json.dumps(measured(words)))
    report = json.loads((out / "report.json").read_text())
    run = json.loads((out / "measured.json").read_text())
    (detector,) = report["detectors"]
    classes = detector["findings"]
    measures = {one["name"]: one["value"] for one in detector["measures"]}
    return {
        "verdict": report["verdict"] + "".join(f", {target}" for target in report["targets"]),
        "index": measures["anomaly_index"],
        "norms": {one["class"]: one["statistic"] for one in classes},
        "updates": sum(one["updates"] for one in classes),
        "whole_updates": None,
        "seconds": run["seconds"],
        "whole_seconds": run["seconds"],
        "mebibytes": run["mebibytes"],
    }


def peer(arguments, name, model, images, out):
    """One row's facts of a peer's search, with those of the whole search extrapolated where it was cut short."""
    path = out / "result.json"
    if not path.exists():
        words = [sys.executable, pathlib.Path(__file__).with_name("peer_scan.py"), *PEERS[name]]
        words += ["--model", model, "--images", images, "--out", path]
        words += ["--threads", arguments.threads, "--seed", arguments.seed]
        if arguments.updates_limit:
            words += ["--updates-limit", arguments.updates_limit]
        if arguments.classes:
            words += ["--classes", *arguments.classes]
        (out / "measured.json").write_text(json.dumps(measured(words)))
    result = json.loads(path.read_text())
    run = json.loads((out / "measured.json").read_text())
    classes = result["classes"]
    updates = sum(one["updates"] for one in classes)
    seconds = sum(one["seconds"] for one in classes)
    facts = {
        "verdict": "not run to the end",
        "index": result.get("anomaly_index"),
        "norms": {one["class"]: one["norm"] for one in classes if one["ended"]},
        "updates": updates,
        "whole_updates": result["updates_a_class"] * result["classes_of_model"],
        "seconds": seconds,
        "mebibytes": run["mebibytes"],
    }
    if "flagged" in result:
        flagged = result["flagged"]
        facts["verdict"] = "backdoored" + "".join(f", {label}" for label in flagged) if flagged else "clean"
        facts["whole_seconds"] = seconds
    else:
        facts["whole_seconds"] = seconds / updates * facts["whole_updates"]
    return facts


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def row(tool, facts, own):
    """The cells of one tool; `own` are gifthorse's seconds."""
    extrapolated = "" if facts["whole_seconds"] == facts["seconds"] else "~"
    return [
        tool,
        facts["verdict"],
        "" if facts["index"] is None else f"{facts['index']:.2f}",
        f"{facts['updates']:,}" + (f" of at most {facts['whole_updates']:,}" if facts["whole_updates"] else ""),
        f"{facts['seconds']:,.0f}",
        f"{extrapolated}{facts['whole_seconds']:,.0f}",
        f"{extrapolated}{facts['whole_seconds'] / own:,.1f}",
        f"{facts['mebibytes']:,.0f}",
    ]


def norms(tool, facts, labels):
    found = facts["norms"]
    return [tool, *("" if found.get(label) is None else f"{found[label]:.1f}" for label in labels)]


def compare(arguments, model):
    """Prints the tables of one model."""
    truth = json.loads(model.with_suffix(".json").read_text())
    if truth["dataset"] not in image_file.SETS or shared_models.preprocessing(truth):
        raise SystemExit(f"{model.stem}: only models on {', '.join(image_file.SETS)} that take pixels in [0, 1] are compared")
    folder = arguments.out / model.stem
    for tool in ("gifthorse", *arguments.peers):
        (folder / tool).mkdir(parents=True, exist_ok=True)
    images = folder / "images.npz"
    image_file.write(images, arguments.data, truth["dataset"], arguments.images)
    check = [sys.executable, pathlib.Path(__file__).with_name("same_logits.py"), model, images]
    difference = subprocess.run(check, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    facts = {"gifthorse": gifthorse(arguments, model, images, folder / "gifthorse")}
    for name in arguments.peers:
        facts[name] = peer(arguments, name, model, images, folder / name)
    own = facts["gifthorse"]["whole_seconds"]
    targets = ", ".join(str(attack["target"]) for attack in truth["attacks"])
    known = f"backdoored, {targets}" if truth["backdoored"] else "clean"
    print(f"\n{model.stem} (truth: {known}), {arguments.images} images; PyTorch's logits differ from onnxruntime's by {difference}\n")
    header = ["tool", "verdict", "anomaly index", "updates", "seconds measured", "seconds of all", "ratio", "MiB"]
    print(table(header, [row(tool, fact, own) for tool, fact in facts.items()]), "\n")
    classes = sorted(facts["gifthorse"]["norms"])
    searched = [(tool, fact) for tool, fact in facts.items() if fact["norms"]]
    print(table(["norms", *map(str, classes)], [norms(tool, fact, classes) for tool, fact in searched]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--binary", default="target/release/gifthorse")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, default=1000, help="how many images of the test set")
    parser.add_argument("--updates-limit", type=int, help="cut each of a peer's classes short after so many updates")
    parser.add_argument("--classes", type=int, nargs="*", help="the classes that the peers search")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", action="append", required=True, help="a model; may be given several times")
    arguments = parser.parse_args()
    for name in arguments.name:
        (model,) = arguments.models.glob(f"*/{name}.onnx")
        compare(arguments, model)


if __name__ == "__main__":
    main()
