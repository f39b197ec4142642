"""Puts `gifthorse guard` in front of MLServer and asks both with tritonclient: bench/guard_mlserver.py --help

Checks that what passes is the same with and without the guard, over REST in JSON and over gRPC, and
what each mode does with stamped images; then measures requests a second and latencies, with and
without the guard, of 1 and of 64 clients. Prints Markdown. All traffic stays on 127.0.0.1, and ends
after --seconds for each line. MLServer does not read binary tensors over REST; those are for the
tests in Rust.
"""

import argparse
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException

RUNTIME = '''
import numpy as np, onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Onnx(MLModel):
    """An ONNX file of one input and one output, on one thread."""

    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, request):
        source, sink = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        images = self.decode(request.inputs[0], default_codec=NumpyCodec)
        (scores,) = self.session.run([sink], {source: images.astype(np.float32)})
        outputs = [NumpyCodec.encode_output(sink, scores)]
        return InferenceResponse(model_name=self.name, model_version="1", id=request.id, outputs=outputs)
'''
NAME = "signs"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(port, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"a server ended with status {process.returncode}")
        try:
            path = f"http://127.0.0.1:{port}/v2/models/{NAME}/ready"
            urllib.request.urlopen(path, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("a server did not become ready within a minute")


class Server:
    """MLServer with one model; its ports are `http` and `grpc`."""

    def __init__(self, folder, model):
        self.http, self.grpc, metrics = free_port(), free_port(), free_port()
        with open(os.path.join(folder, "onnx_runtime.py"), "w") as file:
            file.write(RUNTIME)
        settings = {"host": "127.0.0.1", "http_port": self.http, "grpc_port": self.grpc, "metrics_port": metrics,
                    "debug": False, "parallel_workers": 0}
        described = {"name": NAME, "implementation": "onnx_runtime.Onnx", "parameters": {"uri": model}}
        for name, content in [("settings.json", settings), ("model-settings.json", described)]:
            with open(os.path.join(folder, name), "w") as file:
                json.dump(content, file)
        log = open(os.path.join(folder, "mlserver.log"), "w")
        command = [os.path.join(os.path.dirname(sys.executable), "mlserver"), "start", folder]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        atexit.register(self.process.kill)
        wait_until_ready(self.http, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Guard:
    """The guard in a mode; REST and gRPC have the same port."""

    def __init__(self, args, server, mode, more=()):
        command = [args.gifthorse, "guard", "--filter", args.filter, "--upstream", f"http://127.0.0.1:{server.http}",
                   "--grpc-upstream", f"http://127.0.0.1:{server.grpc}", "--listen", "127.0.0.1:0",
                   "--admin", "127.0.0.1:0", "--model", NAME, "--mode", mode, "--log-level", "warn", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.http = self.grpc = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.metrics = self.process.stdout.readline().rsplit(" ", 1)[1].strip()

    def metric(self, name):
        lines = urllib.request.urlopen(self.metrics).read().decode().splitlines()
        found = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(name + " ")]
        return float(found[0]) if found else 0.0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        assert status == 0, f"the guard ended with status {status}"


def clients(server):
    return (over_http.InferenceServerClient(f"127.0.0.1:{server.http}", concurrency=64),
            over_grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}"))


def http_input(images):
    tensor = over_http.InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images, binary_data=False)
    return [tensor]


def grpc_input(images):
    tensor = over_grpc.InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images)
    return [tensor]


def ask_all(server, images):
    """The scores and the answer over REST and over gRPC."""
    rest, grpc = clients(server)
    answers = [rest.infer(NAME, http_input(images)), grpc.infer(NAME, grpc_input(images))]
    return [(answer.as_numpy("logits"), answer) for answer in answers]


def parameter(answer, name):
    response = answer.get_response()
    if isinstance(response, dict):
        return response.get("parameters", {}).get(name)
    if name not in response.parameters:
        return None
    found = response.parameters[name]
    return getattr(found, found.WhichOneof("parameter_choice"))


def check(what, holds):
    print(f"| {what} | {'yes' if holds else 'NO'} |", flush=True)
    if not holds:
        sys.exit(f"not so: {what}")


def refused(ask):
    try:
        ask()
        return None
    except InferenceServerException as error:
        return str(error)


