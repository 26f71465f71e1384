"""Layers of type Data: messages Datum in an LMDB or LevelDB, with a class."""

from calibench.caffe.net import Layer, Net
from calibench.datasets.caffe.datum_reading import read_datums
from calibench.datasets.caffe.layer_source import LayerSource, class_number, notes_on_chance
from calibench.datasets.dataset import Description
from calibench.datasets.truth import Truth


def open_data(net: Net, layer: Layer) -> LayerSource:
    """The samples of a layer of type Data; a second top takes the labels.

    Raises:
        DatasetError: there is no database, or it cannot be read; `transform_param` contradicts itself.
        ModelError: the mean file is damaged.
    """
    reading = read_datums(net, layer, "Datum")
    records, is_labelled = reading.records, len(layer.tops) > 1

    def label(index: int) -> int:
        return class_number(reading.message(index).label, records.where(index))

    def describe(index: int) -> Description:
        return Description(records.name_of(index), Truth(label=label(index)) if is_labelled else Truth())

    return LayerSource(
        format=f"caffe-{records.kind}",
        written=layer.params.data_param.source,
        path=records.path,
        batch_size=layer.params.data_param.batch_size or 1,
        count=len(records),
        arrays=reading.arrays,
        where=records.where,
        describe=describe,
        identity=reading.identity,
        label=label if is_labelled else None,
        annotated=frozenset(("label",)) if is_labelled else frozenset(),
        notes=notes_on_chance(layer, layer.params.data_param),
    )
