"""Where the FakeQuantize operations of an INT8 Caffe model stand: the grids that scales ask for, each once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibench.caffe.fused_chain import TensorKey, fused_end, is_constant, key, readers
from calibench.caffe.scales import OUTPUT_BYTES, LayerScales

SAME_SCALE = 1e-5
"""Relative. Scales that differ by less are one: files print six digits at least, and 255 steps move by 0.003 of one."""

MOVES = frozenset(
    (
        *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "MaxPool", "StridedSlice", "Slice", "Gather"),
        *("DepthToSpace", "ShuffleChannels", "Concat"),
    )
)
"""Operations that move values, or choose the larger: rounding in front of them and behind them is the same.

All of them run on bytes in the CPU plugin. Tile and SpaceToDepth do not: behind them a grid has to stand again, or the
layer that reads them would run in float.
"""

KEEPS = MOVES | {"Relu", "Split", "VariadicSplit"}
"""Operations whose output lies on the grid of their inputs."""


@dataclass(frozen=True)
class ActivationGrid:
    """The 256 values of u8 (0 .. 255/scale) or s8 (-128/scale .. 127/scale).

    Attributes:
        is_forced: the tensor holds the integers 0..255 themselves; the grid is what they stand for.
    """

    scale: float
    is_signed: bool
    is_forced: bool = False

    def same(self, other: "ActivationGrid") -> bool:
        """Do both hold the same values?"""
        kind = self.is_signed == other.is_signed and not self.is_forced and not other.is_forced
        return kind and bool(abs(self.scale - other.scale) <= SAME_SCALE * self.scale)

    def bounds(self) -> tuple[np.float32, np.float32]:
        """The lowest and the highest value."""
        low, high = (-128, 127) if self.is_signed else (0, 255)
        return np.float32(low / self.scale), np.float32(high / self.scale)


@dataclass(frozen=True)
class GridSite:
    """A grid on a tensor.

    Attributes:
        readers: the (operation, input) that read it from there; None: all there are, outputs of the net too.
    """

    tensor: TensorKey
    grid: ActivationGrid
    readers: tuple[tuple[str, int], ...] | None


def grid_sites(index: Mapping[str, Any], scales: Mapping[str, LayerScales]) -> tuple[GridSite, ...]:
    """The sites in the order of the layers: those of outputs, then those of inputs that are not on their grid yet.

    Args:
        index: of `graph_index`; the graph is not changed.
    """
    plan = _Plan(index, {}, {})
    for name in index:
        if name in scales and scales[name].out_bits == OUTPUT_BYTES:
            end, ends_in_relu = fused_end(index, name)
            plan.outputs[end] = ActivationGrid(scales[name].scale_out, not ends_in_relu)
    for name in index:
        if name in scales:
            own = scales[name]
            grid = ActivationGrid(own.scale_in, own.is_signed_in and not own.force_u8_input, own.force_u8_input)
            plan.ask(index[name].input_value(0), grid, [(name, 0)])
    plan.hoist()
    outputs = (GridSite(tensor, grid, None) for tensor, grid in plan.outputs.items())
    inputs = (GridSite(tensor, grid, tuple(ports)) for (tensor, grid), ports in plan.inputs.items())
    return (*outputs, *inputs)


@dataclass
class _Plan:
    """Grids on the way to their places."""

    index: Mapping[str, Any]
    outputs: dict[TensorKey, ActivationGrid]
    inputs: dict[tuple[TensorKey, ActivationGrid], list[tuple[str, int]]]

    def ask(self, output: Any, grid: ActivationGrid, ports: list[tuple[str, int]]) -> None:
        """Note that some inputs take a grid, unless what they read lies on it already."""
        if not self._lies_on(output, grid, {}):
            self.inputs.setdefault((key(output), grid), []).extend(ports)

    def hoist(self) -> None:
        """Move the grids above what only moves values, so that it runs on bytes."""
        waiting = list(self.inputs)
        while waiting:
            tensor, grid = waiting.pop()
            ports = self.inputs.get((tensor, grid))
            output = self.index[tensor[0]].output(tensor[1])
            if ports is None or tensor in self.outputs or len(output.get_target_inputs()) > len(ports):
                continue
            node = output.get_node()
            sources = [] if self._flattens_for_product(node, ports) else _moved(node)
            if sources:
                del self.inputs[tensor, grid]
            for port, source in sources:
                self.ask(source, grid, [(node.get_friendly_name(), port)])
                waiting.append((key(source), grid))

    def _flattens_for_product(self, node: Any, ports: Iterable[tuple[str, int]]) -> bool:
        """[N, C, 1, 1] -> [N, C] in front of an inner product: there is nothing to win above it.

        And the CPU plugin computes wrong results where an average over the whole picture, its quantizer, such a
        Reshape and an INT8 MatMul follow one another at batch 1 (OpenVINO 2026.4.1, AVX2).
        """
        flattens = node.get_type_name() in ("Reshape", "Squeeze") and len(node.get_output_partial_shape(0)) == 2
        if not flattens or not any(self.index[name].get_type_name() == "MatMul" for name, _ in ports):
            return False
        places = list(node.get_input_partial_shape(0))[2:]
        return all(size.is_static and size.get_length() == 1 for size in places)

    def _lies_on(self, output: Any, grid: ActivationGrid, seen: dict[TensorKey, bool]) -> bool:
        name = key(output)
        if name not in seen:
            node = output.get_node()
            if name in self.outputs:
                seen[name] = self.outputs[name].same(grid)
            else:
                sources = _data_inputs(node) if node.get_type_name() in KEEPS or _is_nearest(node) else []
                seen[name] = bool(sources) and all(self._lies_on(source, grid, seen) for source in sources)
        return seen[name]


def _moved(node: Any) -> list[tuple[int, Any]]:
    """The inputs above which a grid may move, with their numbers; none where it must stay."""
    if node.get_type_name() not in MOVES and not _is_nearest(node):
        return []
    sources = list(enumerate(_data_inputs(node)))
    return [] if any(is_constant(source) for _, source in sources) else sources


def _data_inputs(node: Any) -> list[Any]:
    values: Iterable[Any] = node.input_values()
    return list(values) if node.get_type_name() == "Concat" else list(values)[:1]


def _is_nearest(node: Any) -> bool:
    return bool(node.get_type_name() == "Interpolate" and node.get_attributes().get("mode") == "nearest")


def free_ports(index: Mapping[str, Any], site: GridSite) -> list[Any]:
    """The inputs that a site serves, in the clone that `index` describes."""
    if site.readers is not None:
        return [index[name].input(port) for name, port in site.readers]
    output = index[site.tensor[0]].output(site.tensor[1])
    return [node.input(port) for node, port in readers(output)]
