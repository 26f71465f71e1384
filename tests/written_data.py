"""Data for Caffe's data layers, written by ourselves: databases, lists, mean files, label maps, prototxts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import plyvel

from calibench.caffe.schema import message

Box = tuple[int, tuple[float, float, float, float], bool]
"""Label, left, top, right, bottom as shares of the sides, difficult."""


def datum(values: np.ndarray, label: int | None = None) -> Any:
    """A Datum with the values [C, H, W]: bytes of uint8, else floats."""
    channels, height, width = values.shape
    made = message("Datum")(channels=channels, height=height, width=width)
    if values.dtype == np.uint8:
        made.data = values.tobytes()
    else:
        made.float_data.extend(values.reshape(-1).tolist())
    if label is not None:
        made.label = label
    return made


def encoded(picture: np.ndarray, label: int | None = None, suffix: str = ".png") -> Any:
    """A Datum with the picture [H, W, 3] or [H, W], blue first, in a file of the kind that the suffix says."""
    made = message("Datum")(data=cv2.imencode(suffix, picture)[1].tobytes(), encoded=True)
    if label is not None:
        made.label = label
    return made


def annotated(picture: Any, boxes: Sequence[Box] = (), is_typed: bool = True) -> Any:
    """An AnnotatedDatum: a Datum with boxes, those of a label in one group."""
    made = message("AnnotatedDatum")()
    made.datum.CopyFrom(picture)
    if is_typed:
        made.type = 0
    for label in dict.fromkeys(box[0] for box in boxes):
        group = made.annotation_group.add(group_label=label)
        for number, (_, corners, difficult) in enumerate(box for box in boxes if box[0] == label):
            one = group.annotation.add(instance_id=number)
            one.bbox.xmin, one.bbox.ymin, one.bbox.xmax, one.bbox.ymax = corners
            one.bbox.difficult = difficult
    return made


def write_lmdb(path: Path, records: Mapping[str, Any] | Sequence[Any], subdir: bool = True) -> Path:
    """An LMDB of messages, or of bytes, by key; of a list under "00000000", "00000001" ..."""
    if subdir:
        path.mkdir(parents=True)
    opened = lmdb.open(str(path), map_size=1 << 26, subdir=subdir)
    with opened.begin(write=True) as writing:
        for key, value in _items(records):
            writing.put(key, value)
    opened.close()
    return path


def write_leveldb(path: Path, records: Mapping[str, Any] | Sequence[Any]) -> Path:
    """The same as a LevelDB."""
    opened = plyvel.DB(str(path), create_if_missing=True)
    for key, value in _items(records):
        opened.put(key, value)
    opened.close()
    return path


def write_mean(path: Path, values: np.ndarray) -> Path:
    """A mean file (binaryproto) of float32 [C, H, W], in the old layout with four axes."""
    channels, height, width = values.shape
    made = message("BlobProto")(num=1, channels=channels, height=height, width=width)
    made.data.extend(values.reshape(-1).tolist())
    path.write_bytes(made.SerializeToString())
    return path


def write_label_map(path: Path, names: Sequence[str] = ("background", "cat", "dog")) -> Path:
    """A label map whose labels count from 0."""
    items = [f'item {{ name: "{name}" label: {label} display_name: "{name}" }}\n' for label, name in enumerate(names)]
    path.write_text("".join(items))
    return path


def write_prototxt(path: Path, *layers: str) -> Path:
    """A prototxt of layers, each given as what stands between its braces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('name: "written"\n' + "".join(f"layer {{\n{layer}\n}}\n" for layer in layers))
    return path


def data_layer(source: Path | str, transform: str = "", phase: str = "", more: str = "", kind: str = "Data") -> str:
    """A layer of type Data or AnnotatedData."""
    include = f"include {{ phase: {phase} }}" if phase else ""
    return (
        f'name: "data" type: "{kind}" top: "data" top: "label" {include} transform_param {{ {transform} }} '
        f'data_param {{ source: "{source}" batch_size: 4 backend: LMDB }} {more}'
    )


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """uint8 values of any size, the same for a seed."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _items(records: Mapping[str, Any] | Sequence[Any]) -> list[tuple[bytes, bytes]]:
    named = records if isinstance(records, Mapping) else {f"{i:08d}": each for i, each in enumerate(records)}
    return [
        (key.encode(), value if isinstance(value, bytes) else value.SerializeToString()) for key, value in named.items()
    ]
