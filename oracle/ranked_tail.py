"""How often the p-value of a further clean model is small, where ranks go on in an exponential tail.

Draws the surprises of a library and of further models from one distribution, and prints how often the p-value of
`verdict/test/comparison.rs` is at most 0.05 and 0.01, beside the same of the bare ranks. numpy alone.
"""

import numpy as np

REPLACED, FITTED, LEAST = 0.05, 0.2, 10
LIBRARIES, FURTHER = 4000, 50


def p_values(library, further):
    ascending = np.sort(library)
    count = len(ascending)
    rank = (1 + count - np.searchsorted(ascending, further, "left")) / (count + 1)
    fitted = max(int(FITTED * count), LEAST)
    excess = np.mean(ascending[count - fitted :] - ascending[count - 1 - fitted])
    start = ascending[count - 1 - min(int(REPLACED * count), fitted)]
    at_start = (1 + np.sum(ascending >= start)) / (count + 1)
    tail = at_start * np.exp(-np.maximum(further - start, 0) / excess)
    return np.maximum(np.where(further > start, tail, rank), 1 / (count + 1)), rank


def main():
    rng = np.random.default_rng(0)
    kinds = {
        "exponential": lambda size: rng.exponential(size=size),
        "Weibull, shape 0.7": lambda size: rng.weibull(0.7, size=size),
        "Weibull, shape 1.5": lambda size: rng.weibull(1.5, size=size),
    }
    for count in (100, 162, 400):
        for name, draw in kinds.items():
            rates = np.zeros((2, 2))
            for _ in range(LIBRARIES):
                for of, p in zip(rates, p_values(draw(count), draw(FURTHER))):
                    of += [np.mean(p <= 0.05), np.mean(p <= 0.01)]
            tail, rank = 100 * rates / LIBRARIES
            print(f"{count} {name}: {tail[0]:.1f} / {tail[1]:.1f} %, ranks {rank[0]:.1f} / {rank[1]:.1f} %")


if __name__ == "__main__":
    main()
