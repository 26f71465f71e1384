"""Bring a graph into the one form that everything after it relies on: patterns fused, names unique and stable."""

from collections import Counter

import openvino as ov
from openvino._offline_transformations import apply_moc_transformations

from calibench.caffe.net import NORMAL
from calibench.models.graph import RECURRENT, WITH_BODY, with_bodies


def normalise(graph: ov.Model) -> ov.Model:
    """A clone in which BatchNorm, hard-swish, GELU, LayerNorm ... are single nodes, with unique, repeatable names.

    A converted Caffe network is left as it is: its scales are those of the weights that it has.

    An unfused chain invites quantizers into its middle, where values of very uneven channels share one range; the
    fusion is the largest single gain in accuracy. Where it would lose a kernel of a recurrent layer the graph stays
    as it was imported.

    Args:
        graph: as read by `read_model`, its names repeatable; not changed.
    """
    stable = {op.get_friendly_name() for each in with_bodies(graph) for op in each.get_ops()}
    fused = graph.clone()
    if graph.has_rt_info(NORMAL):
        return fused
    apply_moc_transformations(fused, cf=False, smart_reshape=False)
    if _kernels(fused) != _kernels(graph):
        fused = graph.clone()
    for each in with_bodies(fused):
        _rename(each, stable)
    return fused


def _kernels(graph: ov.Model) -> Counter[str]:
    return Counter(t for op in graph.get_ops() if (t := op.get_type_name()) in RECURRENT | WITH_BODY)


def _rename(graph: ov.Model, stable: set[str]) -> None:
    """Give every operation whose name is new or not unique a name from its place in the graph."""
    taken: set[str] = set()
    for position, op in enumerate(graph.get_ordered_ops()):
        name = op.get_friendly_name()
        if name not in stable or name in taken:
            name = f"{op.get_type_name()}#{position}"
            op.set_friendly_name(name)
        taken.add(name)
