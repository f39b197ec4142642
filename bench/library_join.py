#!/usr/bin/env python3
"""Adds what one detector found in clean models to a library of clean models.

    bench/library_join.py LIBRARY.json REPORTS [--detector mm_bd] [-o OUT.json]

REPORTS is a folder with one report for each model, NAME.json, as `gifthorse scan NAME.onnx --detector mm_bd --json`
prints it. Models of the library that have no report there keep what they had; a report without a model in the library
is named and left out. A class's value is the logarithm of its statistic, negative where large statistics are
suspicious; it is null where the class was not reached.
"""

import argparse
import json
import math
import pathlib

LEAST_MARGIN = 1e-6


def value(finding, large):
    if finding["state"] != "reached":
        return None
    log = math.log(max(finding["statistic"], LEAST_MARGIN))
    return round(-log if large else log, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("reports", type=pathlib.Path)
    parser.add_argument("--detector", default="mm_bd")
    parser.add_argument("-o", "--out", type=pathlib.Path)
    given = parser.parse_args()
    library = json.loads(given.library.read_text())
    known = {model["name"]: model for model in library["models"]}
    joined = 0
    for path in sorted(given.reports.glob("*.json")):
        report = json.loads(path.read_text())
        found = next(it for it in report["detectors"] if it["name"] == given.detector)
        if found["unit_statistic"]["unit"] == "pixels":
            raise SystemExit("sizes are relative to the image: `gifthorse zoo library` collects them")
        model = known.get(path.stem)
        if model is None or len(found["findings"]) != model["classes"]:
            print(f"{path.stem}: not in the library")
            continue
        large = found["unit_statistic"]["suspicious"] == "large"
        method = f"{found['name']} {found['preset']}"
        library["methods"].setdefault(method, {"comparable": False})
        findings = sorted(found["findings"], key=lambda finding: finding["class"])
        model["detectors"][method] = {"values": [value(finding, large) for finding in findings]}
        joined += 1
    compact = {"separators": (",", ":")}
    methods = json.dumps(library["methods"], **compact)
    models = ",\n".join(json.dumps(model, **compact) for model in library["models"])
    text = f'{{"version":{library["version"]},"methods":{methods},"models":[\n{models}\n]}}\n'
    (given.out or given.library).write_text(text)
    print(f"{joined} of {len(known)} models")


if __name__ == "__main__":
    main()
