"""MM-BD (H. Wang et al., S&P 2024): the largest margin that random images climb to, class after class, in eager PyTorch.

`paper` follows the program that its authors released: 30 random images a class, gradient steps of 0.01 on what the network sees
clamped to [0, 1], up to 300 of them, until the loss changes by less than 1e-5 of itself; the optimiser is built anew at every step,
so that its momentum never acts; the margins of the last step count. It does not freeze the weights, so that their gradients are computed
too and added up. `standard` is what gifthorse makes of it: 16 images, Adam with
steps of 0.05 on pixels kept in [0, 1], until neither the largest margin nor the mean grew by 1 % in ten steps; the best margin of a
start counts.

Left out: the gamma distribution, which takes no time.
"""

import torch

STEPS = 300


def margins(net, pixels, label):
    """`[images]`: the class's logit less the largest other one."""
    logits = net(pixels)
    others = logits.clone()
    others[:, label] = -torch.inf
    return logits[:, label] - others.amax(1)


def start(shape, count, random):
    return torch.rand(count, *shape, generator=random).requires_grad_()


def paper(net, shape, label, random):
    """(largest margin, steps) of a class."""
    pixels = start(shape, 30, random)
    last = None
    for step in range(1, STEPS + 1):
        optimiser = torch.optim.SGD([pixels], lr=0.01, momentum=0.2)
        optimiser.zero_grad()
        reached = margins(net, pixels.clamp(0, 1), label)
        loss = -reached.sum()
        loss.backward()
        optimiser.step()
        now = loss.item()
        if last is not None and abs(now - last) < 1e-5 * abs(last):
            break
        last = now
    return float(reached.max()), step


def standard(net, shape, label, random):
    """(largest margin, steps) of a class."""
    pixels = start(shape, 16, random)
    optimiser = torch.optim.Adam([pixels], lr=0.05, betas=(0.5, 0.9), eps=1e-18)
    best = torch.full((16,), -torch.inf)
    course = []
    for step in range(1, STEPS + 1):
        optimiser.zero_grad()
        reached = margins(net, pixels, label)
        (-reached.sum()).backward()
        optimiser.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
        best = torch.maximum(best, reached.detach())
        course.append((float(best.max()), float(best.mean())))
        if len(course) > 10 and all(now - before <= 0.01 * abs(now) for now, before in zip(course[-1], course[-11])):
            break
    return course[-1][0], step


SEARCHES = {"paper": paper, "standard": standard}
