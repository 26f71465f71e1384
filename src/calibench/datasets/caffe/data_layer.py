"""Find the data layer of a net and open it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from calibench.caffe.net import Layer, Net
from calibench.caffe.read_net import read_net
from calibench.caffe.written_paths import Origin, origin
from calibench.datasets.caffe.annotated_source import open_annotated
from calibench.datasets.caffe.caffe_samples import CaffeSamples
from calibench.datasets.caffe.data_source import open_data
from calibench.datasets.caffe.find_path import place_of
from calibench.datasets.caffe.hdf5_source import open_hdf5
from calibench.datasets.caffe.image_list import open_image_list
from calibench.datasets.caffe.layer_source import LayerSource
from calibench.errors import DatasetError, ModelError

READERS: dict[str, Callable[[Net, Layer], LayerSource]] = {
    "Data": open_data,
    "ImageData": open_image_list,
    "HDF5Data": open_hdf5,
    "AnnotatedData": open_annotated,
}
"""Types of layers that hold data, and what reads them."""
WITHOUT_DATA = ("Input", "DummyData", "MemoryData", "WindowData", "Python", "VideoData", "BoxData", "ImageLabelData")
"""Types of layers that begin a net but hold no data that is read here."""


def has_data_layer(net: Net) -> bool:
    """Whether `open_data_layer` finds data in this phase of a net."""
    return any(layer.type in READERS for layer in net.layers)


def find_data_layer(net: Net) -> Layer:
    """The one layer that holds data.

    Raises:
        DatasetError: there is none, or more than one.
    """
    found = [layer for layer in net.layers if layer.type in READERS]
    if len(found) > 1:
        names = ", ".join(layer.name for layer in found)
        raise DatasetError(
            f"{net.path}: the {net.phase} phase has {len(found)} data layers ({names}), of which one can be read. Give "
            "another dataset: --dataset DIR."
        )
    if not found:
        raise _without_data(net)
    return found[0]


def _without_data(net: Net) -> DatasetError:
    """What to say of a net that has no data layer: which layer it begins with instead."""
    first = next((layer for layer in net.layers if layer.type in WITHOUT_DATA and not layer.bottoms), None)
    if first is not None:
        return DatasetError(f"{net.path}, layer {first.name}: {first.type} has no data: give --dataset DIR.")
    if net.inputs:
        return DatasetError(f"{net.path}, input {next(iter(net.inputs))}: Input has no data: give --dataset DIR.")
    return DatasetError(f"{net.path}: there is no data layer in the {net.phase} phase: give --dataset DIR.")


def open_data_layer(net: Net) -> CaffeSamples:
    """The samples of the data layer of a net, as its blobs would hold them in TEST.

    Raises:
        DatasetError: there is no data layer; its data is missing, empty or damaged.
        ModelError: the mean file is damaged.
    """
    layer = find_data_layer(net)
    _check_batch(net, layer)
    place = Origin(origin().started_in, origin().root)
    return CaffeSamples(f"{net.path} ({layer.name})", READERS[layer.type](net, layer), net, place)


def _check_batch(net: Net, layer: Layer) -> None:
    """Refuse a batch of nothing; a layer that gives none reads one sample an iteration."""
    for param in (layer.params.data_param, layer.params.image_data_param, layer.params.hdf5_data_param):
        if param.HasField("batch_size") and param.batch_size == 0:
            raise DatasetError(f"{place_of(net, layer)}: batch_size is 0. Give 1 or more.")


def open_prototxt(path: Path) -> CaffeSamples:
    """The samples of the data layer that a prototxt has in TEST.

    Raises:
        DatasetError: as `open_data_layer`.
        ModelError: the prototxt cannot be read.
    """
    return open_data_layer(read_net(path, None, phase="TEST"))


def caffe_sets(prototxt: Path) -> tuple[CaffeSamples, CaffeSamples, str]:
    """Samples for calibration, samples for accuracy, and a note: where the first come from, what is left out of both.

    For calibration the TRAIN data is taken where the prototxt has its own and it is there, as the TEST layer would
    transform it; else the TEST data.

    Raises:
        DatasetError: as `open_data_layer`, for the TEST phase.
        ModelError: the prototxt cannot be read.
    """
    calibration, validation, source = _choose(prototxt)
    notes = dict.fromkeys((source, *calibration.layer.notes, *validation.layer.notes))
    return calibration, validation, " ".join(notes)


def _choose(prototxt: Path) -> tuple[CaffeSamples, CaffeSamples, str]:
    validation = open_prototxt(prototxt)
    train = _train_net(prototxt)
    same = f"Calibration samples come from the TEST data too ({validation.source})"
    flattered = "the INT8 accuracy is measured on samples that also set the ranges"
    if train is None:
        return validation, validation, f"{same}: {flattered}."
    try:
        calibration = open_data_layer(_as_in_test(train, read_net(prototxt, None, phase="TEST")))
    except (DatasetError, ModelError) as error:
        return validation, validation, f"{same}, because the TRAIN data cannot be read: {flattered}. {error}"
    if calibration.layer.path.resolve() == validation.layer.path.resolve():
        return validation, validation, f"{same}, which is the TRAIN data as well: {flattered}."
    note = f"Calibration samples come from the TRAIN data ({calibration.source}), transformed as in TEST."
    return calibration, validation, note


def _train_net(prototxt: Path) -> Net | None:
    """The net of the TRAIN phase; None where it has no data, and so may be no net at all."""
    try:
        found = read_net(prototxt, None, phase="TRAIN")
    except ModelError:
        return None
    return found if has_data_layer(found) else None


def _as_in_test(train: Net, test: Net) -> Net:
    """The net with the transform of the TEST layer: so its samples are what the model sees when it is used."""
    own, other = find_data_layer(train), find_data_layer(test)
    if "HDF5Data" in (own.type, other.type):
        return train
    params = type(own.params)()
    params.CopyFrom(own.params)
    params.ClearField("transform_param")
    if other.params.HasField("transform_param"):
        params.transform_param.CopyFrom(other.params.transform_param)
    layers = tuple(replace(layer, params=params) if layer is own else layer for layer in train.layers)
    return replace(train, layers=layers)
