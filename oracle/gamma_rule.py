"""The published p-value of MM-BD for lists of margins, by scipy: python gamma_rule.py

scipy 1.17.1 fits the gamma distribution as the authors' released program has it done.
"""

import json
import os

import numpy as np
from scipy.stats import gamma

TESTS = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-defense", "tests")
GOLDEN = os.path.join(TESTS, "golden", "gamma_rule.json")


def rule(margins):
    at = int(np.argmax(margins))
    others = np.delete(margins, at)
    shape, location, scale = gamma.fit(others)
    p = 1 - gamma.cdf(margins[at], shape, loc=location, scale=scale) ** len(margins)
    from_zero = None
    if min(others) > 0:
        a, _, s = gamma.fit(others, floc=0)
        from_zero = {"shape": a, "scale": s}
    free = {"shape": shape, "location": location, "scale": scale}
    return {"p_value": p, **free, "from_zero": from_zero}


def lists():
    rng = np.random.default_rng(3)
    yield "two targets", np.array([59.0, 17.0, 14.0, 52.0, 12.5, 11.0, 13.2, 9.8, 10.4, 12.1])
    yield "one target", np.array([39.2, 41.0, 38.5, 36.1, 78.8, 44.1, 31.4, 29.9, 33.3, 27.0])
    yield "none", np.array([46.1, 41.9, 40.2, 35.2, 36.0, 34.9, 33.1, 30.3, 31.8, 28.4])
    yield "some below zero", np.array([-1.0, 4.0, 3.0, 8.0, 2.0, -0.5, 1.0, 2.2, 5.1, 0.3])
    yield "skewed to the left", np.array([10.0, 9.8, 9.6, 9.5, 9.1, 8.0, 5.0, 2.0, 10.1, 9.9])
    for classes in (4, 10, 12, 43, 100):
        for shape in (1.5, 6.0, 40.0):
            for repeat in range(3):
                drawn = rng.gamma(shape, 30 / shape, size=classes) + 5 * repeat
                yield f"{classes} classes, shape {shape}, {repeat}", drawn


def main():
    cases = []
    for name, margins in lists():
        margins = [round(float(m), 4) for m in margins]
        cases.append({"name": name, "margins": margins, **rule(np.array(margins))})
        print(f"{name}: p = {cases[-1]['p_value']:.6g}")
    os.makedirs(os.path.dirname(GOLDEN), exist_ok=True)
    with open(GOLDEN, "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
