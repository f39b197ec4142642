#!/usr/bin/env python3
"""Figures 1 to 4 of Li et al. 2024 as numbers: how far a class stands out, by layer.

    gifthorse scan MODEL --images IMAGES --detector cepa --preset paper --json > REPORT.json
    bench/cepa_layers.py TARGET NAME=REPORT.json ...

For each report and each layer that CEPA looked at: sigma / |mu| and |mu| of the class TARGET as z-scores among the other classes
(median, 1.4826 times the median absolute deviation), with its place among all of them, 1 being the one that stands out most: the
smallest sigma / |mu|, the largest |mu|. Last, the class with the smallest spread over all layers. Needs Python alone.
"""

import json
import statistics
import sys


def z_score(values, target):
    others = [value for klass, value in values.items() if klass != target]
    median = statistics.median(others)
    deviation = 1.4826 * statistics.median(abs(value - median) for value in others)
    return (values[target] - median) / deviation


def cell(values, target, sign):
    """`sign` is 1 where large is suspicious and -1 where small is."""
    order = sorted(values, key=lambda klass: -sign * values[klass])
    return f"{z_score(values, target):+.1f} ({order.index(target) + 1})"


def row(name, path, target):
    with open(path) as file:
        report = json.load(file)
    (cepa,) = [found for found in report["detectors"] if found["name"] == "cepa"]
    measures = {
        found["class"]: {measure["name"]: measure["value"] for measure in found["measures"]}
        for found in cepa["findings"]
    }
    layers = [place for place in range(1, 9) if f"spread_{place}" in next(iter(measures.values()))]
    cells = []
    for kind, sign in (("spread", -1), ("consensus", 1)):
        for layer in layers:
            values = {klass: own[f"{kind}_{layer}"] for klass, own in measures.items()}
            cells.append(cell(values, target, sign))
    smallest = min(cepa["findings"], key=lambda found: found["statistic"])["class"]
    return layers, [name, *cells, str(smallest)]


def main():
    target = int(sys.argv[1])
    rows = [row(*argument.split("=", 1), target) for argument in sys.argv[2:]]
    layers = rows[0][0]
    head = ["model"] + [f"{kind}, layer {layer}" for kind in ("sigma / mu", "mu") for layer in layers] + ["smallest spread"]
    print("| " + " | ".join(head) + " |")
    print("|---" + "|--:" * (len(head) - 1) + "|")
    for _, cells in rows:
        print("| " + " | ".join(cells) + " |")


main()
