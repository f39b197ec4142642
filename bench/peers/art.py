"""The Adversarial Robustness Toolbox: `KerasNeuralCleanse` with its defaults.

Kept: 1,000 steps of `images // 32` batches of 32; Adam 0.1 (0.5, 0.9) in tanh space; a mask of its own for each channel; the
L2 norm `sqrt(sum m^2 / 3)` in the loss, although the verdict is of L1 norms, summed over the three channels; prediction
and label in swapped order, so that the loss is 16.118 (1 - p_t); 99 % success.

Kept, although they are slips, because the program does so: the weight of the norm goes back to 0.001 after each run of good steps, so it never
rises and the search never stops before its 1,000 steps (see `Schedule`); mask and pattern start in tanh space from values uniform
in [0, 1], and each class starts from the last one's mask and pattern.

Left out: Keras. The same arithmetic runs in PyTorch, as the other peer's does. Left out too: the repair.
"""

import math

import torch

from peers import outliers
from peers.schedule import Schedule

STEPS = 1000
BATCH = 32
EPSILON = 1e-7
# Keras takes the logarithm of the one-hot label, clipped at its epsilon.
SLOPE = -math.log(EPSILON)

median = outliers.middle_median


def published_updates(count, one_pass):
    """The updates that the search of one class makes; a pass has always been its own measure."""
    return STEPS * (count // BATCH)


def to_unit(raw):
    return torch.tanh(raw) / (2 - EPSILON) + 0.5


def batches(images, random):
    """Endless batches, reshuffled after each pass, whose last batch may be short."""
    while True:
        for at in torch.randperm(len(images), generator=random).split(BATCH):
            yield images[at]


class Search:
    """Searches the classes one after the other, each from where the last one ended."""

    def __init__(self, net, images, seed, one_pass):
        self.net, self.images = net, images
        self.random = torch.Generator().manual_seed(seed)
        shape = images.shape[1:]
        self.mask = torch.rand(shape, generator=self.random).requires_grad_()
        self.pattern = torch.rand(shape, generator=self.random).requires_grad_()

    def run(self, label, most_updates):
        """(norm, reached, updates, ended) of one class; not ended if `most_updates` cut it short."""
        optimiser = torch.optim.Adam([self.pattern, self.mask], lr=0.1, betas=(0.5, 0.9), eps=EPSILON)
        schedule = Schedule(0.99, patience=5, multiplier=1.5, early_threshold=0.99, early_patience=10, resets_always=True)
        walk = batches(self.images, self.random)
        best, updates = None, 0
        for _ in range(STEPS):
            successes, norms = [], []
            for _ in range(len(self.images) // BATCH):
                if updates == most_updates:
                    return None, best is not None, updates, False
                images = next(walk)
                optimiser.zero_grad()
                opaque = to_unit(self.mask)
                logits = self.net((1 - opaque) * images + opaque * to_unit(self.pattern))
                loss = SLOPE * (1 - logits.softmax(1)[:, label])
                norm = (opaque.square().sum() / 3).sqrt()
                (loss + schedule.cost * norm).sum().backward()
                optimiser.step()
                updates += 1
                successes.append((logits.detach().argmax(1) == label).float())
                norms.append(norm.detach())
            # Success is averaged over images, the norm over batches: the last batch of a pass may be short.
            keep, stop = schedule.step(float(torch.cat(successes).mean()), float(torch.stack(norms).mean()))
            if keep:
                best = to_unit(self.mask).detach().clone()
            if stop:
                break
        reached = best is not None
        last = to_unit(self.mask).detach()
        return float((best if reached else last).sum()), reached, updates, True