def check_modes(args, server, clean, stamped):
    print("| checked with tritonclient against MLServer | holds |\n|---|---|")
    mixed = np.concatenate([clean[:3], stamped[:2]])
    truth = [scores for scores, _ in ask_all(server, mixed)]
    for mode in ("shadow", "flag"):
        guard = Guard(args, server, mode)
        rest, grpc = clients(guard)
        direct, direct_grpc = clients(server)
        check(f"{mode}: live, ready and metadata are the server's",
              rest.is_server_live() and rest.is_server_ready() and rest.is_model_ready(NAME)
              and grpc.is_server_live() and grpc.is_server_ready() and grpc.is_model_ready(NAME)
              and rest.get_server_metadata() == direct.get_server_metadata()
              and rest.get_model_metadata(NAME) == direct.get_model_metadata(NAME)
              and grpc.get_model_metadata(NAME) == direct_grpc.get_model_metadata(NAME))
        unknown = [str(refused(lambda c=c: c.infer("other", http_input(clean[:1])))) for c in (rest, direct)]
        check(f"{mode}: an unknown model is the server's own error", unknown[0] == unknown[1] != "None")
        answers = ask_all(guard, mixed)
        check(f"{mode}: the same scores over REST and gRPC",
              all(np.array_equal(ours, theirs) for (ours, _), theirs in zip(answers, truth)))
        flagged = [parameter(answer, "gifthorse_flagged_images") for _, answer in answers]
        if mode == "flag":
            check("flag: the two stamped images are flagged, whichever way they came", flagged == ["3,4"] * 2)
        else:
            check("shadow: answers have no parameters of the guard", flagged == [None] * 2)
            for _ in range(100):
                if guard.metric('gifthorse_guard_images_total{flagged="true"}') == 4:
                    break
                time.sleep(0.05)
        check(f"{mode}: metrics count 4 flagged images of 10",
              guard.metric('gifthorse_guard_images_total{flagged="true"}') == 4
              and guard.metric('gifthorse_guard_images_total{flagged="false"}') == 6)
        guard.stop()
    guard = Guard(args, server, "reject")
    rest, grpc = clients(guard)
    for what, ask in [("REST", lambda images: rest.infer(NAME, http_input(images))),
                      ("gRPC", lambda images: grpc.infer(NAME, grpc_input(images)))]:
        check(f"reject, {what}: a stamped image is refused by its place, clean ones are answered",
              "those at 3,4" in (refused(lambda: ask(mixed)) or "") and refused(lambda: ask(clean[:3])) is None)
    guard.stop()
    guard = Guard(args, server, "safe-label")
    check("safe-label: answers to clean images stay, those to stamped ones are another class",
          all(np.array_equal(ours[:3], theirs[:3]) and (ours[3:].argmax(1) != theirs[3:].argmax(1)).all()
              for (ours, _), theirs in zip(ask_all(guard, mixed), truth)))
    guard.stop()


def load(server, protocol, images, count, seconds):
    """Requests a second, and the latencies in ms at the 50th and 99th percentile."""
    latencies, lock = [], threading.Lock()
    begin = threading.Barrier(count + 1)

    def work():
        rest, grpc = clients(server)
        ask = {"REST": lambda: rest.infer(NAME, http_input(images)), "gRPC": lambda: grpc.infer(NAME, grpc_input(images))}
        mine = []
        begin.wait()
        stop = time.monotonic() + seconds
        while (start := time.monotonic()) < stop:
            ask[protocol]()
            mine.append(time.monotonic() - start)
        with lock:
            latencies.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    begin.wait()
    started = time.monotonic()
    for thread in threads:
        thread.join()
    p50, p99 = np.percentile(np.array(latencies) * 1000, [50, 99])
    return len(latencies) / (time.monotonic() - started), p50, p99


def measure(args, server, image):
    print("\n| protocol | clients | in front of the server | requests/s | p50 ms | p99 ms | added at p50 | at p99 |")
    print("|---|---|---|---|---|---|---|---|")
    guards = [("nothing", None), ("guard, shadow", "shadow"), ("guard, flag", "flag"), ("guard, reject", "reject")]
    for protocol in ("REST", "gRPC"):
        for count in (1, 64):
            running = [(what, server if mode is None else Guard(args, server, mode)) for what, mode in guards]
            rounds = {what: [] for what, _ in running}
            # In turn, so that a machine that drifts does so for all.
            for _ in range(args.rounds):
                for what, target in running:
                    rounds[what].append(load(target, protocol, image, count, args.seconds))
            middle = {what: np.median(found, axis=0) for what, found in rounds.items()}
            for what, target in running:
                rate, p50, p99 = middle[what]
                added = ("", "") if what == "nothing" else (f"{p50 - middle['nothing'][1]:.2f}",
                                                            f"{p99 - middle['nothing'][2]:.2f}")
                print(f"| {protocol} | {count} | {what} | {rate:.0f} | {p50:.2f} | {p99:.2f} | {added[0]} | {added[1]} |",
                      flush=True)
                if target is not server:
                    target.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gifthorse", required=True, help="the program")
    parser.add_argument("--model", required=True, help="an ONNX file that takes 'image' and gives 'logits'")
    parser.add_argument("--filter", required=True, help="what `gifthorse filter fit` wrote for it")
    parser.add_argument("--clean", required=True, help="an .npz of clean images [N, C, H, W], as bytes")
    parser.add_argument("--trigger", required=True, help="a picture, transparent where the trigger is not")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line and round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is told [%(default)s]")
    args = parser.parse_args()
    for name in ("gifthorse", "model", "filter"):
        setattr(args, name, os.path.abspath(getattr(args, name)))

    from PIL import Image
    clean = np.load(args.clean)["images"].astype(np.float32) / 255
    trigger = np.asarray(Image.open(args.trigger).convert("RGBA"), np.float32).transpose(2, 0, 1) / 255
    stamped = clean * (1 - trigger[3]) + trigger[:3] * trigger[3]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, args.model)
        try:
            # Of either kind the first that the filter and the model take as it should be.
            guard = Guard(args, server, "flag")
            _, through = clients(guard)

            def answer(images):
                marked = through.infer(NAME, grpc_input(np.ascontiguousarray(images)))
                places = parameter(marked, "gifthorse_flagged_images")
                flags = np.isin(np.arange(len(images)), [int(place) for place in places.split(",") if place])
                return marked.as_numpy("logits").argmax(1), flags

            answers, flags = answer(clean[:200])
            led, found = answer(stamped[:200])
            guard.stop()
            print(f"Of 200 clean images {flags.sum()} are flagged, of the same 200 stamped {found.sum()}.\n")
            target = np.bincount(led).argmax()
            is_led = found & (led == target) & (answers != target)
            check_modes(args, server, clean[:200][~flags], stamped[:200][is_led])
            measure(args, server, np.ascontiguousarray(clean[:200][~flags][:1]))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
