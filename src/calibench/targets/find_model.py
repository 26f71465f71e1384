"""Which file of an upload, an archive or a folder is the model, and which further files it needs."""

from collections.abc import Iterator
from pathlib import Path

from calibench.caffe.weights_search import find_weights
from calibench.errors import ModelError
from calibench.models.read import EXPORTS, FORMATS, KNOWN, read_model

SHOWN = 5
"""Names that a message lists."""
SAVED_MODEL = "saved_model.pb"
NET_MARK = b"<net"
"""In the first bytes of an OpenVINO file; annotations of pictures are .xml as well."""
HEAD = 4096
LOCATION = b"\x0a\x08location\x12"
"""In an ONNX file: the key under which the name of a file with weights stands, as protobuf writes it."""
COMPANIONS = {".xml": (".bin",), ".pdmodel": (".pdiparams",)}
PICKLED = (
    "{path}: a PyTorch export holds pickles, which run code when they are read, and an import runs none. Convert it "
    'where it was made: python -c "import torch, openvino as ov; ov.save_model(ov.convert_model(torch.export.load('
    "'{path.name}')), 'model.xml', compress_to_fp16=False)\""
)


def find_model(folder: Path, entry: str | None = None) -> Path:
    """The one model in a folder; of a SavedModel its folder.

    Args:
        entry: which one, where there are several: its path below the folder, or its name.

    Raises:
        ModelError: there is none, there are several, or `entry` is none of them.
    """
    found = sorted(_models(folder))
    if entry is not None:
        found = [path for path in found if entry in (path.relative_to(folder).as_posix(), path.name)] or found
        if len(found) != 1 or entry not in (found[0].relative_to(folder).as_posix(), found[0].name):
            raise ModelError(f"{entry}: is no model that was given. There are: {_names(found, folder) or 'none'}.")
    if len(found) > 1:
        raise ModelError(
            f"{len(found)} models were given: {_names(found, folder)}. Say which one is meant by its name (entry)."
        )
    if not found:
        raise _none(folder)
    return found[0]


def refuse_pickles(model: Path) -> None:
    """Refuse a file that cannot be read without running what it says.

    Raises:
        ModelError: with the command that converts it.
    """
    if model.suffix.lower() == ".pt2":
        raise ModelError(PICKLED.format(path=model))


def model_files(model: Path, weights: Path | None = None) -> tuple[Path, ...]:
    """The files that a model consists of, as far as they are there.

    Args:
        weights: the .caffemodel of a .prototxt, where it is known.
    """
    if model.is_dir():
        return tuple(sorted(path for path in model.rglob("*") if path.is_file()))
    suffix = model.suffix.lower()
    beside = [model.with_suffix(ending) for ending in COMPANIONS.get(suffix, ())]
    if suffix == ".prototxt":
        beside.append(find_weights(model, weights))
    if suffix == ".onnx":
        beside += [model.parent / name for name in _external(model)]
    beside.append(model.parent / "tokenizer.json")
    return (model, *(path for path in dict.fromkeys(beside) if path.is_file()))


def _models(folder: Path) -> Iterator[Path]:
    saved = {path.parent for path in folder.rglob(SAVED_MODEL)}
    yield from saved
    for path in folder.rglob("*"):
        if path.suffix.lower() not in FORMATS or not path.is_file() or saved & set(path.parents):
            continue
        if path.suffix.lower() == ".xml" and (_is_of_front(path) or not _is_net(path)):
            continue
        if "solver" not in path.name.lower():
            yield path


def _is_of_front(path: Path) -> bool:
    """Whether this is a further model of a search, kept beside the one that a calibration of ours gave."""
    front = path.parent.parent
    return front.name == "front" and (front.parent / "report.json").is_file()


def _is_net(path: Path) -> bool:
    """Whether an .xml file is a model rather than annotations; an empty one is, so that it is named as empty."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return NET_MARK in head or not head.strip()


def check_external(model: Path) -> None:
    """Refuse an ONNX file that says its weights lie outside of its folder: a stranger's file reads nothing there.

    Raises:
        ModelError: names the place.
    """
    for name in _external(model) if model.suffix.lower() == ".onnx" else ():
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
            raise ModelError(
                f"{model}: its weights lie in {name!r}, outside of its folder. Save it with them beside it."
            )


def _external(model: Path) -> Iterator[str]:
    """Names of the files that hold the weights of an ONNX file, relative to its folder."""
    content = model.read_bytes()
    at = content.find(LOCATION)
    while at >= 0:
        start = at + len(LOCATION)
        length, low = 0, content[start : start + 2]
        if low:
            length = low[0] & 0x7F
            start += 1
            if low[0] & 0x80 and len(low) == 2:  # a number from 128 on takes a second byte
                length |= low[1] << 7
                start += 1
        yield content[start : start + length].decode("utf-8", "replace")
        at = content.find(LOCATION, start)


def _none(folder: Path) -> ModelError:
    """Why there is no model: the files that a person may have taken for one, or what was found instead."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        if path.suffix.lower() in EXPORTS:
            try:
                read_model(path)
            except ModelError as error:
                return error
    return ModelError(f"No model was given, but {_names(files, folder)}. Give a model file: {KNOWN}.")


def _names(paths: list[Path], folder: Path) -> str:
    shown = ", ".join(
        "the SavedModel" if path == folder else path.relative_to(folder).as_posix() for path in paths[:SHOWN]
    )
    return f"{shown} and {len(paths) - SHOWN} more" if len(paths) > SHOWN else shown
