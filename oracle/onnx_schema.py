"""Compares the crate's proto/onnx.proto with the schema that the onnx package carries: python onnx_schema.py

Says nothing and ends with 0 if every message, enumeration, field, number, type and label agrees.
"""

import os
import re
import sys

import onnx
from google.protobuf.descriptor import FieldDescriptor as F

PROTO = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-onnx", "proto", "onnx.proto")
SCALARS = {F.TYPE_INT64: "int64", F.TYPE_INT32: "int32", F.TYPE_UINT64: "uint64", F.TYPE_FLOAT: "float",
           F.TYPE_DOUBLE: "double", F.TYPE_STRING: "string", F.TYPE_BYTES: "bytes"}
# Not part of the crate's file: it reads any version, and nothing of a model uses the other one.
UNUSED = {"Version", "OperatorStatus"}


def ours():
    found, scope = set(), []
    for line in open(PROTO):
        line = line.split("//")[0].strip()
        if block := re.match(r"(message|enum|oneof) (\w+) {$", line):
            scope.append(block.groups())
        elif line == "}":
            scope.pop()
        elif value := re.match(r"(\w+) = (\d+);$", line):
            found.add((name(scope), value[1], int(value[2]), "enum value", ""))
        elif field := re.match(r"(?:(optional|repeated) )?(\w+) (\w+) = (\d+)( \[packed = true\])?;$", line):
            label = field[1] or "oneof " + scope[-1][1]
            found.add((name(scope), field[3], int(field[4]), field[2], label + (" packed" if field[5] else "")))
    return found


def name(scope):
    return ".".join(name for kind, name in scope if kind != "oneof")


def theirs():
    found = set()

    def enum(descriptor, prefix):
        for value in descriptor.values:
            found.add((prefix + descriptor.name, value.name, value.number, "enum value", ""))

    def message(descriptor, prefix):
        full = prefix + descriptor.name
        for field in descriptor.fields:
            if field.message_type or field.enum_type:
                kind = (field.message_type or field.enum_type).name
            else:
                kind = SCALARS[field.type]
            if field.containing_oneof:
                label = "oneof " + field.containing_oneof.name
            else:
                label = "repeated" if field.is_repeated else "optional"
            packed = field.has_options and field.GetOptions().packed
            found.add((full, field.name, field.number, kind, label + (" packed" if packed else "")))
        for nested in descriptor.nested_types:
            message(nested, full + ".")
        for nested in descriptor.enum_types:
            enum(nested, full + ".")

    file = onnx.ModelProto.DESCRIPTOR.file
    for descriptor in file.message_types_by_name.values():
        message(descriptor, "")
    for descriptor in file.enum_types_by_name.values():
        if descriptor.name not in UNUSED:
            enum(descriptor, "")
    return found


if __name__ == "__main__":
    a, b = ours(), theirs()
    for entry in sorted(a ^ b, key=str):
        print("only in onnx.proto:" if entry in a else "missing in onnx.proto:", entry)
    assert len(a) > 150, "onnx.proto was not understood"
    sys.exit(a != b)
