#!/usr/bin/env python3
"""Runs one peer's search on a model in this process alone, so that its memory is its own, and writes what came out as JSON.

    bench/peer_scan.py backdoorbench --model MODEL.onnx --images IMAGES.npz --out OUT.json

`bench/whole_scan.py` calls it. The clock runs while classes are searched; loading the model
and one update to warm up are not counted.
"""

import argparse
import json
import pathlib
import time

import torch

from peers import art, backdoorbench
from peers import images as image_file
from peers.frozen_net import FrozenNet

PEERS = {"backdoorbench": backdoorbench, "art": art}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--images", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--classes", type=int, nargs="*", help="search only these classes")
    parser.add_argument("--updates-limit", type=int, help="cut each class short after so many updates")
    parser.add_argument("--one-pass", action="store_true", help="BackdoorBench: an epoch is one pass through the images")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    peer = PEERS[arguments.peer]
    images = torch.from_numpy(image_file.read(arguments.images))
    net = FrozenNet(str(arguments.model))
    with torch.no_grad():
        total = net(images[:1]).shape[1]
    classes = list(range(total)) if arguments.classes is None else arguments.classes
    peer.Search(net, images, arguments.seed, arguments.one_pass).run(0, 1)

    search = peer.Search(net, images, arguments.seed, arguments.one_pass)
    found = []
    for label in classes:
        start = time.monotonic()
        norm, reached, updates, ended = search.run(label, arguments.updates_limit)
        seconds = time.monotonic() - start
        found.append(
            {"class": label, "norm": norm, "reached": reached, "updates": updates, "ended": ended, "seconds": seconds}
        )
    result = {
        "peer": arguments.peer,
        "images": len(images),
        "threads": arguments.threads,
        "classes_of_model": total,
        "updates_a_class": peer.published_updates(len(images), arguments.one_pass),
        "classes": found,
    }
    if len(found) == total and all(one["ended"] for one in found):
        norms = {one["class"]: one["norm"] for one in found}
        result["flagged"], result["anomaly_index"] = peer.outliers.verdict(norms, peer.median)
    arguments.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
