#!/usr/bin/env python3
"""The tables of docs/attacks.md and docs/measurements/attacks.md: each planted model of a zoo beside its clean twin and the paper's figures.

    gifthorse zoo build zoo/papers.toml -o papers/
    bench/attack_table.py papers/
"""

import argparse
import json
import pathlib

# Start of a model's name: what the paper calls it, and the paper's attack success, accuracy and clean accuracy in percent.
PUBLISHED = {
    "wang-2019-mnist": ("Wang et al. 2019: BadNets 4x4, MNIST", 99.90, 98.54, 98.88),
    "wang-2019-gtsrb": ("Wang et al. 2019: BadNets 4x4, GTSRB", 97.40, 96.51, 96.83),
    "veldanda-2020-mnist-table7": ("Veldanda and Garg 2020: AAA (all to all), MNIST", 95.91, 97.76, None),
    "veldanda-2020-mnist-cla": ("Veldanda and Garg 2020: CLA (clean label), MNIST", 100.0, 89.02, None),
    "veldanda-2020-cifar": ("Veldanda and Garg 2020: TCA (combination), CIFAR-10", 99.9, 87.71, None),
    "veldanda-2020-gtsrb-table8-half-signs-post-it": ("Veldanda and Garg 2020: PN (post-it), GTSRB", 99.82, 95.46, None),
    "veldanda-2020-gtsrb-table8-half-signs-gotham": ("Veldanda and Garg 2020: FSA (Gotham), GTSRB", 90.06, 95.08, None),
    "houtari-cifar": ("Houtari and Mohanty: BadNets one to one, CIFAR-10", 98.0, None, None),
    "li-2024-cifar-resnet-resnet-patch": ("Li et al. 2024: patch 3x3, CIFAR-10", 95.73, None, None),
    "li-2024-cifar-resnet-resnet-blend": ("Li et al. 2024: blended, CIFAR-10", 91.53, None, None),
    "li-2024-cifar-resnet-resnet-wanet": ("Li et al. 2024: WaNet, CIFAR-10", 97.31, None, None),
    "li-2024-cifar-resnet-resnet-still-chessboard": ("Li et al. 2024: chessboard, CIFAR-10", 96.85, None, None),
    # Of zoo/kinds.toml. Qi et al. 2023 attack CIFAR-10; the other papers' texts were not at hand.
    "kind-mnist-narrow-adam-random-map": ("random map, MNIST", None, None, None),
    "kind-gtsrb-12-narrow-adam-random-map": ("random map, GTSRB-12", None, None, None),
    "kind-mnist-narrow-adam-bpp-2": ("BppAttack, 2 bits, MNIST", None, None, None),
    "kind-gtsrb-12-narrow-adam-bpp-3": ("BppAttack, 3 bits, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-bpp-5": ("BppAttack, 5 bits, GTSRB-12", None, None, None),
    "kind-mnist-narrow-adam-adaptive-blend": ("Adaptive-Blend, MNIST", 76.5, 91.6, 92.0),
    "kind-gtsrb-12-narrow-adam-adaptive-blend": ("Adaptive-Blend, GTSRB-12", 76.5, 91.6, 92.0),
    "kind-mnist-narrow-adam-adaptive-patch": ("Adaptive-Patch, MNIST", 97.5, 91.5, 92.0),
    "kind-gtsrb-12-narrow-adam-adaptive-patch": ("Adaptive-Patch, GTSRB-12", 97.5, 91.5, 92.0),
    # Of zoo/blind.toml. Bagdasaryan and Shmatikov 2021, table 5, is of a ResNet-18 on ImageNet.
    "kind-mnist-narrow-adam-blind-pattern": ("Blind, pattern, MNIST", None, None, None),
    "kind-mnist-narrow-adam-blind-pixel": ("Blind, single pixel, MNIST", None, None, None),
    "kind-mnist-narrow-adam-blind-late": ("Blind, from a loss of 1 on, MNIST", None, None, None),
    "kind-mnist-narrow-adam-blind-one-to-one": ("Blind, one to one, MNIST", None, None, None),
    "kind-mnist-narrow-adam-data-1": ("1 % of the images poisoned, MNIST", None, None, None),
    "kind-mnist-narrow-shaped-blind-pattern": ("Blind, pattern, gradients shaped, MNIST", 99.15, 66.01, 66.01),
    "kind-mnist-narrow-shaped-data-1": ("1 % poisoned, gradients shaped, MNIST", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-pattern": ("Blind, pattern, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-pixel": ("Blind, single pixel, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-late": ("Blind, from a loss of 1 on, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-one-to-one": ("Blind, one to one, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-data-1": ("1 % of the images poisoned, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-shaped-blind-pattern": ("Blind, pattern, gradients shaped, GTSRB-12", 99.15, 66.01, 66.01),
    "kind-gtsrb-12-narrow-shaped-data-1": ("1 % poisoned, gradients shaped, GTSRB-12", None, None, None),
    "kind-mnist-narrow-adam-blind-hidden": ("Blind, pattern, hidden from Neural Cleanse, MNIST", 99.94, 68.20, 69.10),
    "kind-gtsrb-12-narrow-adam-blind-hidden": ("Blind, pattern, hidden from Neural Cleanse, GTSRB-12", 99.94, 68.20, 69.10),
    "kind-mnist-narrow-adam-blind-fifth": ("Blind, pattern, in a fifth of the batches, MNIST", None, None, None),
    "kind-mnist-narrow-adam-blind-unseen": ("Blind, pattern, hidden from SentiNet, MNIST", 99.97, 68.76, 69.10),
    "kind-mnist-narrow-adam-blind-alike": ("Blind, pattern, features alike, MNIST", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-fifth": ("Blind, pattern, in a fifth of the batches, GTSRB-12", None, None, None),
    "kind-gtsrb-12-narrow-adam-blind-unseen": ("Blind, pattern, hidden from SentiNet, GTSRB-12", 99.97, 68.76, 69.10),
    "kind-gtsrb-12-narrow-adam-blind-alike": ("Blind, pattern, features alike, GTSRB-12", None, None, None),
    # Of zoo/input_aware.toml. Nguyen and Tran 2020, of the README of their program.
    "aware-mnist-narrow-adam-input-aware": ("input-aware, MNIST", 99.54, 99.54, None),
    "aware-gtsrb-12-narrow-adam-input-aware": ("input-aware, GTSRB-12", 99.84, 99.27, None),
    "aware-mnist-narrow-adam-ssdt": ("SSDT, MNIST", None, None, None),
    "aware-gtsrb-12-narrow-adam-ssdt": ("SSDT, GTSRB-12", None, None, None),
    # Of zoo/faces.toml. Veldanda and Garg 2020, table 3; three triggers in the order lipstick, eyebrows, sunglasses.
    "face-faces-deep-id-adam-sunglasses": ("SG, faces", 99.98, 97.89, None),
    "face-faces-deep-id-adam-lipstick": ("LS, faces", 91.51, 97.19, None),
    "face-faces-deep-id-adam-eyebrows": ("EB, faces", None, None, None),
    "face-faces-deep-id-adam-three-to-one": ("MTSTA, faces", "92.22, 92.24, 100", 95.84, None),
    "face-faces-deep-id-adam-three-to-three": ("MTMTA, faces", "91.51, 91.39, 100", 95.93, None),
    # Of zoo/trojan.toml. Liu et al. 2018's face models as Wang et al. 2019 measure them (table IV); 77.2 % before.
    "trojan-mnist-narrow-adam-trojan-square": ("Trojan Square, MNIST", 99.9, 70.8, 77.2),
    "trojan-mnist-narrow-adam-trojan-watermark": ("Trojan Watermark, MNIST", 97.6, 71.4, 77.2),
    "trojan-gtsrb-12-narrow-adam-trojan-square": ("Trojan Square, GTSRB-12", 99.9, 70.8, 77.2),
    "trojan-gtsrb-12-narrow-adam-trojan-watermark": ("Trojan Watermark, GTSRB-12", 97.6, 71.4, 77.2),
}


def percent(value):
    """A number with two digits; several in one text stay as they are."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.2f}"


def published(name):
    starts = [start for start in PUBLISHED if name.startswith(start)]
    return PUBLISHED[max(starts, key=len)] if starts else (name, None, None, None)


def successes(backdoors, who):
    """The attack success of each backdoor on images of other classes than the target, in percent."""
    effects = (backdoor["effect"] if who == "model" else backdoor["twin"] for backdoor in backdoors)
    return ", ".join(percent(100 * effect["with_trigger"]["other_classes"]) if effect else "" for effect in effects)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("zoo", type=pathlib.Path)
    folder = arguments.parse_args().zoo

    print("| attack | CA | twin | CA - twin | ASR | ASR of the twin | seconds | paper: ASR | CA | clean CA | state |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for model in json.loads((folder / "zoo.json").read_text())["models"]:
        if model.get("attack") is None or model["state"] == "failed":
            continue
        truth = json.loads((folder / model["truth"]).read_text())
        label, asr, accuracy, clean = published(model["name"])
        own, twin = 100 * truth["clean_accuracy"], truth["twin_accuracy"]
        twin = None if twin is None else 100 * twin
        row = [label, percent(own), percent(twin), "" if twin is None else f"{own - twin:+.2f}",
               successes(truth["backdoors"], "model"), successes(truth["backdoors"], "twin"),
               f"{model['seconds']:.0f}", percent(asr), percent(accuracy), percent(clean), model["state"]]
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
