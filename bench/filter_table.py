#!/usr/bin/env python3
"""The table of docs/filters.md by kind of backdoor, from what `gifthorse zoo filter` measured, and its numbers.

    gifthorse zoo filter zoo/ --told --detectors ... --method ...
    bench/filter_table.py zoo/ [zoo-2/ ...] [--json docs/measurements/filter_zoo.json]

A cell is the share of stamped images that go where the trigger leads and are not flagged, in percent: the median of the
models of a kind, and the worst.
"""

import argparse
import json
import pathlib
import re
import statistics


def rows(zoos):
    for zoo in zoos:
        for file in sorted(pathlib.Path(zoo).glob("filters/*/*/*/evaluation.json")):
            kept = json.loads(file.read_text())
            found = kept["evaluation"]
            row = {key: kept[key] for key in ("name", "data", "attack", "method", "failed")}
            if found:
                trigger = found["triggers"][0]
                row["asr"] = trigger["success"]["rate"]
                row["fpr"] = [at["share"]["rate"] for at in found["clean"]]
                row["missed"] = [at["share"]["rate"] for at in trigger["missed_of_successful"]]
                row["auroc"] = trigger["auroc"] and trigger["auroc"]["area"]
                row["safe"] = trigger["safe"] and trigger["safe"]["rate"]
            yield row


def kind(attack):
    return re.sub("-(grey|colour)$", "", attack)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoos", nargs="+")
    parser.add_argument("--json")
    parser.add_argument("--at", type=int, default=0, help="which of the rates")
    args = parser.parse_args()
    all_rows = list(rows(args.zoos))
    methods = list(dict.fromkeys(row["method"] for row in all_rows))
    kinds = list(dict.fromkeys(kind(row["attack"]) for row in all_rows))
    print("| planted | models | " + " | ".join(f"`{method}`" for method in methods) + " |")
    print("|---|--:|" + "--:|" * len(methods))
    for of in kinds:
        cells = []
        for method in methods:
            found = [row["missed"][args.at] for row in all_rows if (kind(row["attack"]), row["method"]) == (of, method) and "missed" in row]
            cells.append(f"{100 * statistics.median(found):.1f}, {100 * max(found):.1f}" if found else "")
        models = {row["name"] for row in all_rows if kind(row["attack"]) == of}
        print(f"| {of} | {len(models)} | " + " | ".join(cells) + " |")
    names = {row["name"] for row in all_rows}
    for most in (0.01, 0.05):
        within = []
        for method in methods:
            within.append(sum(row["method"] == method and row.get("missed", [1])[args.at] <= most for row in all_rows))
        print(f"| at most {100 * most:.0f} % | of {len(names)} | " + " | ".join(map(str, within)) + " |")
    for method in methods:
        rates = [row["fpr"] for row in all_rows if row["method"] == method and "fpr" in row]
        if rates:
            of = [100 * rate[args.at] for rate in rates]
            print(f"{method}: flags {statistics.mean(of):.1f} % of clean images in the mean, {min(of):.1f} to {max(of):.1f}")
    if args.json:
        rounded = json.loads(json.dumps(all_rows), parse_float=lambda text: round(float(text), 4))
        lines = ",\n".join(json.dumps(row) for row in rounded)
        pathlib.Path(args.json).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
