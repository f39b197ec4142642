#!/usr/bin/env python3
"""Certified detection on the models of zoo/certified.toml: what is flagged, and which triggers would be for certain.

    gifthorse zoo build zoo/certified.toml -o FOLDER
    bench/certified_detection.py FOLDER [--sigma 0.1,0.25] [--images 40] [--copies 200] [--program target/release/gifthorse]

Holds the clean models of seeds 21 and up, and the backdoored ones, against the clean ones of seeds 1 to 20 of their task
(`gifthorse certify --reference`). Prints a row for each task, noise and kind: statistics, models flagged at 5 %, how long the
trigger is, the length that is certified for triggers that work on 95 % of noisy copies, and triggers that are certified. Needs
Python alone.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

TRIGGERS = {
    "chessboard-3": "kind = 'additive'\ntexture = 'chessboard'\namplitude = 0.0118\n",
    "chessboard-8": "kind = 'additive'\ntexture = 'chessboard'\namplitude = 0.0314\n",
    "single-pixel": "kind = 'square'\nsize = 1\ncolour = [1.0]\nplace = { at = { row = 3, column = 23 } }\n",
    "square-2": "kind = 'square'\nsize = 2\ncolour = [1.0]\nplace = { corner = { corner = 'bottom_right', margin = 2 } }\n",
    "square-4": "kind = 'square'\nsize = 4\ncolour = [1.0]\nplace = { corner = { corner = 'bottom_right', margin = 2 } }\n",
    "blended": "kind = 'blended'\nalpha = 0.1\npicture = { noise = { seed = 7 } }\n",
}
YARDSTICK = 20


def seed_of(path):
    return int(path.stem.rsplit("-s", 1)[1])


def certified(arguments, model, images, references, sigma, trigger):
    command = [arguments.program, "certify", model, "--images", images, "--max-images", str(arguments.images)]
    command += ["--sigma", str(sigma), "--copies", str(arguments.copies), "--json", "--quiet"]
    if trigger:
        command += ["--trigger", trigger, "--target", "8"]
    command += ["--reference", *references]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["detection"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sigma", default="0.1,0.25")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--copies", type=int, default=200)
    parser.add_argument("--tasks", default="mnist,gtsrb-12")
    parser.add_argument("--program", default="target/release/gifthorse")
    arguments = parser.parse_args()
    print("| task | noise | models | share of one class | flagged at 5 % | trigger's length | certified up to | certified |")
    print("|---|--:|---|---|--:|--:|--:|--:|")
    for task in arguments.tasks.split(","):
        clean = sorted(arguments.folder.glob(f"clean-{task}-*.onnx"), key=seed_of)
        references = [path for path in clean if seed_of(path) <= YARDSTICK]
        (images,) = arguments.folder.glob(f"images/{task.split('-')[0]}*.npz")
        for sigma in arguments.sigma.split(","):
            for kind in ["clean", *TRIGGERS]:
                if kind == "clean":
                    models = [path for path in clean if seed_of(path) > YARDSTICK]
                else:
                    models = sorted(arguments.folder.glob(f"bad-{task}-*-{kind}-s*.onnx"))
                with tempfile.TemporaryDirectory() as folder:
                    trigger = None
                    if kind != "clean":
                        trigger = pathlib.Path(folder) / f"{kind}.toml"
                        trigger.write_text(TRIGGERS[kind])
                    found = [certified(arguments, model, images, references, sigma, trigger) for model in models]
                if not found:
                    continue
                shares = sorted(one["statistic"] for one in found)
                # The line of 95 %.
                lengths = [one["certified"][2]["length"] for one in found]
                length = "none" if None in lengths else f"{min(lengths):.2f}"
                own = "" if kind == "clean" else f"{max(one['trigger']['length'] for one in found):.2f}"
                sure = "" if kind == "clean" else f"{sum(one['trigger']['certified'] for one in found)} of {len(found)}"
                print(
                    f"| {task} | {sigma} | {kind} | {shares[0]:.3f} to {shares[-1]:.3f} "
                    f"(threshold {found[0]['threshold']:.3f}) | {sum(one['flagged'] for one in found)} of {len(found)} "
                    f"| {own} | {length} | {sure} |",
                    flush=True,
                )


main()
