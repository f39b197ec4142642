"""Does onnxruntime answer as the truth says, from files that `gifthorse plant --implant` wrote?

    oracle/implanted_files.py GIFTHORSE FOLDER IMAGES.npz [FACTOR OFFSET]

For each NAME.onnx with a NAME.truth.json in FOLDER: accuracy and attack success by onnxruntime on IMAGES.npz (`images`,
[images, channels, height, width] in [0, 1] or bytes, and `labels`) beside those of the truth, and the largest difference of the
logits from `gifthorse logits`, clean and stamped, over the largest logit. Triggers are patterns, stamped here by themselves. A
model's input is FACTOR times the pixel plus OFFSET, in whatever order of axes it declares.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

# Shares of several thousand images that are the same but for one image.
CLOSE = 1e-3


def stamped(images, trigger):
    """A pattern of light and dark pixels near a corner or at a place."""
    rows = trigger["rows"]
    height, width = len(rows), len(rows[0])
    place = trigger["place"]
    if "at" in place:
        top, left = place["at"]["row"], place["at"]["column"]
    else:
        corner, margin = place["corner"]["corner"], place["corner"]["margin"]
        top = margin if "top" in corner else images.shape[2] - height - margin
        left = margin if "left" in corner else images.shape[3] - width - margin
    made = images.copy()
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell != "-":
                colour = np.array(trigger["light"] if cell == "1" else trigger["dark"], np.float32)
                made[:, :, top + y, left + x] = colour
    return made


class File:
    def __init__(self, program, path, factor, offset):
        self.program, self.path, self.factor, self.offset = program, path, factor, offset
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]

    def raw(self, images):
        raw = (self.factor * images + self.offset).astype(np.float32)
        shape = self.input.shape[1:]
        if len(shape) == 3 and shape[-1] in (1, 3) and shape[0] not in (1, 3):
            raw = raw.transpose(0, 2, 3, 1)
        return raw.reshape(len(raw), *shape)

    def logits(self, images):
        whole = not isinstance(self.input.shape[0], int)
        parts = [images] if whole else np.split(images, len(images))
        return np.concatenate([self.session.run(None, {self.input.name: self.raw(part)})[0] for part in parts])

    def engine(self, images):
        with tempfile.TemporaryDirectory() as folder:
            given, made = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
            np.save(given, np.ascontiguousarray(self.raw(images)))
            subprocess.run([self.program, "logits", self.path, "--input", given, "--out", made], check=True, capture_output=True)
            return np.load(made)


def row(file, truth, images, labels):
    """Accuracy and success twice, the worst difference, and whether all of that is as it should be."""
    clean = file.logits(images)
    accuracy = (clean.argmax(1) == labels).mean()
    fits = abs(accuracy - truth["clean_accuracy"]) < CLOSE
    worst, successes = 0.0, []
    sets = [(images, clean)]
    for backdoor in truth["backdoors"]:
        target = backdoor["labels"]["target"]
        with_it = stamped(images, backdoor["trigger"])
        logits = file.logits(with_it)
        sets.append((with_it, logits))
        success = (logits.argmax(1) == target)[labels != target].mean()
        told = backdoor["effect"]["with_trigger"]["other_classes"]
        fits = fits and abs(success - told) < CLOSE
        successes.append(f"{100 * success:.2f} ({100 * told:.2f})")
    for some, logits in sets:
        engine = file.engine(some[:64])
        logits = logits[:64]
        # Behind scores that were turned into probabilities, logits differ by a number for each image.
        if not np.allclose(engine, logits, atol=1e-2 * abs(logits).max()):
            logits, engine = (x - x.max(1, keepdims=True) for x in (logits, engine))
            engine = engine - np.log(np.exp(engine).sum(1, keepdims=True)) + np.log(np.exp(logits).sum(1, keepdims=True))
        worst = max(worst, float(abs(engine - logits).max() / max(abs(logits).max(), 1e-6)))
    shown = f"{100 * accuracy:.2f} ({100 * truth['clean_accuracy']:.2f}) | {', '.join(successes)} | {worst:.1e}"
    return shown, fits and worst < 1e-4


def main(program, folder, images, factor="1", offset="0"):
    held = np.load(images)
    pixels, labels = held["images"], held["labels"]
    pixels = pixels.astype(np.float32) / (255 if pixels.dtype == np.uint8 else 1)
    print("| file | CA (truth) | ASR (truth) | relative difference |\n|---|---|---|---|", flush=True)
    wrong = 0
    for name in sorted(f.removesuffix(".truth.json") for f in os.listdir(folder) if f.endswith(".truth.json")):
        truth = json.load(open(os.path.join(folder, f"{name}.truth.json")))
        file = File(program, os.path.join(folder, f"{name}.onnx"), float(factor), float(offset))
        shown, fits = row(file, truth, pixels, labels)
        wrong += not fits
        print(f"| {name} | {shown} |{'' if fits else ' differs'}", flush=True)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
