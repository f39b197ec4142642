"""How the weight of the mask's norm follows success: the scheme of Neural Cleanse's released program, which both peers took over."""

import math


class Schedule:
    """State of one class's search. `step` is told success and norm of a step and says whether to keep the mask and to stop.

    `resets_always` is a slip of the Adversarial Robustness Toolbox: the weight goes back to its first value after every
    run of good steps, not only while it is zero. It can then never rise, so the search never stops early.
    """

    def __init__(self, threshold, patience, multiplier, early_threshold, early_patience, cost=1e-3, resets_always=False):
        self.threshold, self.patience, self.multiplier = threshold, patience, multiplier
        self.early_threshold, self.early_patience = early_threshold, early_patience
        self.first_cost = self.cost = cost
        self.resets_always = resets_always
        self.set_counter = self.up_counter = self.down_counter = self.early_counter = 0
        self.was_up = self.was_down = False
        self.best = self.early_best = math.inf

    def step(self, success, norm):
        """`success` is a share of images, `norm` the regulariser; gives (keep, stop)."""
        good = success >= self.threshold
        keep = good and norm < self.best
        if keep:
            self.best = norm
        if self.best < math.inf:
            self.early_counter = self.early_counter + 1 if self.best >= self.early_threshold * self.early_best else 0
        self.early_best = min(self.best, self.early_best)
        if self.was_up and self.was_down and self.early_counter >= self.early_patience:
            return keep, True
        self.follow(good)
        return keep, False

    def follow(self, good):
        if good and (self.resets_always or self.cost == 0):
            self.set_counter += 1
            if self.set_counter >= self.patience:
                self.cost = self.first_cost
                self.up_counter = self.down_counter = 0
                self.was_up = self.was_down = False
        else:
            self.set_counter = 0
        self.up_counter, self.down_counter = (self.up_counter + 1, 0) if good else (0, self.down_counter + 1)
        if self.up_counter >= self.patience:
            self.up_counter, self.was_up = 0, True
            self.cost *= self.multiplier
        elif self.down_counter >= self.patience:
            self.down_counter, self.was_down = 0, True
            self.cost /= self.multiplier**1.5
