#!/usr/bin/env python3
"""Rules by which the surprises of classes could be found and added up, on models that were scanned.

    bench/verdict_rules.py LIBRARY.json BACKDOORED.json... [--clean FURTHER.json]

A second implementation of the verdict's rule (decision 17), without its simulation, and of others beside it: each class of
each model is compared with the others of its model and, to Neural Cleanse, with clean models; a class's surprise is minus the
logarithm of how rare so suspicious a class is among those of clean models; surprises of a class add up over comparisons and
detectors; the largest of a model, less the logarithm of its number of classes, is ranked among those of clean models. A model
is judged by clean models of other data sets than its own. Only models of six classes and more that went through the five
detectors of every scan take part. Prints how many clean models are flagged at 5 and 1 %, and how many backdoored ones have a
target as their most suspicious class and are flagged. Needs numpy.
"""

import argparse
import json
import pathlib

import numpy as np

NORM, MAP = "neural_cleanse standard", "universal_patch standard"
DETECTORS = [NORM, "mm_bd standard", "last_layer standard", "weight_sum standard"]
RATES = (0.05, 0.01)


def models(path):
    found = json.loads(path.read_text())["models"]
    needed = [*DETECTORS, MAP]
    return [m for m in found if m["classes"] >= 6 and all(name in m["detectors"] for name in needed)]


def values(model, detector):
    return np.array([np.nan if it is None else it for it in model["detectors"][detector]["values"]])


def standing(model, detector, rule, usual):
    """How far each class stands below the others of its model."""
    found, out = values(model, detector), np.zeros(model["classes"])
    for place, value in enumerate(found):
        others = np.delete(found, place)
        others = others[np.isfinite(others)]
        if not np.isfinite(value) or len(others) < 3:
            continue
        middle, variance = np.median(others), others.var(ddof=1)
        robust = (1.4826 * np.median(abs(others - middle))) ** 2
        if rule == "deviation":
            middle = others.mean()
        elif rule == "median deviation":
            variance = robust + 1e-12
        elif rule.startswith("drawn"):
            weight, degrees = float(rule.split()[1]), len(others) - 1
            variance = (weight * usual[detector] + degrees * (variance + robust) / 2) / (weight + degrees)
        else:
            variance = (variance + robust) / 2
        out[place] = (middle - value) / np.sqrt(variance)
    return out


class Ranks:
    """How rare a number is among a sample, with an exponential tail for the largest."""

    def __init__(self, sample, tail=0.02, least=20):
        self.sample = np.sort(sample)
        self.count = max(least, int(len(sample) * tail))
        self.start = self.sample[-self.count - 1]
        self.excess = (self.sample[-self.count :] - self.start).mean()

    def surprise(self, numbers):
        size = len(self.sample)
        rank = (size - np.searchsorted(self.sample, numbers) + 1) / (size + 1)
        beyond = -np.log(self.count / size) + (numbers - self.start) / self.excess
        return np.where(numbers > self.start, beyond, -np.log(rank))


class Rule:
    def __init__(self, clean, standings, alike, per_model):
        self.clean, self.standings, self.alike, self.per_model = clean, standings, alike, per_model
        self.norm_line = self.line([np.nanmean(values(m, NORM)) for m in clean])
        self.map_line = self.line([values(m, MAP)[0] for m in clean])
        self.maps = Ranks([self.beside(m, self.map_line) - values(m, MAP)[0] for m in clean], 0.1, 5)
        self.known = {}
        self.largest = np.array([self.score(m).max() for m in clean])

    def line(self, locations):
        terms = np.array([[1, np.log(m["classes"]), np.log(m["pixels"])] for m in self.clean])
        return np.linalg.lstsq(terms, np.array(locations), rcond=None)[0]

    def beside(self, model, line):
        return np.array([1, np.log(model["classes"]), np.log(model["pixels"])]) @ line

    def comparisons(self, model):
        small = np.nan_to_num(self.beside(model, self.norm_line) - values(model, NORM), nan=-9)
        return np.vstack([self.standings[model["name"]], small])

    def ranks(self, classes):
        if classes not in self.known:
            near = sorted(self.clean, key=lambda m: abs(np.log(m["classes"] / classes)))[: self.alike]
            found = [self.comparisons(m) for m in near]
            if self.per_model:
                found = [it.max(axis=1, keepdims=True) for it in found]
            self.known[classes] = [Ranks(row) for row in np.concatenate(found, axis=1)]
        return self.known[classes]

    def score(self, model):
        rows = self.comparisons(model)
        total = sum(rank.surprise(row) for rank, row in zip(self.ranks(model["classes"]), rows, strict=True))
        leads = model["detectors"][MAP].get("leads_to", [])
        for place in leads:
            share = 0 if self.per_model else np.log(model["classes"] / len(leads))
            total[place] += self.maps.surprise(self.beside(model, self.map_line) - values(model, MAP)[0]) + share
        return total - (0 if self.per_model else np.log(model["classes"]))

    def judge(self, model):
        """p-value, and the most suspicious class."""
        score = self.score(model)
        return (1 + (self.largest >= score.max()).sum()) / (1 + len(self.largest)), int(score.argmax())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("backdoored", type=pathlib.Path, nargs="+")
    parser.add_argument("--clean", type=pathlib.Path, help="clean models that are not in the library")
    given = parser.parse_args()
    clean = models(given.library) + (models(given.clean) if given.clean else [])
    infected = [models(path) for path in given.backdoored]
    everyone = clean + [m for of in infected for m in of]
    usual = {name: np.exp(np.mean([np.log(np.nanvar(values(m, name), ddof=1)) for m in clean])) for name in DETECTORS}
    rules = [
        ("largest of the model", "both", 999, True),
        ("class, all models", "both", 999, False),
        ("class, 80 models alike", "both", 80, False),
        ("class, 80 alike, deviation", "deviation", 80, False),
        ("class, 80 alike, median deviation", "median deviation", 80, False),
        ("class, 80 alike, scale drawn by 4", "drawn 4", 80, False),
        ("class, 80 alike, scale drawn by 20", "drawn 20", 80, False),
    ]
    print(f"| rule | clean, of {len(clean)} | " + " | ".join(f"{p.stem}, of {len(of)}" for p, of in zip(given.backdoored, infected, strict=True)) + " |")
    print("|---|--:|" + "--:|" * len(infected))
    for title, standing_rule, alike, per_model in rules:
        standings = {m["name"]: np.array([standing(m, it, standing_rule, usual) for it in DETECTORS]) for m in everyone}
        flagged, found = np.zeros(2, int), np.zeros((len(infected), 2), int)
        for data in sorted({m["data"] for m in everyone}):
            rule = Rule([m for m in clean if m["data"] != data], standings, alike, per_model)
            for model in (m for m in clean if m["data"] == data):
                flagged += [rule.judge(model)[0] <= rate for rate in RATES]
            for place, of in enumerate(infected):
                for model in (m for m in of if m["data"] == data):
                    p, first = rule.judge(model)
                    found[place] += [p <= rate and first in model["targets"] for rate in RATES]
        cells = [f"{five}, {one}" for five, one in [flagged, *found]]
        print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
