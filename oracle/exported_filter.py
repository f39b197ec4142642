"""Does onnxruntime give the scores, flags and labels that `filter run` gives, from the file that `filter export` wrote?

    gifthorse filter run FILTER.json --images IMAGES.npz --json > scores.json
    gifthorse filter export FILTER.json -o guarded.onnx
    oracle/exported_filter.py guarded.onnx IMAGES.npz scores.json

IMAGES.npz has `images`, [images, channels, height, width], already as the model takes them.
"""

import json
import sys

import numpy as np
import onnxruntime


def main(model: str, images: str, scores: str) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    pixels = np.load(images)["images"].astype(np.float32)
    feed = session.get_inputs()[0]
    names = [output.name for output in session.get_outputs()]
    print("outputs:", ", ".join(names))
    parts = [session.run(names, {feed.name: pixels[at : at + 1]}) for at in range(len(pixels))]
    found = {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(names)}
    told = json.load(open(scores))
    wanted = np.array(told["scores"])
    score, flagged = found["gifthorse_score"][:, 0], found["gifthorse_flagged"][:, 0]
    worst = np.max(np.abs(score - wanted) / np.maximum(1.0, np.abs(wanted)))
    same = np.array([verdict["flagged"] for verdict in told["verdicts"]]) == flagged
    print(f"{len(pixels)} images: largest relative difference {worst:.2e}, {same.sum()} flags alike")
    if "gifthorse_label" in found:
        wanted = [v["safe_label"] if v["flagged"] else v["answer"] for v in told["verdicts"]]
        labels = found["gifthorse_label"][:, 0] == np.array(wanted)
        print(f"{labels.sum()} labels alike, {flagged.sum()} of them safe labels")
        same &= labels
    if worst > 1e-4 or not same.all():
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
