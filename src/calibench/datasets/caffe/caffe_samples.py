"""The samples of a Caffe data layer as a dataset that every step takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from calibench.caffe.net import Net
from calibench.caffe.written_paths import Origin, written_for
from calibench.datasets.caffe.layer_source import LayerSource
from calibench.datasets.dataset import About, Dataset, Description, Sample, Subset
from calibench.datasets.inputs import InputPlan, TensorInput, shape_text
from calibench.datasets.npz import Array
from calibench.datasets.tensors import fit_array
from calibench.errors import DatasetError, SettingsError
from calibench.settings import InputSettings, Settings


@dataclass(frozen=True, eq=False)
class CaffeSamples:
    """The samples of one data layer, in order; may be used by several threads.

    Attributes:
        name: what the person called it: the path of the prototxt, with the layer.
        layer: what the layer reads.
        net: in which it stands; origin: what its paths refer to.
        feeds: input of a model -> the top that feeds it; () as long as no model is chosen: then by top.
    """

    name: str
    layer: LayerSource
    net: Net
    origin: Origin
    feeds: tuple[tuple[TensorInput, str], ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: the layer is opened there again."""
        return _opened_again, (self.name, self.net, self.origin, self.feeds)

    @cached_property
    def labels(self) -> Sequence[int] | None:
        """The class of every sample, each read when it is asked for, once."""
        return None if self.layer.label is None else Labels(self.layer)

    @property
    def about(self) -> About:
        layer = self.layer
        return About(
            layer.format, layer.annotated, layer.classes, layer.class_ids, tuple(dict(layer.problems).values())
        )

    @property
    def batch_size(self) -> int:
        """Of the layer: samples of one iteration."""
        return self.layer.batch_size

    @property
    def source(self) -> str:
        """The path of the data as it stands in the prototxt."""
        return self.layer.written

    @property
    def format(self) -> str:
        """Such as "caffe-lmdb"."""
        return self.layer.format

    @property
    def note(self) -> str | None:
        """What the person should know; None when there is nothing."""
        return " ".join(self.layer.notes) or None

    def __len__(self) -> int:
        return self.layer.count

    def identity(self, index: int) -> str:
        return self.layer.identity(self._checked(index))

    def describe(self, index: int) -> Description:
        return self.layer.describe(self._checked(index))

    def __getitem__(self, index: int) -> Sample:
        arrays = self.layer.arrays(self._checked(index))
        if not self.feeds:
            return arrays
        return {each.name: self._fitted(arrays[top], each, index) for each, top in self.feeds}

    def _fitted(self, array: Array, planned: TensorInput, index: int) -> Array:
        """A blob as an input takes it.

        Raises:
            DatasetError: its shape or its values do not fit; names the record.
        """
        where, shape = self.layer.where(index), planned.shape
        if shape is not None and len(array.shape) == len(shape) == 4 and not _takes(shape[1:], array.shape[1:]):
            raise DatasetError(
                f"{where}: {planned.name} is {list(array.shape[1:])} (channels, height, width), the model takes "
                f"{shape_text(shape[1:])}. {_advice(shape[1] in (-1, array.shape[1]))}"
            )
        return fit_array(array, planned, where)

    def _checked(self, index: int) -> int:
        if not 0 <= index < self.layer.count:
            raise IndexError(f"{self.name}, sample {index}")
        return index


def _opened_again(name: str, net: Net, origin: Origin, feeds: tuple[tuple[TensorInput, str], ...]) -> CaffeSamples:
    from calibench.datasets.caffe.data_layer import open_data_layer

    with written_for(origin):
        return replace(open_data_layer(net), name=name, feeds=feeds)


def _takes(wanted: tuple[int, ...], given: tuple[int, ...]) -> bool:
    return all(side in (-1, other) for side, other in zip(wanted, given, strict=True))


def _advice(same_channels: bool) -> str:
    if same_channels:
        return "Bring all pictures to one size: crop_size or resize_param in transform_param."
    return "Give force_color or force_gray in transform_param where pictures are encoded, else make the data anew."


class Labels(Sequence[int]):
    """The classes of all samples of a layer; a record is read when its class is asked for, once."""

    def __init__(self, layer: LayerSource) -> None:
        self._layer = layer
        self._known: dict[int, int] = {}

    def __len__(self) -> int:
        return self._layer.count

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[each] for each in range(*index.indices(len(self))))
        place = range(len(self))[index]
        if place not in self._known:
            if self._layer.label is None:
                raise IndexError(index)
            self._known[place] = self._layer.label(place)
        return self._known[place]


def iterations(samples: Dataset, count: int, batch: int) -> Subset:
    """The samples of the first iterations of a test, which begins again at the first sample when all are used up.

    Raises:
        DatasetError: no iteration, or no batch.
    """
    if count < 1 or batch < 1:
        raise DatasetError(f"{samples.name}: {count} iterations of {batch} samples are none. Give 1 or more.")
    return Subset(samples, tuple(index % len(samples) for index in range(count * batch)))


def check_prepared(name: Path | str, settings: Settings) -> None:
    """Refuse settings of the inputs for samples that a data layer prepares itself.

    Raises:
        SettingsError: names them.
    """
    usual = InputSettings()
    fields = [name for name in type(usual).model_fields if name != "layout"]
    given = [
        each for each in fields if any(getattr(own, each) != getattr(usual, each) for own in settings.inputs.values())
    ]
    if given:
        raise SettingsError(
            f"--{', --'.join(given).replace('_', '-')}: the data layer of {name} prepares samples itself, by its "
            "transform_param. Leave them out."
        )


def with_classes(samples: CaffeSamples, names: tuple[str, ...]) -> CaffeSamples:
    """The samples with names for their classes, in the order of the labels.

    Raises:
        DatasetError: the classes are known already, or there are none.
    """
    if samples.layer.label is None or samples.layer.classes:
        why = "are those of its label map" if samples.layer.classes else "are not annotated"
        raise DatasetError(f"{samples.name}: its classes {why}. Leave --labels out.")
    return replace(samples, layer=replace(samples.layer, classes=names))


def fed_to(samples: CaffeSamples, plan: InputPlan) -> CaffeSamples:
    """The samples under the names of a model's inputs; a single top feeds a single input whatever it is called.

    Raises:
        DatasetError: an input has no top, or the first sample does not fit.
    """
    tops = tuple(samples.layer.arrays(0))
    inputs = [TensorInput(each.name, each.shape, each.dtype) for each in plan.inputs]
    if len(inputs) == 1 == len(tops):
        feeds: tuple[tuple[TensorInput, str], ...] = ((inputs[0], tops[0]),)
    else:
        missing = [each.name for each in inputs if each.name not in tops]
        if missing:
            raise DatasetError(
                f"{samples.name}: gives {', '.join(tops)}, but the model takes {', '.join(missing)}. Give .npz files "
                f"with an array for each: {', '.join(each.name for each in inputs)}."
            )
        feeds = tuple((each, each.name) for each in inputs)
    _check_batch(samples, feeds)
    fitting = replace(samples, feeds=feeds)
    fitting[0]  # says now what does not fit
    return fitting


def _check_batch(samples: CaffeSamples, feeds: tuple[tuple[TensorInput, str], ...]) -> None:
    """Refuse a model that takes several samples at once and no other number: samples come one by one."""
    for each, _ in feeds:
        if each.shape and each.shape[0] > 1:
            raise DatasetError(
                f"{samples.name}: the network takes {each.shape[0]} samples at once and no other number, as where a "
                "Reshape names the batch. Write dim: 0 for it, or let batch_size be 1."
            )
