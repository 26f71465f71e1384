"""Find what a prototxt names, and say where nothing was found."""

from dataclasses import dataclass, field
from pathlib import Path

from calibench.caffe.net import Layer, Net
from calibench.caffe.written_paths import Origin, origin
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError


@dataclass(frozen=True)
class Place:
    """Where a layer stands, for messages and for paths.

    Attributes:
        prototxt: the file.
        layer: its name.
        line: of the layer, from 1; 0 where it is not known.
        origin: what paths refer to.
    """

    prototxt: Path
    layer: str
    line: int
    origin: Origin = field(default_factory=origin)

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"{self.prototxt}{line}, layer {self.layer}"

    def places(self, written: str, near: tuple[Path, ...] = ()) -> tuple[Path, ...]:
        """Where a path of the layer may lead, the first place first; `near`: further folders to look in."""
        return self.origin.places(written, self.prototxt, near)


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
    found = place.origin.find(written, place.prototxt, near)
    if found is not None and not (found.is_file() or found.is_dir()):
        raise DatasetError(f"{place}: the {what} {shown(found)} is a pipe or a device. Give a file.")
    if found is not None:
        return found
    places = " nor at ".join(shown(path) for path in place.places(written, near))
    raise DatasetError(
        f"{place}: there is no {what} {shown(written)}, at {places}. Correct the path, or start in the folder that it "
        "is relative to."
    )


def exists(written: str, place: Place) -> bool:
    """Whether `find` would find something."""
    return any(path.exists() for path in place.places(written))
