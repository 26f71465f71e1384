"""Layers of type ImageData: a list of picture files, each with a class."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibench.caffe.net import Layer, Net
from calibench.caffe.text_tree import is_text
from calibench.datasets.caffe.caffe_resize import stretched
from calibench.datasets.caffe.find_path import Place, find, place_of
from calibench.datasets.caffe.layer_source import LayerSource, class_number, content_of, notes_on_chance
from calibench.datasets.caffe.open_cv import Picture, decoded
from calibench.datasets.caffe.transform import Transform, read_transform, transformed
from calibench.datasets.dataset import Description, Sample
from calibench.datasets.truth import Truth
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One picture of a list: its path, its label (None where there is none), and the number of the line from 1."""

    path: str
    label: float | None
    number: int


@dataclass(frozen=True, eq=False)
class ListReading:
    """How the pictures of one layer become arrays.

    Attributes:
        place: of the layer; paths are looked for from there, and in the folder of the list.
        param: message ImageDataParameter.
        is_swapped: red first; Intel's `bgr2rgb`.
    """

    path: Path
    lines: tuple[Line, ...]
    place: Place
    param: Any
    top: str
    transform: Transform
    is_swapped: bool

    def _places(self, written: str) -> tuple[Path, ...]:
        return self.place.places(written, (self.path.absolute().parent,))

    def where(self, index: int) -> str:
        """A line as a message names it."""
        return f"{shown(self.path)}, line {self.lines[index].number}"

    def file(self, index: int) -> Path:
        """Where a picture lies.

        Raises:
            DatasetError: there is no such file.
        """
        written, root = self.lines[index].path, str(self.param.root_folder)
        # Caffe joins the two as they are; a slash that lacks is added.
        names = dict.fromkeys((root + written, f"{root}/{written}" if root else written))
        files: list[Path] = [file for each in zip(*map(self._places, names), strict=True) for file in each]
        found = next((file for file in files if file.is_file()), None)
        if found is not None:
            self.place.origin.told(found)
            return found
        folders = " and ".join(dict.fromkeys(shown(folder) for folder in self._places("")))
        raise DatasetError(
            f"{self.where(index)}: there is no picture {shown(root + written)}, looked for in {folders}. Correct the "
            "list or root_folder."
        )

    def data(self, index: int) -> bytes:
        """The bytes of a picture file.

        Raises:
            DatasetError: there is no such file, or it may not be read.
        """
        file = self.file(index)
        try:
            return file.read_bytes()
        except OSError as error:
            raise DatasetError(f"{self.where(index)}: {shown(file)}: {error.strerror}") from None

    def arrays(self, index: int) -> Sample:
        """What the blob holds of one picture: float32 [1, C, H, W].

        Raises:
            DatasetError: it cannot be read, or does not fit `transform_param`.
        """
        data = self.data(index)
        try:
            picture = _sized(decoded(data, "colour" if self.param.is_color else "gray"), self.param)
            ordered = np.ascontiguousarray(picture[:, :, ::-1]) if self.is_swapped else picture
            return {self.top: transformed(ordered, self.transform)}
        except DatasetError as error:
            raise DatasetError(f"{self.where(index)}: {shown(self.lines[index].path)}: {error}") from None

    def identity(self, index: int) -> str:
        """SHA-256 of the file, its label, and what is done to it."""
        param = self.param
        sizes = (param.new_height, param.new_width, param.min_height, param.min_width)
        done = f"{sizes} {param.is_color} {self.is_swapped}"
        return content_of(self.transform.fingerprint, done, str(self.lines[index].label), self.data(index))


def read_list(path: Path, place: Place) -> tuple[Line, ...]:
    """The pictures of a list: path, a space, a label; the path may hold spaces. Empty lines do not count.

    Raises:
        DatasetError: it is empty, cannot be read, or a line has no label although others have one.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DatasetError(f"{place}: the list {shown(path)} cannot be read ({reason}). Correct source.") from None
    if not is_text(text[:4096].encode("utf-8", "surrogateescape")):
        raise DatasetError(f"{place}: {shown(path)} is no text, so it is no list of pictures. Correct source.")
    lines = tuple(_line(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    if not lines:
        raise DatasetError(f"{shown(path)}: this list is empty. Write one picture a line: path, a space, a label.")
    bare = [line for line in lines if line.label is None]
    if bare and len(bare) < len(lines):
        raise DatasetError(
            f"{shown(path)}, line {bare[0].number}: {shown(bare[0].path)!r} has no label. Write path, a space, a whole "
            "number."
        )
    return lines


def open_image_list(net: Net, layer: Layer) -> LayerSource:
    """The samples of a layer of type ImageData.

    Raises:
        DatasetError: there is no list, or it cannot be read; `transform_param` contradicts itself.
        ModelError: the mean file is damaged.
    """
    place, param = place_of(net, layer), layer.params.image_data_param
    for one, other in (("new_height", "new_width"), ("min_height", "min_width")):
        if bool(getattr(param, one)) != bool(getattr(param, other)):
            raise DatasetError(f"{place}: image_data_param needs {one} and {other}, or neither.")
    path = find(param.source, "list of pictures", place)
    transform = read_transform(layer.params.transform_param, place)
    is_swapped = layer.params.transform_param.bgr2rgb and param.is_color
    reading = ListReading(path, read_list(path, place), place, param, layer.tops[0], transform, is_swapped)
    is_labelled = len(layer.tops) > 1 and reading.lines[0].label is not None

    def label(index: int) -> int:
        written = reading.lines[index].label
        return class_number(-1 if written is None else written, reading.where(index))

    def describe(index: int) -> Description:
        truth = Truth(label=label(index)) if is_labelled else Truth()
        return Description(shown(reading.lines[index].path), truth)

    return LayerSource(
        format="caffe-images",
        written=param.source,
        path=path,
        batch_size=param.batch_size or 1,
        count=len(reading.lines),
        arrays=reading.arrays,
        where=reading.where,
        describe=describe,
        identity=reading.identity,
        find_file=reading.file,
        label=label if is_labelled else None,
        annotated=frozenset(("label",)) if is_labelled else frozenset(),
        notes=notes_on_chance(layer, param),
    )


def _line(text: str, number: int) -> Line:
    path, _, last = text.strip().rpartition(" ")
    if not path:
        path, _, last = text.strip().rpartition("\t")
    if path and NUMBER.fullmatch(last):
        return Line(path.rstrip(), float(last), number)
    return Line(text.strip(), None, number)


def _sized(picture: Picture, param: Any) -> Picture:
    """The picture in `new_height` x `new_width`, or made larger until it has `min_height` and `min_width`."""
    height, width = picture.shape[:2]
    if param.new_height:
        return stretched(picture, param.new_height, param.new_width)
    if height >= param.min_height and width >= param.min_width:
        return picture
    if param.min_width - width > param.min_height - height:
        ratio = np.float32(height) / np.float32(width)
        return stretched(picture, int(np.float32(param.min_width) * ratio + 0.5), param.min_width)
    ratio = np.float32(width) / np.float32(height)
    return stretched(picture, param.min_height, int(np.float32(param.min_height) * ratio + 0.5))
