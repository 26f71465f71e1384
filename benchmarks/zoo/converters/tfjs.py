"""TensorFlow.js models: the weight files of both kinds, and graph models as frozen graphs that OpenVINO reads.

A GraphDef is a protocol buffer; its few fields are written here by hand, so that TensorFlow is not needed.
Source of the field numbers: graph, node_def, attr_value, tensor, tensor_shape and types .proto of TensorFlow.
"""

import base64
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo.network import Array
from calibench.errors import ModelError

TYPES = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_STRING": 7, "DT_INT64": 9, "DT_BOOL": 10}
TYPE_OF_ARRAY = {"float32": 1, "int32": 3, "int64": 9, "bool": 10}
PRODUCER = 808  # version of the graph format that the reader shall assume
FUSED = "Fused"  # in the name of an operation that TensorFlow.js made out of several


def read_weights(topology: Path) -> dict[str, Array]:
    """All weights of a model, widened to float32, int32 or bool.

    Args:
        topology: the `.json` file; its weight files stand beside it.

    Raises:
        ModelError: the weights are stored as integers with a scale (no FP32 model), or a file is too short.
    """
    weights: dict[str, Array] = {}
    for group in json.loads(topology.read_text("utf-8"))["weightsManifest"]:
        raw, offset = b"".join((topology.parent / path).read_bytes() for path in group["paths"]), 0
        for entry in group["weights"]:
            stored = np.dtype(_stored_type(topology, entry))
            size = int(np.prod(entry["shape"], dtype=np.int64)) * stored.itemsize
            if offset + size > len(raw):
                raise ModelError(f"{topology}: the weight files end before {entry['name']}.")
            values = np.frombuffer(raw[offset : offset + size], stored).astype(entry["dtype"])
            weights[entry["name"]] = values.reshape(entry["shape"])
            offset += size
    return weights


def frozen_graph(topology: Path) -> bytes:
    """A graph model as a binary GraphDef with its weights inside.

    Raises:
        ModelError: it has fused operations, which TensorFlow.js alone knows, or see `read_weights`.
    """
    weights = read_weights(topology)
    nodes = json.loads(topology.read_text("utf-8"))["modelTopology"]["node"]
    fused = sorted({node["op"] for node in nodes if FUSED in node["op"]})
    if fused:
        raise ModelError(f"{topology}: fused operations are not supported: {', '.join(fused)}.")
    parts = [_field(1, _node(node, weights)) for node in nodes]
    return b"".join(parts) + _field(4, _number(1, PRODUCER))


def _stored_type(topology: Path, entry: Mapping[str, Any]) -> str:
    stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
    if stored in ("uint8", "uint16"):
        raise ModelError(f"{topology}: {entry['name']} is stored as {stored} with a scale; this is no FP32 model.")
    return str(stored)


def _node(node: Mapping[str, Any], weights: Mapping[str, Array]) -> bytes:
    """A NodeDef: name, op, inputs, attributes. A constant gets its values from the weight files."""
    attributes = {name: value for name, value in node.get("attr", {}).items() if not name.startswith("_")}
    if node["op"] == "Const":
        values = weights[node["name"]]
        attributes = {"dtype": {"type": TYPE_OF_ARRAY[str(values.dtype)]}, "value": values}
    parts = [_text(1, node["name"]), _text(2, node["op"]), *(_text(3, source) for source in node.get("input", []))]
    parts += [_field(5, _text(1, name) + _field(2, _attribute(value))) for name, value in attributes.items()]
    return b"".join(parts)


def _attribute(value: Mapping[str, Any] | Array) -> bytes:
    """An AttrValue, of the JSON form of one or of an array."""
    if isinstance(value, np.ndarray):
        return _field(8, _tensor(value))
    ((kind, content),) = value.items()
    if kind == "list":
        return _field(1, b"".join(_items(*entry) for entry in content.items()))
    return _scalar(kind, content)


def _items(kind: str, contents: list[Any]) -> bytes:
    """The entries of one list; numbers of a list stand packed in one field."""
    if kind in ("s", "shape"):
        return b"".join(_scalar(kind, content) for content in contents)
    if kind == "f":
        return _field(4, struct.pack(f"<{len(contents)}f", *contents))
    numbers = [int(content) if kind in ("i", "b") else _type(content) for content in contents]
    return _field({"i": 3, "b": 5, "type": 6}[kind], b"".join(map(_varint, numbers)))


def _scalar(kind: str, content: Any) -> bytes:
    if kind == "s":
        return _field(2, base64.b64decode(content))
    if kind == "f":
        return _varint(4 << 3 | 5) + struct.pack("<f", float(content))
    if kind == "shape":
        return _field(7, _shape([int(side.get("size", 0)) for side in content.get("dim", [])]))
    return _number({"i": 3, "b": 5, "type": 6}[kind], _type(content) if kind == "type" else int(content))


def _type(content: str | int) -> int:
    return content if isinstance(content, int) else TYPES[content]


def _tensor(values: Array) -> bytes:
    return (
        _number(1, TYPE_OF_ARRAY[str(values.dtype)])
        + _field(2, _shape(values.shape))
        + _field(4, np.ascontiguousarray(values).tobytes())
    )


def _shape(sides: tuple[int, ...] | list[int]) -> bytes:
    return b"".join(_field(2, _number(1, side)) for side in sides)


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode())


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; the highest bit says that more follow. Negative numbers take ten bytes."""
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
