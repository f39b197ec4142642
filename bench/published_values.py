#!/usr/bin/env python3
"""The rules of Neural Cleanse and MM-BD as published, from values that were measured, beside each other.

    bench/published_values.py CLEAN.json BACKDOORED.json...

Files are as `gifthorse zoo library` writes them. Of each model of six classes and more: Neural Cleanse's anomaly index of the
smallest norm (flagged above 2; Wang et al. 2019, section IV) and MM-BD's p-value of the largest margin under a gamma
distribution fitted to the others (flagged below 0.05; H. Wang et al. 2024). Prints the clean and the backdoored models flagged
by each, and in how many of the latter the flagged class is a target. Needs numpy and scipy.
"""

import argparse
import json
import pathlib
import warnings

import numpy as np
from scipy import stats

INDEX, LEVEL = 2.0, 0.05


def anomaly_index(values):
    """Values are logarithms of norms, of which a factor common to all classes does not matter."""
    norms = np.exp(values)
    deviation = 1.4826 * np.median(abs(norms - np.median(norms)))
    smallest = int(norms.argmin())
    return abs(norms[smallest] - np.median(norms)) / deviation > INDEX, smallest


def gamma_rule(values):
    """Values are minus the logarithms of margins."""
    margins = np.exp(-values)
    largest = int(margins.argmax())
    others = np.delete(margins, largest)
    try:
        fitted = stats.gamma.fit(others)
    except stats.FitError:
        fitted = stats.gamma.fit(others, floc=0)
    return 1 - stats.gamma.cdf(margins[largest], *fitted) ** len(margins) <= LEVEL, largest


RULES = {
    "Neural Cleanse, anomaly index > 2": ("neural_cleanse standard", anomaly_index),
    "MM-BD, p < 0.05 by a gamma distribution": ("mm_bd standard", gamma_rule),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clean", type=pathlib.Path)
    parser.add_argument("backdoored", type=pathlib.Path, nargs="+")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    read = lambda path: [m for m in json.loads(path.read_text())["models"] if m["classes"] >= 6]
    clean, backdoored = read(given.clean), [m for path in given.backdoored for m in read(path)]
    print("| rule | clean flagged | backdoored flagged | of which at a target |")
    print("|---|--:|--:|--:|")
    for name, (detector, rule) in RULES.items():
        judge = lambda model: rule(np.array(model["detectors"][detector]["values"], float))
        has = lambda model: None not in model["detectors"].get(detector, {}).get("values", [None])
        false = [judge(m)[0] for m in clean if has(m)]
        true = [(m, *judge(m)) for m in backdoored if has(m)]
        flagged = [(m, place) for m, is_flagged, place in true if is_flagged]
        right = sum(place in m["targets"] for m, place in flagged)
        print(f"| {name} | {sum(false)} of {len(false)} ({100 * np.mean(false):.0f} %) | {len(flagged)} of {len(true)} | {right} |")


if __name__ == "__main__":
    main()
