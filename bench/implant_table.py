#!/usr/bin/env python3
"""What was put in by hand and what a scan says of it, as a table.

    gifthorse plant ... -o FOLDER/NAME.onnx
    gifthorse scan FOLDER/NAME.onnx ... --json --exit-zero > FOLDER/NAME.report.json
    bench/implant_table.py FOLDER...

A row for each NAME.truth.json of a folder that has a report beside it.
"""

import json
import sys
from pathlib import Path


def settings(implant):
    """The attack in a few words."""
    if implant["kind"] != "graph":
        return f"`{implant['kind']}`"
    words = [implant["detector"], implant["path"], "targeted" if "target" in implant else "untargeted"]
    if implant["leak"]:
        words.append(f"leak {implant['leak']:.3g}")
    return f"`graph`: {', '.join(words)}"


def seen(report):
    """The rules that the structure meets, those whose branch rests first, and what dormant units do."""
    found = {}
    for finding in report["model"]["structure"]:
        found[finding["rule"]] = found.get(finding["rule"], False) or bool(finding["rests"])
    rules = sorted(found.items(), key=lambda rule: not rule[1])
    structure = ", ".join(f"`{rule}`{' (rests)' if rests else ''}" for rule, rests in rules) or "-"
    dormant = report["dormant_units"]
    switches = dormant["switches"] if dormant else []
    units = "-" if not switches else f"class {switches[0]['class']}, {switches[0]['led']} of {switches[0]['others']}"
    if dormant is None:
        units = "not looked at"
    return structure, units


def main(folders):
    print("| attack | model | CA before | CA | ASR | structure | dormant units | verdict (p) |")
    print("|---|---|--:|--:|--:|---|---|---|")
    for folder in map(Path, folders):
        for path in sorted(folder.glob("*.truth.json")):
            name = path.name.removesuffix(".truth.json")
            report = folder / f"{name}.report.json"
            if not report.exists():
                continue
            truth, report = json.loads(path.read_text()), json.loads(report.read_text())
            planted = truth["backdoors"]
            success = min(it["effect"]["with_trigger"]["other_classes"] for it in planted)
            structure, units = seen(report)
            p = report["p_value"]
            verdict = report["verdict"] + (f" ({p:.2g})" if p is not None else "")
            accuracy = [f"{100 * truth[key]:.2f}" for key in ("twin_accuracy", "clean_accuracy")]
            cells = [settings(planted[0]["method"]["implant"]), folder.name, *accuracy, f"{100 * success:.1f}", structure, units, verdict]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
