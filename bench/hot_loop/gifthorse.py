"""The loop that is timed, in gifthorse: a process of `crates/gifthorse-engine/examples/hot_loop.rs`."""

import json
import subprocess

import numpy as np
import torch

from attack import COST, TARGET


class GifthorseLoop:
    """gifthorse on one ONNX file and batch; arrays are handed over as files in `folder`."""

    name = "gifthorse f32"

    def __init__(self, binary, model, images, mask, pattern, threads, folder):
        files = []
        for name, value in (("images", images), ("mask", mask), ("pattern", pattern)):
            files.append(folder / f"{name}.npy")
            np.save(files[-1], value.numpy())
        words = [binary, model, *files, TARGET, COST, threads]
        self.shapes = mask.shape, pattern.shape
        self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the hot_loop example ended with status {self.process.wait()} on `{request}`")
        return json.loads(answer)

    def gradient(self):
        """(loss, gradient to mask, gradient to pattern) where the search starts."""
        answer = self.ask("gradient")
        values = (torch.tensor(answer[name]) for name in ("mask", "pattern"))
        return answer["loss"], *(v.reshape(shape) for v, shape in zip(values, self.shapes))

    def run(self, count):
        """Milliseconds of each of `count` further steps."""
        return self.ask(f"run {count}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
