#!/usr/bin/env python3
"""What each detector adds to the verdict: all together, and all but one.

    bench/leave_one_out.py LIBRARY.json BACKDOORED.json [--detectors NAME,...] [--by-kind]

Cuts the library of clean models and what was found in backdoored ones down to the detectors (by default those of every scan),
then once more without each of them, and has the program's own rule judge (the example `verdict_validation --together`, which is
built first). Only models that went through all the detectors take part, so that each row is of the same models. Prints a row
for each set: clean models flagged without their data set, backdoored ones called so with a target named, and the same for the
kinds of --by-kind. Needs Python alone.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

USUAL = "neural_cleanse,mm_bd,last_layer,weight_sum,universal_patch"


def found_in(model):
    return model.get("found", model)


def cut(whole, needed, kept):
    """The models that went through all the detectors `needed`, with what those of `kept` found."""
    models = []
    for model in whole["models"]:
        if all(name in found_in(model)["detectors"] for name in needed):
            model = json.loads(json.dumps(model))
            found_in(model)["detectors"] = {name: found_in(model)["detectors"][name] for name in kept}
            models.append(model)
    return {**whole, "methods": {name: whole["methods"][name] for name in kept}, "models": models}


def judged(program, library, backdoored):
    """The cells of the tables that the example prints, by table head and row."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, whole in (("library", library), ("backdoored", backdoored)):
            files.append(pathlib.Path(folder) / f"{name}.json")
            files[-1].write_text(json.dumps(whole))
        build = ["cargo", "run", "--quiet", "--release", "-p", "gifthorse-defense", "--example", "verdict_validation", "--"]
        command = [program] if program else build
        out = subprocess.run([*command, "--together", *map(str, files)], check=True, capture_output=True, text=True).stdout
    tables, head = {}, None
    for line in out.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            head = None
        elif head is None:
            head = cells[0]
        elif not set(line) <= set("|-:"):
            tables[head, cells[0]] = tables.get((head, cells[0]), cells[1:])
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("backdoored", type=pathlib.Path)
    parser.add_argument("--detectors", default=USUAL)
    parser.add_argument("--by-kind", action="store_true", help="also a column for each kind of backdoor, found at 5 %%")
    parser.add_argument("--program", help="the example, if it is built already")
    given = parser.parse_args()
    library, backdoored = (json.loads(path.read_text()) for path in (given.library, given.backdoored))
    every = [f"{name} standard" for name in given.detectors.split(",")]
    sets = [("all", every)] + [(f"without `{one.split()[0]}`", [it for it in every if it != one]) for one in every]
    first = True
    for title, kept in sets:
        tables = judged(given.program, cut(library, every, kept), cut(backdoored, every, kept))
        clean = tables["left out", "its data set"]
        found = tables["attack", "all"] if ("attack", "all") in tables else tables["all", "all"]
        kinds = sorted(row for head, row in tables if head == "attack")
        called = lambda cell: re.match(r"\d+", cell).group()
        if first:
            heads = ["detectors", "clean at 5 %", "at 1 %", f"found of {found[0]} at 5 %", "at 1 %"] + (kinds if given.by_kind else [])
            print(f"| {' | '.join(heads)} |\n|---|{'--:|' * (len(heads) - 1)}", flush=True)
            first = False
        cells = [title, clean[1].split(";")[0] + ")", clean[3].split(";")[0] + ")", called(found[2]), called(found[3])]
        cells += [f"{called(tables['attack', kind][2])} of {tables['attack', kind][0]}" for kind in kinds] if given.by_kind else []
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
