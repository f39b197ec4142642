#!/usr/bin/env python3
"""Audits of training sets whose truth is known: what each finds, and what training again without it comes to.

    bench/audits.py GIFTHORSE FOLDER [SET ...]

Plants a square in 10 % and in 1 % of the images, a blend in 10 %, and nothing, for each SET (mnist, cifar10, gtsrb-12), then audits
each training set by every method (`data audit`), trains again without what is named (`train --audit`), and prints two tables. What
FOLDER holds already is not made again.
"""

import json
import pathlib
import subprocess
import sys

SETS = {
    "mnist": ["--set", "mnist", "--train-images", "8000", "--test-images", "2000", "--epochs", "3"],
    "cifar10": ["--set", "cifar10", "--train-images", "10000", "--test-images", "2000", "--epochs", "10"],
    "gtsrb-12": ["--set", "gtsrb", "--classes", "1,3,5,8,11,14,15,17,18,26,34,36", "--train-images", "5000", "--test-images", "1200",
                 "--epochs", "5"],
}
SQUARE, BLEND = '{kind="square",size=4,colour=%s}', '{kind="blended",alpha=0.2}'
KINDS = {"none": None, "square 10 %": (SQUARE, 0.1), "square 1 %": (SQUARE, 0.01), "blend 10 %": (BLEND, 0.1)}
METHODS = ["activation_clustering", "spectral_signatures", "cepa"]


def call(program, *words, allowed=(0,)):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode not in allowed:
        sys.exit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def make(program, folder, name, source, kind, method):
    """The truth of a model, trained once or, with a method, again after an audit by it."""
    truth = folder / f"{name}.truth.json"
    if not truth.exists():
        words = [*source, "--net", "small_cnn", "--seed", "1", "-q", "-o", str(folder / f"{name}.onnx")]
        if kind:
            trigger, rate = kind
            colour = "[1.0]" if "mnist" in source else "[1.0,1.0,1.0]"
            words += ["--trigger", trigger % colour if "%s" in trigger else trigger, "--target", "1", "--rate", str(rate)]
        words += ["--audit", method] if method else ["--training-set", str(folder / f"{name}.npz")]
        call(program, "plant" if kind else "train", *words)
    return json.loads(truth.read_text())


def audit(program, folder, name, method):
    out = folder / f"{name}-{method}"
    if not (out / "audit.json").exists():
        call(program, "data", "audit", str(folder / f"{name}.onnx"), "--images", str(folder / f"{name}.npz"), "--method", method,
             "--truth", str(folder / f"{name}.truth.json"), "-o", str(out), "--no-images", "-q", allowed=(0, 1))
    return json.loads((out / "audit.json").read_text())


def percent(share):
    return "-" if share is None else f"{100 * share:.1f}"


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rows, again = [], []
    for of in sys.argv[3:] or SETS:
        for what, kind in KINDS.items():
            name = f"{of}-{what}".replace(" %", "").replace(" ", "-")
            truth = make(program, folder, name, SETS[of], kind, None)
            asr = lambda truth: percent(truth["backdoors"][0]["effect"]["with_trigger"]["other_classes"]) if kind else "-"
            for method in METHODS:
                audited = audit(program, folder, name, method)
                worth = audited["truth"]
                rate = lambda of: percent((worth[of] or {}).get("rate"))
                classes = sum(of_class["suspicious"] for of_class in audited["classes"])
                area = (worth["auroc"] or {}).get("area")
                rows.append([of, what, f"`{method}`", str(worth["poisoned"]), str(audited["removed"]), str(classes), rate("precision"),
                             rate("recall"), "-" if area is None else f"{area:.3f}"])
                if audited["removed"]:
                    second = make(program, folder, f"{name}-{method}", SETS[of], kind, method)
                    again.append([of, what, f"`{method}`", str(audited["removed"]), percent(truth["clean_accuracy"]),
                                  percent(second["clean_accuracy"]), asr(truth), asr(second)])
    head = ["images", "planted", "audit", "poisoned", "removed", "suspicious classes", "precision", "recall", "AUROC"]
    for head, rows in [(head, rows), (["images", "planted", "audit", "removed", "CA before", "CA after", "ASR before", "ASR after"], again)]:
        print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
        print("\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n")


main()
