"""BTI-DBF (X. Xu et al., ICLR 2024), the inversion of its released program, in eager PyTorch.

The net is cut after its last convolutions into features f and head h. A U-Net G (base 32, four levels, instance norm) first learns to
give images back; then a mask on the features learns to hold what the class hangs on; then G learns to change the features outside of the
mask and to leave images and the features inside as they are, within bounds. The target is the commonest class of what G gives.

Kept: batches of 128, cropped and flipped at random, of 5 % of CIFAR-10's training images, so 20 an epoch; 50, 20 and 30 epochs; Adam with
steps of 0.001 for G and of 0.01 for the mask; the weights of all terms. The bounds 0.3 and 3 are of pixels as the net takes them, where the
program has them normalised. The net stays in evaluation mode, where the program lets its batch norms drift in the second phase. The program
says nothing on whether there is a backdoor: it always names a class.
"""

import torch
import torch.nn.functional as F

from peers import backdoorbench

BATCHES = 20
BATCH = 128
EPOCHS = {"images given back": 50, "mask": 20, "inversion": 30}


class Block(torch.nn.Sequential):
    def __init__(self, inputs, outputs):
        layers = []
        for wide in (inputs, outputs):
            layers += [torch.nn.Conv2d(wide, outputs, 3, padding=1), torch.nn.InstanceNorm2d(outputs), torch.nn.LeakyReLU(0.2)]
        super().__init__(*layers)


class UNet(torch.nn.Module):
    def __init__(self, channels, widths=(32, 64, 128, 256)):
        super().__init__()
        pairs = list(zip((channels, *widths), widths))
        self.down = torch.nn.ModuleList(Block(*pair) for pair in pairs)
        self.wide = torch.nn.ModuleList(torch.nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs[:0:-1])
        self.up = torch.nn.ModuleList(Block(2 * a, a) for a, _ in pairs[:0:-1])
        self.last = torch.nn.Conv2d(widths[0], channels, 1)

    def forward(self, x):
        held = []
        for at, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if at else x)
            held.append(x)
        held.pop()
        for wide, block in zip(self.wide, self.up):
            x = block(torch.cat([held.pop(), wide(x)], 1))
        return self.last(x)


class Inversion:
    """The three phases, an update at a time."""

    def __init__(self, net, images, seed):
        torch.manual_seed(seed)
        self.features, self.head = net.halves()
        self.images, self.random = images, torch.Generator().manual_seed(seed)
        self.generator = UNet(images.shape[1])
        with torch.no_grad():
            shape = self.features(images[:1]).shape
        self.raw = torch.randn(1, *shape[1:]).requires_grad_()
        self.of_generator = torch.optim.Adam(self.generator.parameters(), lr=1e-3)
        self.of_mask = torch.optim.Adam([self.raw], lr=0.01)

    def batch(self):
        chosen = torch.randint(len(self.images), (BATCH,), generator=self.random)
        return backdoorbench.augmented(self.images[chosen], self.random)

    def update(self, phase):
        images = self.batch()
        mask = torch.tanh(self.raw) / 2 + 0.5
        if phase == "mask":
            held = self.features(images)
            named = self.head(held).argmax(1)
            loss = F.cross_entropy(self.head(mask * held), named) - F.cross_entropy(self.head((1 - mask) * held), named)
            return self.step(self.of_mask, loss)
        mask = mask.detach()
        made = self.generator(images)
        before, after = self.features(images), self.features(made)
        apart = F.mse_loss(made, images)
        if phase == "images given back":
            named = self.head(before).softmax(1)
            weight = 1.0 if apart > 0.1 else 0.01
            loss = F.cross_entropy(self.head(after), named) + F.mse_loss(after, before) + weight * apart
        elif apart > 0.3 or F.mse_loss(mask * after, mask * before) > 3:
            loss = apart
        else:
            outside, inside = (1 - mask) * (after - before), mask * (after - before)
            loss = 0.01 * inside.square().mean() - outside.square().mean()
        return self.step(self.of_generator, loss)

    @staticmethod
    def step(optimiser, loss):
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def target(self):
        """The commonest class of what G gives, and its share."""
        with torch.no_grad():
            noisy = self.images + 0.03 * torch.randn(self.images.shape, generator=self.random)
            named = self.head(self.features(self.generator(noisy))).argmax(1)
        label = int(named.mode().values)
        return label, float((named == label).float().mean())
