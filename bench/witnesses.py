#!/usr/bin/env python3
"""What each detector of a scanned zoo says alone, and what all say together.

    bench/witnesses.py ZOO [--json OUT.json]

ZOO is a folder that `gifthorse zoo scan` has scanned with several detectors. For each detector alone, by the p-value
that a report gives it, and for the verdict of all: models at or below 5 and 1 %, clean and backdoored, the area under
the ROC curve with a 95 % interval (2,000 bootstrap samples of models, seed 0), and of the models called backdoored how
many of the named classes are innocent and how often the first is a target. A detector alone is not asked whether its
trigger works, so that its false alarms are if anything too many. Needs Python alone.
"""

import argparse
import json
import math
import pathlib
import random


def wilson(count, of):
    z = 1.96
    if of == 0:
        return (0.0, 1.0)
    share = count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (centre - half, centre + half)


def area(clean, backdoored):
    better = sum((b < c) + 0.5 * (b == c) for b in backdoored for c in clean)
    return better / (len(clean) * len(backdoored))


def interval(clean, backdoored):
    draw = random.Random(0)
    areas = sorted(
        area(draw.choices(clean, k=len(clean)), draw.choices(backdoored, k=len(backdoored))) for _ in range(2000)
    )
    return (areas[50], areas[1949])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zoo", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, help="also write one line for each model")
    given = parser.parse_args()
    rows = []
    for model in json.loads((given.zoo / "zoo.json").read_text())["models"]:
        path = given.zoo / "scans" / model["name"] / "report.json"
        if not path.exists():
            continue
        report = json.loads(path.read_text())
        truth = json.loads((given.zoo / model["truth"]).read_text())
        planted = set()
        for backdoor in truth.get("backdoors", []):
            labels = backdoor["labels"]
            planted |= {labels["target"]} if "target" in labels else set(range(report["model"]["classes"]))
        alone = {it["name"]: it["p_value"] for it in report["detectors"]}
        rows.append(
            {
                "name": model["name"],
                "attack": model["attack"],
                "planted": sorted(planted),
                "verdict": report["verdict"],
                "targets": report["targets"],
                "p": {**alone, "together": report["p_value"]},
            }
        )
    if given.json:
        given.json.write_text("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")
    clean = [row for row in rows if not row["planted"]]
    backdoored = [row for row in rows if row["planted"]]
    number = lambda row, who: 1.0 if row["p"].get(who) is None else row["p"][who]
    print(f"{len(clean)} clean models, {len(backdoored)} backdoored ones.\n")
    print("| p-value of | AUROC | clean at 5 % | clean at 1 % | backdoored at 5 % | backdoored at 1 % |")
    print("|---|---|---|---|---|---|")
    for who in rows[0]["p"]:
        sides = [[number(row, who) for row in side] for side in (clean, backdoored)]
        low, high = interval(*sides)
        cells = [f"{area(*sides):.3f} ({low:.3f}-{high:.3f})"]
        for side in sides:
            for rate in (0.05, 0.01):
                count = sum(p <= rate for p in side)
                low, high = wilson(count, len(side))
                cells.append(f"{count} of {len(side)} ({100 * low:.1f}-{100 * high:.1f} %)")
        print(f"| {who} | {' | '.join(cells)} |")
    called = [row for row in backdoored if row["verdict"] == "backdoored"]
    named = sum(len(row["targets"]) for row in called)
    innocent = sum(len(set(row["targets"]) - set(row["planted"])) for row in called)
    first = sum(row["targets"][0] in row["planted"] for row in called)
    alarms = sum(row["verdict"] == "backdoored" for row in clean)
    print(f"\nVerdicts: {len(called)} of {len(backdoored)} backdoored models called so, {alarms} of {len(clean)} clean ones.")
    print(f"Of {named} classes named {innocent} are innocent; the first is a target in {first} of {len(called)}.")


if __name__ == "__main__":
    main()
