#!/usr/bin/env python3
"""Times steps of training in gifthorse and in PyTorch, turn by turn, as a Markdown table.

    cargo build --release -p gifthorse-engine --example training_step
    python bench/training

A step is forward, backward with gradients to all weights, and the optimiser's update; dropouts drop and batch norms use the
batch's statistics. PyTorch is eager, in f32. Both have the same network, weights, images and threads, and first have to agree on the loss and on the
gradient to each weight with PyTorch in f64 (without dropout). Then they take turns, and medians over all steps but the first of each
turn are compared. With --processor-time and one thread, the processor time of each turn is compared instead, which other programs
on the machine disturb less (with more threads PyTorch's wait for each other by computing). An epoch is a step's time times the
number of steps: data loading and augmentation are not in it. Fails if they do not compute the same.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

import nets

# Largest relative error of the loss, and of each weight's gradient in L2 norm, against f64. Units at the kink of a ReLU may
# fall on either side of it.
LIMITS = 1e-5, 2e-2
# A gradient that is zero but for rounding (a bias before a batch norm) has no relative error: it is measured against this share of all.
SMALL = 1e-6
# Seconds without work before each turn: PyTorch's threads spin for a while after theirs.
PAUSE = 0.25


def parse():
    parser = argparse.ArgumentParser(prog="bench/training", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=nets.NETS, default=list(nets.NETS))
    parser.add_argument("--threads", nargs="+", type=int, default=[2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, nargs="+", default=[12, 3], help="of a turn, for each net")
    parser.add_argument("--processor-time", action="store_true", help="of one thread, instead of the clock's")
    parser.add_argument("--binary", type=pathlib.Path, default="target/release/examples/training_step")
    arguments = parser.parse_args()
    if not arguments.binary.exists():
        parser.error(f"{arguments.binary} does not exist: build it as --help says, or name it with --binary")
    if arguments.processor_time:
        arguments.threads = [1]
    return arguments


class Ours:
    """`training_step` in a process of its own."""

    def __init__(self, binary, model, images, labels, optimiser, threads, folder):
        self.folder = folder
        numpy.save(folder / "images.npy", images.numpy())
        numpy.save(folder / "labels.npy", labels.numpy())
        command = [binary, model, folder / "images.npy", folder / "labels.npy", optimiser, threads]
        self.process = subprocess.Popen([str(part) for part in command], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, request):
        print(request, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"gifthorse gave no answer to `{request}`")
        return json.loads(answer)

    def gradients(self, shapes):
        answer = self.ask(f"gradient {self.folder / 'gradient.bin'}")
        flat = torch.from_numpy(numpy.fromfile(self.folder / "gradient.bin", "<f4"))
        sizes = [shapes[name].numel() for name in answer["names"]]
        parts = zip(answer["names"], flat.split(sizes))
        return answer["loss"], {name: part.view(shapes[name]) for name, part in parts}

    def run(self, steps):
        return self.ask(f"run {steps}")

    def processor_time(self):
        """Milliseconds that the process has computed so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Torch:
    def __init__(self, net, images, labels, optimiser):
        self.net, self.images, self.labels = net, images, labels
        self.optimiser = (torch.optim.Adam(net.parameters()) if optimiser == "adam" else
                          torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4))

    def run(self, steps):
        times = []
        for _ in range(steps):
            began = time.perf_counter()
            self.optimiser.zero_grad()
            functional.cross_entropy(self.net(self.images), self.labels).backward()
            self.optimiser.step()
            times.append((time.perf_counter() - began) * 1e3)
        return times

    def processor_time(self):
        return time.process_time() * 1e3


def reference(name, images, labels):
    """Loss and gradients in f64, without dropout."""
    net = nets.build(name).double()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    loss = functional.cross_entropy(net(images.double()), labels)
    loss.backward()
    return loss.item(), {name: value.grad for name, value in net.named_parameters()}


def errors(given, expected):
    """Relative error of the loss, and the largest of a gradient."""
    (loss, gradients), (true_loss, true_gradients) = given, expected
    if gradients.keys() != true_gradients.keys():
        sys.exit(f"gradients to {sorted(gradients.keys() ^ true_gradients.keys())} are missing on one side")
    whole = torch.stack([value.norm() for value in true_gradients.values()]).norm()
    relative = lambda name, true: (gradients[name].double() - true).norm() / max(true.norm(), SMALL * whole)
    return abs(loss - true_loss) / true_loss, float(max(relative(*item) for item in true_gradients.items()))


def compare(name, threads, steps, arguments):
    """A row of the table, and whether both compute the same."""
    torch.set_num_threads(threads)
    _, shape, classes, batch, optimiser, epoch = nets.NETS[name]
    generator = torch.Generator().manual_seed(nets.SEED)
    images = torch.rand(batch, *shape, generator=generator)
    labels = torch.randint(classes, (batch,), generator=generator)
    net = nets.build(name)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        nets.write(name, net, folder / "net.onnx")
        ours = Ours(arguments.binary, folder / "net.onnx", images, labels, optimiser, threads, folder)
        shapes = {name: value.shape for name, value in net.named_parameters()}
        found = errors(ours.gradients(shapes), reference(name, images, labels))
        loops = [ours, Torch(net, images, labels, optimiser)]
        times = [[], []]
        for turn in range(arguments.rounds):
            for place in (0, 1):
                which = (turn + place) % 2
                time.sleep(PAUSE)
                loops[which].run(1)
                before = loops[which].processor_time()
                taken = loops[which].run(steps)
                if arguments.processor_time:
                    taken = [(loops[which].processor_time() - before) / steps]
                times[which] += taken
        ours.close()
    our_ms, torch_ms = map(statistics.median, times)
    count = -(-epoch // batch)
    seconds = [f"{ms * count / 1e3:.0f}" for ms in (our_ms, torch_ms)]
    good = not (found[0] > LIMITS[0] or found[1] > LIMITS[1])
    row = (f"| {name} | {batch} | {threads} | {our_ms:.1f} | {torch_ms:.1f} | {torch_ms / our_ms:.2f} | {seconds[0]} | {seconds[1]}"
           f" | {found[0]:.1e} | {found[1]:.1e}{'' if good else ' **off**'} |")
    return row, good


def main():
    arguments = parse()
    columns = ["net", "batch", "threads", "gifthorse", "PyTorch", "ratio", "gifthorse", "PyTorch", "loss", "gradient"]
    measured = "Milliseconds of processor time" if arguments.processor_time else "Milliseconds"
    print(f"{measured} a step (median of {arguments.rounds} turns), how many times longer PyTorch {torch.__version__} takes,"
          " seconds of an epoch of as many steps, and gifthorse's relative errors against f64.\n")
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)
    sound = True
    for i, name in enumerate(arguments.nets):
        for threads in arguments.threads:
            steps = arguments.steps[min(i, len(arguments.steps) - 1)]
            row, good = compare(name, threads, steps, arguments)
            print(row, flush=True)
            sound &= good
    if not sound:
        sys.exit("they do not compute the same: see **off** above")


main()
