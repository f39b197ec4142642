#!/usr/bin/env python3
"""What a detector that is run by name says of clean and of backdoored models, alone.

    gifthorse zoo scan ZOO --detector bti_dbf,source_target
    gifthorse zoo library ZOO -o CLEAN.json --backdoored BACKDOORED.json
    bench/by_name.py DETECTOR BACKDOORED.json CLEAN.json...

DETECTOR's number of a model is its own where it has one for the whole model, and else how far the most suspicious class stands
below the others (verdict_rules.py). Prints the area under the ROC curve, and of the backdoored models how many are beyond the
95 % quantile of the clean ones and how many have a target as the class that is accused; then a line for each backdoored model.
Models of fewer than six classes are left out. Needs numpy.
"""

import argparse
import json
import pathlib

import numpy as np
from verdict_rules import standing


def read(path, detector):
    models = json.loads(path.read_text())["models"]
    return [m for m in models if m["classes"] >= 6 and any(v is not None for v in m["detectors"].get(detector, {}).get("values", []))]


def judged(model, detector):
    """How suspicious the model is, and the classes that are accused."""
    found = model["detectors"][detector]
    if found.get("of_model"):
        return -found["values"][0], found.get("leads_to", [])
    stands = standing(model, detector, "both", {})
    return stands.max(), [int(stands.argmax())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("detector")
    parser.add_argument("backdoored", type=pathlib.Path)
    parser.add_argument("clean", type=pathlib.Path, nargs="+")
    given = parser.parse_args()
    detector = f"{given.detector} standard"
    clean = np.array([judged(m, detector)[0] for path in given.clean for m in read(path, detector)])
    infected = [(m, *judged(m, detector)) for m in read(given.backdoored, detector)]
    limit = np.quantile(clean, 0.95)
    area = np.mean([[(c < b) + 0.5 * (c == b) for c in clean] for _, b, _ in infected])
    right = [set(accused) <= set(m["targets"]) and bool(accused) for m, _, accused in infected]
    beyond = [b > limit for _, b, _ in infected]
    both = sum(r and b for r, b in zip(right, beyond, strict=True))
    print(f"{len(clean)} clean, {len(infected)} backdoored: AUROC {area:.2f}; beyond 95 % of the clean ones {sum(beyond)}, a target accused {sum(right)}, both {both}")
    print(f"the clean ones' 95 % quantile {limit:.2f}, largest {clean.max():.2f}\n")
    for (model, number, accused), is_right in zip(infected, right, strict=True):
        print(f"{model['name']:60} {number:6.2f} {'beyond' if number > limit else '':7} accuses {accused}, {'right' if is_right else 'wrong'}")


if __name__ == "__main__":
    main()
