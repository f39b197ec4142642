#!/usr/bin/env python3
"""Adds what further detectors found in clean models to a library of clean models.

    gifthorse zoo scan ZOO --detector last_layer
    gifthorse zoo library ZOO -o FOUND.json
    bench/library_join.py LIBRARY.json FOUND.json [--further] [-o OUT.json]

Values of detectors that FOUND.json has are added to the models of the same name in LIBRARY.json, in place of what these
had of the same detector; all else stays. A model of FOUND.json that the library does not have is named and left out, or
with --further taken in.
"""

import argparse
import json
import pathlib


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("found", type=pathlib.Path)
    parser.add_argument("--further", action="store_true", help="take in models that the library does not have")
    parser.add_argument("-o", "--out", type=pathlib.Path)
    given = parser.parse_args()
    library, found = (json.loads(path.read_text()) for path in (given.library, given.found))
    if library["version"] != found["version"]:
        raise SystemExit("the two files are of different versions")
    known = {model["name"]: model for model in library["models"]}
    library["methods"].update(found["methods"])
    joined = further = 0
    for model in found["models"]:
        own = known.get(model["name"])
        if own is None and given.further:
            library["models"].append(model)
            further += 1
            continue
        if own is None:
            print(f"{model['name']}: not in the library")
            continue
        if (own["pixels"], own["classes"]) != (model["pixels"], model["classes"]):
            raise SystemExit(f"{model['name']} is another model in the library")
        own["detectors"].update(model["detectors"])
        joined += 1
    compact = {"separators": (",", ":")}
    methods = json.dumps(library["methods"], **compact)
    models = ",\n".join(json.dumps(model, **compact) for model in library["models"])
    text = f'{{"version":{library["version"]},"methods":{methods},"models":[\n{models}\n]}}\n'
    (given.out or given.library).write_text(text)
    print(f"{joined} of {len(known)} models, {further} further ones")


if __name__ == "__main__":
    main()
