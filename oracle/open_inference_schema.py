"""Compares the guard's proto/open_inference.proto with the schema that tritonclient carries: python open_inference_schema.py

Says nothing and ends with 0 if every field of the guard's file has there the same number, type and
label. Parameters of the types double and uint64 are of a later version than some clients know.
"""

import os
import re
import sys

from google.protobuf.descriptor import FieldDescriptor as F
from tritonclient.grpc import service_pb2

PROTO = os.path.join(os.path.dirname(__file__), "..", "crates", "gifthorse-guard", "proto", "open_inference.proto")
SCALARS = {F.TYPE_INT64: "int64", F.TYPE_INT32: "int32", F.TYPE_UINT64: "uint64", F.TYPE_UINT32: "uint32",
           F.TYPE_FLOAT: "float", F.TYPE_DOUBLE: "double", F.TYPE_STRING: "string", F.TYPE_BYTES: "bytes",
           F.TYPE_BOOL: "bool"}


def ours():
    found, scope = set(), []
    for line in open(PROTO):
        line = line.split("//")[0].strip()
        if block := re.match(r"(message|oneof) (\w+) {$", line):
            scope.append(block.groups())
        elif line == "}":
            scope.pop()
        elif field := re.match(r"(repeated )?(map<string, \w+>|\w+) (\w+) = (\d+);$", line):
            name = ".".join(name for kind, name in scope if kind == "message")
            found.add((name, field[3], int(field[4]), field[2], bool(field[1])))
    return found


def theirs():
    found = set()

    def read(message, name):
        for field in message.fields:
            kind, repeated = SCALARS.get(field.type), field.is_repeated
            if kind is None and field.message_type.GetOptions().map_entry:
                kind, repeated = f"map<string, {field.message_type.fields_by_name['value'].message_type.name}>", False
            elif kind is None:
                kind = field.message_type.name
            found.add((name, field.name, field.number, kind, repeated))
        for nested in message.nested_types:
            if not nested.GetOptions().map_entry:
                read(nested, f"{name}.{nested.name}")

    for name, message in service_pb2.DESCRIPTOR.message_types_by_name.items():
        read(message, name)
    return found


strange = ours() - theirs()
for line in sorted(strange):
    print("not in the published schema:", *line)
sys.exit(1 if strange or not ours() else 0)
