#!/usr/bin/env python3
"""What Hidden Trigger did to models, as the table of docs/attacks.md: the share of source images that are taken for the target.

    gifthorse zoo build zoo/hidden_trigger.toml -o hidden/
    bench/hidden_trigger_table.py hidden/

A row for each NAME.truth.json of the folders in which it was put: accuracy of the model and of its clean twin, and the success with
and without the trigger in the model, in the twin (trained alike on clean images), and in the net before, where that has the same
classes.
"""

import json
import sys
from pathlib import Path


def success(effect):
    """Success with and without the trigger, in percent."""
    if effect is None:
        return ["", ""]
    return [f"{100 * effect[key]['other_classes']:.1f}" for key in ("with_trigger", "without_trigger")]


def main(folders):
    print("| model | poisons | CA | twin | with | without | twin: with | without | before: with | without | source images |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for folder in map(Path, folders):
        for path in sorted(folder.glob("*.truth.json")):
            truth = json.loads(path.read_text())
            for planted in truth["backdoors"]:
                implant = planted["method"].get("implant", {}) if isinstance(planted["method"], dict) else {}
                if implant.get("kind") != "hidden_trigger":
                    continue
                accuracy = [f"{100 * truth[key]:.1f}" for key in ("clean_accuracy", "twin_accuracy")]
                cells = [path.name.removesuffix(".truth.json"), str(len(planted["poisoned"])), *accuracy, *success(planted["effect"]),
                         *success(planted["twin"]), *success(planted.get("before")), str(planted["effect"]["with_trigger"]["images"])]
                print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
