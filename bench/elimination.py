#!/usr/bin/env python3
"""What an elimination of Neural Cleanse cost, and how much its early phase knew.

    gifthorse scan MODEL --images DATA --search eliminate --work WORK --out OUT
    bench/elimination.py WORK OUT/report.json

Prints the updates made beside those of a full scan, extrapolated from the random sample of the classes that were not
ahead and from the finalists themselves; the correlation of the early standing with the logarithm of the final norm in the
sample; and the places that the smallest classes had in the early phase.
"""

import argparse
import json
import math
import pathlib
import struct

COST_OF_ALL = 20.0
ROUNDS = [6, 16, 32]


def double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def standing(trace, steps, cost):
    made = trace[:steps]
    lately = made[-math.ceil(len(made) / 4):]
    return sum(double(s["loss"]) + cost * double(s["norm"]) for s in lately) / len(lately)


def correlation(xs, ys):
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    dot = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    return dot / math.sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("report", type=pathlib.Path)
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text())
    detector = next(it for it in report["detectors"] if it["name"] == "neural_cleanse")
    classes = {found["class"]: found for found in detector["findings"]}
    sampled = set(detector["sampled"])
    [_, height, width] = report["model"]["input"]["shape"]
    cost = struct.unpack("<f", struct.pack("<f", COST_OF_ALL / (height * width)))[0]

    early = {}
    for path in arguments.work.glob("neural_cleanse-early-*"):
        _header, contents = path.read_text().split("\n", 1)
        snapshot = json.loads(json.loads(contents)["search"])
        early[snapshot["belongs"]["unit"]["class"]] = snapshot["trace"]
    ended = {c: f for c, f in classes.items() if f["state"] in ("reached", "unreached")}
    finalists = [f for c, f in ended.items() if c not in sampled]
    sample = [f for c, f in ended.items() if c in sampled]

    made = sum(len(trace) for trace in early.values()) + sum(f["updates"] for f in ended.values())
    mean = sum(f["updates"] for f in sample) / len(sample)
    full = sum(f["updates"] for f in finalists) + mean * (len(classes) - len(finalists))
    print(f"{len(classes)} classes, {len(finalists)} finalists, {len(sample)} sampled")
    print(f"updates: {made} made, {full:.0f} in a full scan ({100 * made / full:.1f} %)")

    reached = [f for f in sample if f["statistic"] is not None]
    for steps in ROUNDS:
        known = [f for f in reached if len(early[f["class"]]) >= steps]
        if len(known) > 2:
            xs = [standing(early[f["class"]], steps, cost) for f in known]
            ys = [math.log(f["statistic"]) for f in known]
            print(f"after {steps} updates: correlation {correlation(xs, ys):.2f} over {len(known)} sampled classes")
    orders = []
    for steps in ROUNDS:
        took_part = [c for c in early if len(early[c]) >= steps]
        orders.append(sorted(took_part, key=lambda c: standing(early[c], steps, cost)))
    smallest = sorted((f for f in ended.values() if f["statistic"] is not None), key=lambda f: f["statistic"])[:5]
    for found in smallest:
        places = [
            f"{order.index(found['class']) + 1} of {len(order)} after {steps}"
            for order, steps in zip(orders, ROUNDS)
            if found["class"] in order
        ]
        how = "sampled" if found["class"] in sampled else "finalist"
        print(f"class {found['class']}: norm {found['statistic']:.1f}, {how}; place {', '.join(places)} updates")


if __name__ == "__main__":
    main()
