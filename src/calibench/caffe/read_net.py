"""Reads a Caffe network: prototxt and weights, for one phase, as layers of the present layout."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibench.caffe.net import FloatArray, Layer, Net
from calibench.caffe.phase_rules import State, is_included
from calibench.caffe.prototxt import Prototxt, read_prototxt
from calibench.caffe.schema import enum_values
from calibench.caffe.upgrade import present_layers
from calibench.caffe.weights_file import Blobs, read_weights
from calibench.caffe.weights_search import find_weights
from calibench.errors import ModelError

__all__ = ["find_weights", "net_of", "read_net"]

SOLVER_FIELDS = {"net", "train_net", "test_net", "base_lr", "lr_policy", "max_iter"}
"""Fields of a solver's prototxt, which is no net."""


def read_net(
    prototxt: Path, weights: Path | None, phase: str = "TEST", stages: Sequence[str] = (), level: int = 0
) -> Net:
    """The layers that run in a phase, with their blobs.

    Args:
        weights: caffemodel or HDF5; None: the structure alone.
        phase: "TEST" or "TRAIN".
        stages: beside those of `state` in the prototxt.

    Raises:
        ModelError: a file cannot be read, a rule or an input is wrong, or a layer reads a blob that nobody made.
    """
    text = read_prototxt(prototxt)
    return net_of(text, read_weights(weights) if weights else {}, weights, State(phase, level, frozenset(stages)))


def net_of(text: Prototxt, blobs: Blobs, weights: Path | None, state: State) -> Net:
    """The net of a prototxt that is read already; the rest as in `read_net`.

    Args:
        blobs: of the weights file, by layer; {} for the structure alone.
    """
    state = State(state.phase, state.level, state.stages | frozenset(text.message.state.stage))
    inputs = _inputs(text)
    layers = tuple(_layers(text, state))
    if not layers:
        raise _no_layers(text, state)
    _check_flow(layers, inputs, text.path, state.phase)
    if blobs and not any(layer.name in blobs for layer in layers):
        raise ModelError(f"{weights}: has weights for no layer of {text.path}. Give the caffemodel that belongs to it.")
    return Net(
        name=text.message.name,
        layers=tuple(_with_blobs(layers, blobs)),
        inputs=inputs,
        path=text.path,
        weights=weights,
        phase=state.phase,
    )


def _layers(text: Prototxt, state: State) -> Iterator[Layer]:
    """The layers that run, without blobs."""
    if state.phase not in enum_values("Phase"):
        raise ModelError(f"There is no phase '{state.phase}'; phases are TRAIN and TEST.")
    try:
        present = present_layers(text.message)
    except ModelError as error:
        raise ModelError(f"{text.path}: {error}") from None
    for params, number in present:
        line = text.layers[number].line
        try:
            if not is_included(params, state):
                continue
        except ModelError as error:
            raise ModelError(f"{text.path}: line {line}: layer '{params.name}' {error}") from None
        yield Layer(
            name=params.name,
            type=params.type,
            bottoms=tuple(params.bottom),
            tops=tuple(params.top),
            params=params,
            line=line,
        )


def _inputs(text: Prototxt) -> dict[str, tuple[int, ...]]:
    """Shapes of the legacy inputs."""
    net = text.message
    names = list(net.input)
    if net.input_shape:
        shapes = [tuple(shape.dim) for shape in net.input_shape]
    else:
        dims = list(net.input_dim)
        shapes = [tuple(dims[start : start + 4]) for start in range(0, len(dims), 4)]
        if len(dims) % 4:
            raise ModelError(f"{text.path}: has {len(dims)} lines 'input_dim'; each input needs 4.")
    if len(shapes) != len(names):
        raise ModelError(f"{text.path}: has {len(names)} lines 'input', but shapes for {len(shapes)}.")
    return dict(zip(names, shapes, strict=True))


def _no_layers(text: Prototxt, state: State) -> ModelError:
    if SOLVER_FIELDS & {name for name, _ in text.unknown}:
        return ModelError(f"{text.path}: is a solver, not a net. Give the file that its line 'net' names.")
    if not text.layers:
        return ModelError(f"{text.path}: holds no layers, so it is no Caffe net.")
    return ModelError(f"{text.path}: none of its {len(text.layers)} layers runs in the phase {state.phase}.")


def _check_flow(layers: Sequence[Layer], inputs: dict[str, tuple[int, ...]], path: Path, phase: str) -> None:
    """Every layer reads what an earlier one made, and no blob is made twice but in place."""
    made = dict.fromkeys(inputs, "an input")
    for layer in layers:
        where = f"{path}: line {layer.line}: layer '{layer.name}'"
        for name in layer.bottoms:
            if name not in made:
                raise ModelError(f"{where} reads the blob '{name}', which no earlier layer makes in the phase {phase}.")
        for number, name in enumerate(layer.tops):
            is_in_place = layer.bottoms[number : number + 1] == (name,)
            if name in made and not is_in_place:
                raise ModelError(f"{where} makes the blob '{name}' again, which {made[name]} has made.")
            made[name] = f"layer '{layer.name}'"


def _with_blobs(layers: Sequence[Layer], blobs: Blobs) -> Iterator[Layer]:
    """The layers with the blobs of their names; a parameter with a name is that of the first layer that has it."""
    owned: dict[str, FloatArray] = {}
    for layer in layers:
        own = list(blobs.get(layer.name, ()))
        for number, spec in enumerate(layer.params.param):
            if not spec.name:
                continue
            if spec.name in owned:
                own.extend([np.empty(0, np.float32)] * (number + 1 - len(own)))
                own[number] = owned[spec.name]
            elif number < len(own) and own[number].size:
                owned[spec.name] = own[number]
        yield replace(layer, blobs=tuple(own))
