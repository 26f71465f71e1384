"""Read a model file of any supported format, and refuse what cannot be calibrated with the reason."""

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from calibench.errors import ModelError
from calibench.models.graph import RECURRENT, WEIGHTED, with_bodies

FORMATS = {
    ".xml": "OpenVINO IR",
    ".onnx": "ONNX",
    ".pb": "TensorFlow frozen graph",
    ".tflite": "TensorFlow Lite",
    ".pdmodel": "PaddlePaddle",
    ".pt2": "PyTorch export",
    ".prototxt": "Caffe",
}
EXPORTS = {
    ".pt": "python -c \"import torch; torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')\"",
    ".pth": "python -c \"import torch; torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')\"",
    ".h5": "python -c \"import keras; keras.models.load_model('{name}').export('saved_model')\"",
    ".keras": "python -c \"import keras; keras.models.load_model('{name}').export('saved_model')\"",
}
NUMBERED = re.compile(r"_\d+(/|$)")
INTEGERS = frozenset((ov.Type.i8, ov.Type.u8, ov.Type.i4, ov.Type.u4))
KNOWN = "OpenVINO IR (.xml), ONNX (.onnx), TensorFlow (.pb, SavedModel folder), .tflite, .pdmodel, .pt2, .prototxt"


@dataclass(frozen=True)
class Model:
    """A model as it was read.

    Attributes:
        sha256: of all its files, hex.
        weights_bytes: of the constants as they are stored.
        has_fp16_weights: some weights are stored as FP16; they are computed with as FP32.
        notes: what of the file was left aside, a sentence each.
    """

    graph: ov.Model
    path: Path
    format: str
    sha256: str
    size_bytes: int
    weights_bytes: int
    has_fp16_weights: bool
    notes: tuple[str, ...] = ()


def is_model(path: Path) -> bool:
    """Whether a path looks like a model rather than a dataset: by its suffix, or as a SavedModel folder."""
    if path.is_dir():
        return (path / "saved_model.pb").is_file()
    return path.suffix.lower() in FORMATS or not path.exists()


def as_path(given: Path | str) -> Path:
    """The path of a model file.

    Raises:
        ModelError: something else was given, such as a model in memory.
    """
    if not isinstance(given, (str, Path)):
        raise ModelError(
            f"A model is given as the path of its file, not as {type(given).__name__}. Save it first: "
            "openvino.save_model(model, 'model.xml', compress_to_fp16=False)."
        )
    return Path(given)


def read_model(path: Path, *, weights: Path | None = None, allow_quantized: bool = False) -> Model:
    """Read a model file.

    Args:
        weights: the .caffemodel of a .prototxt; None: found beside it. Of no use to other formats.
        allow_quantized: for commands that run a model but do not calibrate it.

    Raises:
        ModelError: missing, of an unknown format, damaged, or quantized already.
    """
    try:
        form = _format(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). Give a file that you may read.") from None
    if form == FORMATS[".prototxt"]:
        from calibench.caffe.read_caffe import read_caffe  # brings protobuf, which other formats do without

        found = read_caffe(path, weights)
        graph, files, notes = found.graph, [path, found.weights], found.notes
    else:
        graph, files, notes = _load(path, form), _files(path), ()
        _settle_names(graph, path, form)
    if not graph.inputs or not graph.outputs:
        raise ModelError(f"{path}: this model has no inputs or no outputs, so that nothing runs. Export it again.")
    if not allow_quantized:
        _refuse_quantized(graph, path)
    constants = [op for each in with_bodies(graph) for op in each.get_ops() if op.get_type_name() == "Constant"]
    return Model(
        graph,
        path,
        form,
        _sha256(files),
        sum(file.stat().st_size for file in files),
        sum(int(op.get_byte_size()) for op in constants),
        any(op.get_output_element_type(0) == ov.Type.f16 and op.get_byte_size() > 64 for op in constants),
        notes,
    )


def hash_of(path: Path) -> str:
    """`Model.sha256` of a file that is no Caffe network: of all its files, hex."""
    return _sha256(_files(path))


def is_quantized(graph: ov.Model) -> bool:
    """Does the graph hold quantizers, or weights stored as integers?"""
    return _quantized_at(graph) is not None


