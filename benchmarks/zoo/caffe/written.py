"""Write the files of a Caffe project: layers as text, a caffemodel, LMDB of samples, a label map."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from PIL import Image

from benchmarks.zoo.network import Array
from calibench.caffe.schema import message

MAP_BYTES = 1 << 32  # the most that an LMDB may grow to; the file takes what it needs
BATCH = 1000  # samples of one transaction
DATA = 5  # number of the field `data` of a blob

Boxes = Sequence[tuple[int, Array, bool]]
"""Number of the label, left, top, right and bottom in pixels, whether the object is difficult."""


def layer(name: str, kind: str, bottoms: Sequence[str], top: str | Sequence[str], *parameters: str) -> str:
    """One layer as text.

    Args:
        parameters: such as "convolution_param { num_output: 8 }", one a line.
    """
    tops = [top] if isinstance(top, str) else top
    lines = [f'name: "{name}"', f'type: "{kind}"']
    lines += [f'bottom: "{each}"' for each in bottoms] + [f'top: "{each}"' for each in tops] + list(parameters)
    return "\n".join(["layer {", *(f"  {line}" for line in lines), "}\n"])


def block(name: str, **values: object) -> str:
    """A message as text in one line: numbers as they are, texts quoted; enum values are given as `Word`."""
    inner = " ".join(f"{key}: {_shown(value)}" for key, value in values.items())
    return f"{name} {{ {inner} }}"


class Word(str):
    """A name that stands without quotes."""


def _shown(value: object) -> str:
    if isinstance(value, Word):
        return str(value)
    return json.dumps(value) if isinstance(value, (str, bool)) else f"{value!r}"


def write_caffemodel(path: Path, name: str, layers: Mapping[str, tuple[str, Sequence[Array]]]) -> None:
    """A weights file: by layer its type and its blobs."""
    net = message("NetParameter")(name=name)
    for own, (kind, blobs) in layers.items():
        entry = net.layer.add(name=own, type=kind)
        for each in blobs:
            blob = entry.blobs.add()
            blob.shape.dim.extend(each.shape)
            blob.MergeFromString(_packed(np.asarray(each, "<f4").tobytes()))
    path.write_bytes(net.SerializeToString(deterministic=True))


def _packed(values: bytes) -> bytes:
    """The field `data` of a blob as protobuf writes it, which is a hundred times as fast as value by value."""
    size, length = len(values), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([DATA << 3 | 2]) + length + bytes([size]) + values


def write_datums(folder: Path, samples: Iterable[tuple[Array, int]]) -> None:
    """An LMDB for a layer Data: uint8 [C, H, W] (blue, green, red) with a label each, as they are."""
    _write(folder, (_datum(picture, label).SerializeToString() for picture, label in samples))


def write_annotated(folder: Path, samples: Iterable[tuple[Array, Boxes]]) -> None:
    """An LMDB for a layer AnnotatedData: PNG pictures of uint8 [H, W, 3] RGB with their objects."""
    _write(folder, (_annotated(picture, boxes).SerializeToString() for picture, boxes in samples))


def write_label_map(path: Path, names: Sequence[str]) -> None:
    """The labels 0, 1, ... of AnnotatedData; the first one is the background."""
    shown = ((f'name: "{name}"', f"label: {label}", f'display_name: "{name}"') for label, name in enumerate(names))
    path.write_text("".join("item {\n" + "".join(f"  {line}\n" for line in lines) + "}\n" for lines in shown))


def _datum(picture: Array, label: int) -> Any:
    channels, height, width = picture.shape
    raw = np.ascontiguousarray(picture, np.uint8).tobytes()
    return message("Datum")(channels=channels, height=height, width=width, data=raw, label=label)


def _annotated(picture: Array, boxes: Boxes) -> Any:
    height, width, channels = picture.shape
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(encoded, "PNG")
    made = message("AnnotatedDatum")(type=0)
    made.datum.MergeFrom(
        message("Datum")(channels=channels, height=height, width=width, data=encoded.getvalue(), label=-1, encoded=True)
    )
    for label in sorted({label for label, _, _ in boxes}):
        group = made.annotation_group.add(group_label=label)
        for _, box, is_difficult in (each for each in boxes if each[0] == label):
            left, top, right, bottom = (float(side) for side in box)
            place = {"xmin": left / width, "ymin": top / height, "xmax": right / width, "ymax": bottom / height}
            group.annotation.add(instance_id=len(group.annotation), bbox={**place, "difficult": is_difficult})
    return made


def _write(folder: Path, values: Iterable[bytes]) -> None:
    """Keys of eight digits, as Caffe's own tools write them; samples are read in their order."""
    with lmdb.open(str(folder), map_size=MAP_BYTES) as environment:
        rows = ((f"{number:08d}".encode(), value) for number, value in enumerate(values))
        for first in rows:
            with environment.begin(write=True) as transaction:
                transaction.put(*first)
                for _, row in zip(range(BATCH - 1), rows, strict=False):
                    transaction.put(*row)
