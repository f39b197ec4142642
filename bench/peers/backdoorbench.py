"""BackdoorBench: `defense/nc.py` with `config/defense/nc/cifar10.yaml`.

Kept: 80 epochs of ten batches of 256 (5 % of CIFAR-10's 50,000 training images, cropped and flipped at random); Adam 0.1
(0.5, 0.9) on mask and pattern in tanh space, both starting at one, so that the mask starts at 0.88 everywhere; cross-entropy
plus 0.001 times the mask's L1 norm, times 2 after five good epochs, divided by 2^1.5 after five bad ones; an epoch is good
from 98 % success on; frozen weights; the search stops when the weight went both ways and 25 epochs brought no 1 % of progress.
A class that never succeeds keeps the mask of its first epoch.

With fewer than 2,500 images an epoch still has ten batches: the walk through the images goes on into the next reshuffling.
`one_pass` makes an epoch one pass through the images instead, which is what the program would do with so few.

Left out: masks stretched to full contrast when stored as PNG, which its repair reads but its verdict does not; the repair.
"""

import torch
import torch.nn.functional as F

from peers import outliers
from peers.schedule import Schedule

EPOCHS = 80
BATCH = 256
BATCHES = 10
EPSILON = 1e-7
CROP = 4

median = outliers.lower_median


def epoch_batches(count, one_pass):
    return -(-count // BATCH) if one_pass else BATCHES


def published_updates(count, one_pass):
    """The most updates that the search of one class makes."""
    return EPOCHS * epoch_batches(count, one_pass)


def to_unit(raw):
    return torch.tanh(raw) / (2 + EPSILON) + 0.5


def augmented(images, random):
    """Each image shifted by up to four pixels into zeros and flipped half of the time."""
    batch, _, height, width = images.shape
    wide = F.pad(images, [CROP] * 4)
    rows = torch.randint(2 * CROP + 1, (batch, 1), generator=random) + torch.arange(height)
    columns = torch.randint(2 * CROP + 1, (batch, 1), generator=random) + torch.arange(width)
    flipped = torch.rand(batch, generator=random) < 0.5
    columns[flipped] = columns[flipped].flip(1)
    at = torch.arange(batch)[:, None, None]
    return wide[at, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def batches(images, random, one_pass):
    """Endless batches; a pass ends with a short one if it has an end of its own."""
    order = torch.empty(0, dtype=torch.int64)
    while True:
        if one_pass and not len(order) or not one_pass and len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(images), generator=random)])
        yield augmented(images[order[:BATCH]], random)
        order = order[BATCH:]


class Search:
    """Searches the classes one after the other; nothing is carried from one to the next."""

    def __init__(self, net, images, seed, one_pass):
        self.net, self.images, self.one_pass = net, images, one_pass
        self.random = torch.Generator().manual_seed(seed)

    def run(self, label, most_updates):
        """(norm, reached, updates, ended) of one class; not ended if `most_updates` cut it short."""
        shape = self.images.shape[1:]
        mask = torch.ones(1, *shape[1:], requires_grad=True)
        pattern = torch.ones(shape, requires_grad=True)
        optimiser = torch.optim.Adam([mask, pattern], lr=0.1, betas=(0.5, 0.9))
        schedule = Schedule(0.98, patience=5, multiplier=2.0, early_threshold=0.99, early_patience=25)
        walk = batches(self.images, self.random, self.one_pass)
        best, reached, updates = None, False, 0
        for _ in range(EPOCHS):
            successes, norms = [], []
            for _ in range(epoch_batches(len(self.images), self.one_pass)):
                if updates == most_updates:
                    return None, reached, updates, False
                images = next(walk)
                optimiser.zero_grad()
                opaque = to_unit(mask)
                logits = self.net((1 - opaque) * images + opaque * to_unit(pattern))
                target = torch.full((len(images),), label)
                norm = opaque.norm(1)
                (F.cross_entropy(logits, target) + schedule.cost * norm).backward()
                optimiser.step()
                updates += 1
                successes.append((logits.detach().argmax(1) == label).float().mean())
                norms.append(norm.detach())
            keep, stop = schedule.step(float(torch.stack(successes).mean()), float(torch.stack(norms).mean()))
            if keep or best is None:
                best = to_unit(mask).detach().clone()
            reached |= keep
            if stop:
                break
        return float(best.norm(1)), reached, updates, True
