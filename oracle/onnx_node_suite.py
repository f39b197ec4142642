"""What gifthorse makes of the node test cases of the `onnx` package: python onnx_node_suite.py RUN_CASES [TABLE.md]

RUN_CASES is the built example of that name (`cargo build --release -p gifthorse-engine --example run_cases`). Each
output of each case is one row of scores (`wrapped_case.py`), compared with the case's own expected output to 1e-4 of
its largest number (1e-3 in float16, 8e-3 in bfloat16). Where they differ and onnxruntime gives what gifthorse gives, the
case counts as passed, and the table says so. Prints every wrong result and every panic, and ends with an error if
there is one; writes a table of operators to TABLE.md, or prints it.
"""

import collections
import json
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnxruntime
from onnx.backend.test.case.node import collect_testcases

from wrapped_case import CannotWrap, agrees, wrap

# Operators that no image classifier computes its scores with, and why.
LEFT_OUT = {
    "text": "StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer LabelEncoder",
    "sequences and optional values": "OptionalGetElement OptionalHasElement SequenceInsert SequenceMap SequenceEmpty "
    "SplitToSequence SequenceLength Loop Scan",
    "training and losses": "Adagrad Adam Momentum NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "random numbers": "Bernoulli RandomUniformLike training_dropout",
    "sound and signals": "BlackmanWindow HammingWindow HannWindow MelWeightMatrix DFT STFT",
    "not of ONNX's own domain": "ArrayFeatureExtractor Binarizer TreeEnsemble FlexAttention",
    "image files": "ImageDecoder",
    "the shape of the result depends on the image": "NonMaxSuppression NonZero Unique Compress",
    "language models": "Attention RotaryEmbedding TensorScatter CausalConvWithState LinearAttention",
    "recurrent networks": "GRU LSTM RNN",
}
REASON = {operator: reason for reason, operators in LEFT_OUT.items() for operator in operators.split()}


def operator_of(case, named):
    """The operator that a case is about: an expanded case is about the one that it is the definition of."""
    plain = re.sub(r"_expanded.*$", "", case.name)
    if case.name.startswith("test_training_dropout"):
        return "training_dropout"
    nodes = named[plain if plain in named else case.name].model.graph.node
    return nodes[-1].op_type if len(nodes) == 1 else "+".join(dict.fromkeys(n.op_type for n in nodes))


def rows():
    """(operator, name, Wrapped or the reason why not) of every output of every case."""
    cases = collect_testcases(None)
    named = {case.name: case for case in cases}
    for case in cases:
        operator = operator_of(case, named)
        for output in range(len(case.model.graph.output)):
            name = case.name.removeprefix("test_") + (f" output {output + 1}" if output else "")
            if operator in REASON:
                yield operator, name, REASON[operator]
                continue
            try:
                yield operator, name, wrap(case, output)
            except CannotWrap as reason:
                yield operator, name, str(reason)


def run(program, wrapped):
    """What the engine gives for each: an array, or a string that says why none."""
    with tempfile.TemporaryDirectory() as folder:
        cases, results = f"{folder}/cases.json", f"{folder}/results.json"
        with open(cases, "w") as file:
            json.dump([{"model": w.model.hex(), "input": w.x.astype("<f4").tobytes().hex()} for w in wrapped], file)
        subprocess.run([program, cases, results], check=True, stderr=subprocess.DEVNULL)
        with open(results) as file:
            outcomes = json.load(file)
    return [np.frombuffer(bytes.fromhex(o["Logits"]), "<f4") if "Logits" in o else o for o in outcomes]


def by_onnxruntime(wrapped):
    """What onnxruntime gives for the same model, or None if it does not run it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(wrapped.model, options, providers=["CPUExecutionProvider"])
        return session.run(None, {session.get_inputs()[0].name: wrapped.x.reshape(1, -1)})[0].reshape(-1)
    except Exception:  # whatever it refuses
        return None


def general(reason):
    """A refusal without what differs from case to case."""
    reason = re.sub(r"^node `[^`]*`: ", "", reason)
    reason = re.sub(r"operator (\S+) \(domain `(.*?)`, opset \d+\) is not supported", r"\1 is not supported", reason)
    reason = re.sub(r"\(opset \d+\), attribute or input ", "", reason)
    reason = re.sub(r" \(number \d+ in ONNX\)| \(\w+, operator set `ai.onnx` version \d+\)|node `[^`]*`", "", reason)
    return re.sub(r"(of the value |the value |output )`[^`]*`", r"\1", reason).strip()


def main():
    warnings.simplefilter("ignore")
    program, *table = sys.argv[1:]
    everything = list(rows())
    runs = [row for row in everything if not isinstance(row[2], str)]
    results = dict(zip([name for _, name, _ in runs], run(program, [w for _, _, w in runs]), strict=True))
    counts = collections.defaultdict(collections.Counter)
    reasons = collections.defaultdict(collections.Counter)
    wrong = []
    for operator, name, wrapped in everything:
        got = results.get(name)
        if isinstance(wrapped, str):
            verdict, reason = "skipped", wrapped
        elif isinstance(got, dict):
            verdict, reason = "refused", general(got["Refused"])
        elif isinstance(got, np.ndarray) and agrees(got, wrapped.expected, wrapped.tolerance):
            verdict, reason = "passed", None
        elif (isinstance(got, np.ndarray) and (other := by_onnxruntime(wrapped)) is not None
              and agrees(got, other, wrapped.tolerance)):
            verdict, reason = "passed", f"as onnxruntime gives it, not as the case says: {name}"
        else:
            verdict, reason = "wrong", name
            wrong.append(f"{name}: {got if isinstance(got, str) else (got[:8], wrapped.expected[:8])}")
        counts[operator][verdict] += 1
        if reason:
            reasons[operator][f"{verdict}: {reason}"] += 1
    lines = ["| operator | passed | refused | wrong | skipped | why refused or skipped |", "|---|---|---|---|---|---|"]
    for operator in sorted(counts):
        why = "; ".join(f"{reason} ({count})" for reason, count in reasons[operator].most_common())
        c = counts[operator]
        lines.append(f"| {operator} | {c['passed']} | {c['refused']} | {c['wrong']} | {c['skipped']} | {why.replace('|', '/')} |")
    total = sum(counts.values(), collections.Counter())
    lines.append(f"| all {len(counts)} | {total['passed']} | {total['refused']} | {total['wrong']} | {total['skipped']} | |")
    text = "\n".join(lines) + "\n"
    if table:
        with open(table[0], "w") as file:
            file.write(text)
    else:
        print(text)
    print(f"{sum(total.values())} outputs of cases: {dict(total)}")
    if wrong:
        sys.exit("wrong:\n" + "\n".join(wrong))


main()
