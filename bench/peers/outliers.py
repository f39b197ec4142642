"""The anomaly index of Neural Cleanse and the rule `flag if the norm is small and the index above 2`, as the peers apply it."""

import numpy as np

THRESHOLD = 2.0
CONSISTENCY = 1.4826


def lower_median(values):
    """The lower of the two middle values of an even number, as `torch.median` has it."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def middle_median(values):
    """The mean of the two middle values of an even number, as `numpy.median` has it."""
    return float(np.median(values))


def verdict(norms, median):
    """(flagged classes, index of the smallest norm) for norms by class."""
    values = np.array(list(norms.values()), dtype=np.float64)
    middle = median(values)
    deviation = CONSISTENCY * median(np.abs(values - middle))
    index = {label: abs(norm - middle) / deviation for label, norm in norms.items()}
    flagged = [label for label, norm in norms.items() if norm <= middle and index[label] > THRESHOLD]
    return flagged, index[min(norms, key=norms.get)]
