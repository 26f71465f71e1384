"""Find what a prototxt names: its paths are relative to the folder in which Caffe was started."""

from dataclasses import dataclass
from pathlib import Path

from calibench.caffe.net import Layer, Net
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError


@dataclass(frozen=True)
class Place:
    """Where a layer stands, for messages and for paths.

    Attributes:
        prototxt: the file.
        layer: its name.
        line: of the layer, from 1; 0 where it is not known.
    """

    prototxt: Path
    layer: str
    line: int

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"{self.prototxt}{line}, layer {self.layer}"


def place_of(net: Net, layer: Layer) -> Place:
    """The place of a layer."""
    return Place(net.path, layer.name, layer.line)


def find(written: str, what: str, place: Place, near: tuple[Path, ...] = ()) -> Path:
    """What a path in a prototxt stands for: below the working directory, as in Caffe, else beside the prototxt.

    Args:
        written: as in the file.
        what: for the message: "LMDB", "mean file".
        near: further folders to look in.

    Raises:
        DatasetError: nothing is there; says all places that were looked at.
    """
    if not written:
        raise DatasetError(f"{place}: names no {what}. Add it to the layer.")
    looked = _candidates(written, place, near)
    found = next((path for path in looked if path.exists()), None)
    if found is not None:
        return found
    places = " nor at ".join(shown(path) for path in looked)
    raise DatasetError(
        f"{place}: there is no {what} {shown(written)}, at {places}. Correct the path, or start in the folder that it "
        "is relative to."
    )


def exists(written: str, place: Place) -> bool:
    """Whether `find` would find something."""
    return any(path.exists() for path in _candidates(written, place, ()))


def _candidates(written: str, place: Place, near: tuple[Path, ...]) -> tuple[Path, ...]:
    folders = (Path.cwd(), place.prototxt.absolute().parent, *near)
    return tuple(dict.fromkeys(folder / written for folder in folders))
