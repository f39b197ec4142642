#!/usr/bin/env python3
"""Decision rules as papers publish them, beside the program's p-values, on models whose truth is known.

    gifthorse zoo scan ZOO --detector neural_cleanse,mm_bd,pt_red,expected_transferability
    bench/published_rules.py ZOO

ZOO is a folder that `gifthorse zoo scan` has scanned. Prints a row for each rule of each detector's paper (`published_rules`
of the reports) and one for the detector's own p-value at 5 %, with the clean models and the backdoored ones flagged; and of
the backdoored ones how many for each label map. Models in which a rule has no statistic count as not flagged, and are told.
Needs Python alone.
"""

import argparse
import collections
import json
import pathlib

RATE = 0.05


def kind(truth):
    maps = {backdoor["labels"]["kind"] for backdoor in truth.get("backdoors", [])}
    return " and ".join(sorted(maps)).replace("_", " ") if maps else "clean"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zoo", type=pathlib.Path)
    given = parser.parse_args()
    models, flagged, without = collections.Counter(), {}, collections.Counter()
    for model in json.loads((given.zoo / "zoo.json").read_text())["models"]:
        path = given.zoo / "scans" / model["name"] / "report.json"
        if not path.exists():
            continue
        report = json.loads(path.read_text())
        of = kind(json.loads((given.zoo / model["truth"]).read_text()))
        models[of] += 1
        for detector in report["detectors"]:
            for rule in detector["published_rules"]:
                row = flagged.setdefault((detector["name"], rule["name"], rule["source"]), collections.Counter())
                row[of] += rule["flagged"]
                without[detector["name"], rule["name"], rule["source"]] += rule["statistic"] is None
            row = flagged.setdefault((detector["name"], f"p of at most {RATE}", "by clean models or equal classes"), collections.Counter())
            row[of] += detector["p_value"] is not None and detector["p_value"] <= RATE
        row = flagged.setdefault(("all together", "verdict", ""), collections.Counter())
        row[of] += report["verdict"] == "backdoored"
    kinds = sorted(models, key=lambda it: (it != "clean", it))
    print(f"| detector | rule | of | {' | '.join(f'{it}, {models[it]}' for it in kinds)} | no statistic |")
    print(f"|---|---|---|{'--:|' * (len(kinds) + 1)}")
    for key in sorted(flagged, key=lambda it: (it[0] == "all together", list(flagged).index(it))):
        cells = [str(flagged[key][of]) for of in kinds]
        print(f"| {' | '.join([*key, *cells])} | {without[key] or ''} |")


if __name__ == "__main__":
    main()