def _format(path: Path) -> str:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "TensorFlow SavedModel"
        raise ModelError(f"{path}: this folder holds no saved_model.pb. Give a model file: {KNOWN}.")
    if not path.exists():
        raise ModelError(f"{path}: there is no such file. Give a model file: {KNOWN}.")
    suffix = path.suffix.lower()
    if suffix in EXPORTS:
        command = EXPORTS[suffix].format(name=path.name)
        raise ModelError(f"{path}: a {suffix} file holds code, not a graph. Export it first: {command}")
    if suffix not in FORMATS:
        raise ModelError(f"{path}: {suffix or 'no extension'} is no known model format. Known: {KNOWN}.")
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the file is empty. Export the model again.")
    if suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise ModelError(f"{path}: its weights {path.with_suffix('.bin').name} are missing. Put them beside it.")
    return FORMATS[suffix]


def _load(path: Path, form: str) -> ov.Model:
    if form == FORMATS[".pt2"]:
        return _load_pytorch(path)
    try:
        return ov.Core().read_model(path)
    except RuntimeError as error:
        if "Conversion is failed for" in str(error):
            raise ModelError(f"{path}: OpenVINO cannot convert this {form} model ({_reason(error)}).") from None
        raise ModelError(f"{path}: this is no readable {form} model ({_reason(error)}). Export it again.") from None


def _settle_names(graph: ov.Model, path: Path, form: str) -> None:
    """Give operations that the file does not name a name from their place.

    OpenVINO numbers them through one counter of the process: those are the names that change from one read to the next.
    """
    parts = list(with_bodies(graph))
    if not any(NUMBERED.search(op.get_friendly_name()) for part in parts for op in part.get_ops()):
        return
    for part, again in zip(parts, with_bodies(_load(path, form)), strict=True):
        names = {op.get_friendly_name() for op in part.get_ops()}
        unstable = {name for name in names if NUMBERED.search(name)} - {
            op.get_friendly_name() for op in again.get_ops()
        }
        for position, op in enumerate(part.get_ordered_ops()):
            if op.get_friendly_name() in unstable:
                name = f"{op.get_type_name()}@{position}"
                while name in names:  # the file may use such names itself
                    name += "@"
                op.set_friendly_name(name)


def _load_pytorch(path: Path) -> ov.Model:
    try:
        import torch
    except ImportError:
        raise ModelError(f"{path}: reading a PyTorch export needs torch: pip install 'calibench[torch]'.") from None
    logging.getLogger("torch.export").setLevel(logging.CRITICAL)  # it logs what it raises
    try:
        return ov.convert_model(torch.export.load(path))
    except Exception as error:  # torch raises whatever the broken part of the file leads to
        raise ModelError(f"{path}: this is no readable PyTorch export ({_reason(error)}). Export it again.") from None


def _reason(error: Exception) -> str:
    """The most telling line of a library's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Check '", "Exception from", "While validating"))]
    if told and told[-1].startswith("Unable to read the model"):  # what follows are the names of all readers
        return "its content is of another format, damaged or cut off"
    return (told or lines or [type(error).__name__])[-1].rstrip(".")[:160]


def _refuse_quantized(graph: ov.Model, path: Path) -> None:
    where = _quantized_at(graph)
    if where:
        raise ModelError(
            f"{path}: the model is quantized already ({where}). Give the FP32 model it was made from; "
            "to measure this one, use calibench benchmark or evaluate."
        )


def _quantized_at(graph: ov.Model) -> str | None:
    for op in (op for each in with_bodies(graph) for op in each.get_ops()):
        kind = op.get_type_name()
        if kind == "FakeQuantize":
            return f"FakeQuantize {op.get_friendly_name()}"
        if kind in WEIGHTED | RECURRENT and any(_holds_integers(value) for value in op.input_values()):
            return f"INT8 weights in {op.get_friendly_name()}"
    return None


def _holds_integers(output: Any, depth: int = 6) -> bool:
    """Is the tensor computed from stored integers of 4 or 8 bits, by scaling alone?"""
    node = output.get_node()
    kind = node.get_type_name()
    if kind == "Constant":
        return bool(node.get_output_element_type(0) in INTEGERS and np.prod(node.get_output_shape(0)) > 1)
    if depth == 0 or kind not in ("Convert", "Multiply", "Subtract", "Reshape", "Transpose"):
        return False
    return _holds_integers(node.input_value(0), depth - 1)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    weights = {".xml": path.with_suffix(".bin"), ".pdmodel": path.with_suffix(".pdiparams")}.get(path.suffix.lower())
    return [path] + ([weights] if weights and weights.is_file() else [])


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
