"""From the records of a database to the pictures in them: messages Datum, alone or inside an AnnotatedDatum."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calibench.caffe.databases.records import Records, open_records
from calibench.caffe.net import Layer, Net
from calibench.caffe.schema import message
from calibench.datasets.caffe.find_path import find, place_of
from calibench.datasets.caffe.layer_source import content_of
from calibench.datasets.caffe.open_cv import Colour, Picture, again_as_jpeg, decoded
from calibench.datasets.caffe.transform import Transform, read_transform, transformed
from calibench.datasets.dataset import Sample
from calibench.errors import DatasetError


@dataclass(frozen=True, eq=False)
class DatumReading:
    """How the records of one layer become arrays.

    Attributes:
        kind: name of the message in a record, "Datum" or "AnnotatedDatum".
        top: of the pictures.
        is_cut: an encoded picture goes through a JPEG once more (see `again_as_jpeg`).
        sizes: height and width of pictures that were decoded, by number.
    """

    records: Records
    kind: str
    top: str
    transform: Transform
    colour: Colour
    is_cut: bool = False
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def message(self, index: int) -> Any:
        """The message in a record.

        Raises:
            DatasetError: it is none of this kind.
        """
        from google.protobuf.message import DecodeError

        data = self.records[index]
        try:
            return message(self.kind).FromString(data)
        except DecodeError:
            where = self.records.where(index)
            raise DatasetError(
                f"{where}: its {len(data):,} bytes are no {self.kind}. Make the database anew."
            ) from None

    def arrays(self, index: int) -> Sample:
        """What the blob holds of one record: float32 [1, C, H, W].

        Raises:
            DatasetError: the record holds no picture, or one that does not fit `transform_param`.
        """
        found = self.message(index)
        try:
            return {self.top: transformed(self._picture(index, found), self.transform)}
        except DatasetError as error:
            raise DatasetError(f"{self.records.where(index)}: {error}") from None

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of the stored picture, pixels.

        Raises:
            DatasetError: the record holds no picture.
        """
        if index not in self.sizes:
            try:
                self._picture(index, self.message(index))
            except DatasetError as error:
                raise DatasetError(f"{self.records.where(index)}: {error}") from None
        return self.sizes[index]

    def identity(self, index: int) -> str:
        """SHA-256 of the record, its label with it, and of what is done to it."""
        return content_of(self.transform.fingerprint, f"{self.colour} {self.is_cut}", self.records[index])

    def _picture(self, index: int, found: Any) -> Picture:
        datum = found if self.kind == "Datum" else found.datum
        if datum.encoded:
            picture = decoded(datum.data, self.colour)
            self.sizes[index] = (picture.shape[0], picture.shape[1])
            return again_as_jpeg(picture, self.colour) if self.is_cut else picture
        picture = _raw(datum)
        self.sizes[index] = (picture.shape[0], picture.shape[1])
        return picture


def read_datums(net: Net, layer: Layer, kind: str) -> DatumReading:
    """How a layer of type Data or AnnotatedData reads its database.

    Raises:
        DatasetError: there is no database, or it cannot be read; `transform_param` contradicts itself.
        ModelError: the mean file is damaged.
    """
    place, param = place_of(net, layer), layer.params.transform_param
    if param.force_color and param.force_gray:
        raise DatasetError(f"{place}: transform_param has force_color and force_gray. Keep one of them.")
    is_colour = param.force_color or layer.params.data_param.force_encoded_color
    colour: Colour = "colour" if is_colour else "gray" if param.force_gray else "as stored"
    path = find(layer.params.data_param.source, _database(layer), place)
    return DatumReading(open_records(path), kind, layer.tops[0], read_transform(param, place), colour)


def _database(layer: Layer) -> str:
    """What the layer says that it reads; a default says nothing."""
    param = layer.params.data_param
    is_said = param.HasField("backend")
    return "database" if not is_said else "LMDB" if param.backend == 1 else "LevelDB"


def _raw(datum: Any) -> Picture:
    """The values of a datum that is not encoded, [H, W, C]; stored are bytes or floats, [C, H, W].

    Raises:
        DatasetError: there are more or fewer than its head says; a part of a sentence.
    """
    shape = (datum.channels, datum.height, datum.width)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
    if min(shape) < 1 or values.size != shape[0] * shape[1] * shape[2]:
        sides = " x ".join(map(str, shape))
        raise DatasetError(
            f"it holds {values.size:,} values, but its head says {sides} (channels, height, width). Make the database "
            "anew; layers of type Data read Datum, AnnotatedData read AnnotatedDatum."
        )
    return values.reshape(shape).transpose(1, 2, 0)
