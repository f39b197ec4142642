#!/usr/bin/env python3
"""Times the loop of a backdoor scan in gifthorse and in PyTorch, turn by turn, as Markdown tables.

    cargo build --release -p gifthorse-engine --example hot_loop
    python bench/hot_loop --nets gtsrb resnet18 --batches 32 128 --threads 1 2

One step is x' = (1 - m) x + m p for a mask m and a pattern p in tanh space, the cross-entropy of f(x') to a target class
plus 0.001 |m|_1, the gradient to mask and pattern, and a step of Adam; the weights of f never change. All run the same
network, images and starting point, and first have to agree on loss and gradient with PyTorch in f64. Then they take
turns, in another order every round, and medians over all steps but the first of each turn are compared. Fails if somebody
computes something else.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

import torch

import nets
from attack import VARIANTS, TorchLoop, reference, start
from gifthorse import GifthorseLoop

# Largest relative error of the loss, and of the gradients in L2 norm, for f32 and for bf16. A unit at the kink of a ReLU
# may fall on either side of it, so that gradients differ by more than rounding; a wrong one is off by about its length.
LIMITS = {"f32": (1e-5, 2e-2), "bf16": (5e-2, 5e-1)}
# Seconds without work before each turn: PyTorch's threads spin for a while after theirs.
PAUSE = 0.25


def parse():
    parser = argparse.ArgumentParser(prog="bench/hot_loop", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=nets.NETS, default=["gtsrb", "resnet18"])
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--iterations", type=int, default=5, help="steps in a turn")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="; ".join(
        f"{name}: {what}" for name, what in VARIANTS.items()))
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 steps: shows that it works, measures little")
    parser.add_argument("--binary", type=pathlib.Path, default="target/release/examples/hot_loop")
    parser.add_argument("--cache", type=pathlib.Path, help="folder for the exported networks",
                        default=pathlib.Path.home() / ".cache" / "gifthorse-bench")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds = arguments.iterations = 2
    if not arguments.binary.exists():
        parser.error(f"{arguments.binary} does not exist: build it as --help says, or name it with --binary")
    return arguments


def relative(value, expected):
    return float((value.double() - expected).norm() / expected.norm())


def errors(loop, expected):
    """Relative errors of the loss and of the gradients to mask and pattern."""
    loss, *gradients = loop.gradient()
    return [abs(loss - expected[0]) / abs(expected[0]), *map(relative, gradients, expected[1:])]


def within_limits(loop, found):
    loss, gradient = LIMITS["bf16" if "bf16" in loop.name else "f32"]
    # Not `>`: an error that is not a number is an error.
    return found[0] <= loss and found[1] <= gradient and found[2] <= gradient


def take_turns(loops, rounds, iterations):
    """All times of each, by name; the order moves on by one every round."""
    times = {loop.name: [] for loop in loops}
    for turn in range(rounds):
        for place in range(len(loops)):
            loop = loops[(turn + place) % len(loops)]
            time.sleep(PAUSE)
            loop.run(1)
            times[loop.name] += loop.run(iterations)
    return times


def compare(name, batch, threads, arguments):
    """Rows of the two tables, and whether all agree."""
    torch.set_num_threads(threads)
    net, shape = nets.build(name), nets.NETS[name][1]
    images, (mask, pattern) = nets.images(batch, shape), start(shape)
    with tempfile.TemporaryDirectory() as folder:
        ours = GifthorseLoop(arguments.binary, nets.onnx_file(name, arguments.cache), images, mask, pattern, threads,
                             pathlib.Path(folder))
        loops = [ours, *(TorchLoop(v, net, images, mask, pattern) for v in arguments.variants)]
        expected = reference(net, images, mask, pattern)
        found = {loop.name: errors(loop, expected) for loop in loops}
        agree = [within_limits(loop, found[loop.name]) for loop in loops]
        times = take_turns(loops, arguments.rounds, arguments.iterations)
        ours.close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    our_time = medians.pop(ours.name)
    key = f"| {name} | {batch} | {threads} |"
    shown = [f"{ms:.1f} ({ms / our_time:.2f}x)" for ms in medians.values()]
    timing = f"{key} {our_time:.1f} | " + " | ".join(shown) + " |"
    lines = [f"{key} {who} | " + " | ".join(f"{e:.1e}" for e in values) + ("" if good else " **off**") + " |"
             for (who, values), good in zip(found.items(), agree)]
    return timing, lines, all(agree)


def processor():
    """Whether the processor has tiles for bf16, without which bf16 is seldom PyTorch's quickest."""
    try:
        words = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "Whether this processor has AMX is not known."
    return "This processor has AMX." if "amx_bf16" in words else "This processor has no AMX: bf16 has no tiles to run on."


def header(*cells):
    return "| " + " | ".join(cells) + " |\n" + "|---" * len(cells) + "|"


def main():
    arguments = parse()
    rows, checks, sound = [], [], True
    for name in arguments.nets:
        for batch in arguments.batches:
            for threads in arguments.threads:
                row, lines, agree = compare(name, batch, threads, arguments)
                rows.append(row)
                checks += lines
                sound &= agree
                print(row, *lines, sep="\n", file=sys.stderr, flush=True)
    print(f"Milliseconds a step, median of {arguments.rounds} turns of {arguments.iterations} steps; in brackets how many"
          f" times longer than gifthorse, which computes in f32 beside every column. {processor()}\n")
    print(header("net", "batch", "threads", "gifthorse f32", *(f"PyTorch {v}" for v in arguments.variants)))
    print("\n".join(rows))
    print("\nRelative errors against PyTorch in f64, where the search starts; gradients in L2 norm.\n")
    print(header("net", "batch", "threads", "who", "loss", "gradient to mask", "gradient to pattern"))
    print("\n".join(checks))
    for name in arguments.variants:
        print(f"\n`{name}`: PyTorch {torch.__version__} {VARIANTS[name]}.")
    if not sound:
        sys.exit("some do not compute the same: see **off** above")


main()
