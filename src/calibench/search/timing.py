"""How long layers take in FP32 and in INT8 on this machine: what a layer in float costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.errors import SettingsError
from calibench.inference.profile import LayerTime, profile
from calibench.search.values import Configuration

RUNS = 12
"""Inferences of a turn; the fastest counts, because what disturbs a machine only adds."""
TURNS = 2


@dataclass(frozen=True)
class Timings:
    """Measured once, and stored: what is decided by time can be decided again in the same way.

    Attributes:
        fp32_ms, int8_ms: of one inference, one request at a time, all layers; without the time between them.
        saves_ms: by how much INT8 runs each layer faster; negative where it is slower.
    """

    fp32_ms: float
    int8_ms: float
    saves_ms: Mapping[str, float]

    def time_ms(self, configuration: Configuration) -> float:
        """Predicted time of one inference of a configuration."""
        return self.int8_ms + sum(self.saves_ms.get(name, 0.0) for name in configuration.floats)


def measure_timings(
    fp32: ov.Model, int8: ov.Model, layers: Sequence[str], sample: Sample, run: tuple[str, int, str]
) -> Timings:
    """Profile both models in turns.

    Args:
        fp32, int8: take the sample as it is.
        layers: names of those that could be given back.
        run: device, threads, precision of the float layers as deployed.
    """
    device, threads, precision = run
    found: dict[str, list[tuple[LayerTime, ...]]] = {"fp32": [], "int8": []}
    for _ in range(TURNS):
        for name, model, hint in (("fp32", fp32, precision), ("int8", int8, precision)):
            found[name].append(profile(model, sample, device, hint, threads, RUNS))
    before, after = (_fastest(turns) for turns in found.values())
    return Timings(
        sum(each.time_ms for each in before.values()),
        sum(each.time_ms for each in after.values()),
        _savings(before, after, layers),
    )


def _fastest(turns: Sequence[tuple[LayerTime, ...]]) -> dict[str, LayerTime]:
    """Every layer of the runtime in its fastest turn."""
    best: dict[str, LayerTime] = {}
    for layer in (layer for turn in turns for layer in turn):
        if layer.name not in best or layer.time_ms < best[layer.name].time_ms:
            best[layer.name] = layer
    return best


def _savings(
    before: Mapping[str, LayerTime], after: Mapping[str, LayerTime], layers: Sequence[str]
) -> dict[str, float]:
    """FP32 less INT8 of every layer whose time is known in both; 0 for what is computed along with another."""
    wanted = set(layers)
    times = [_by_layer(each, wanted) for each in (before, after)]
    return {name: times[0][name] - times[1][name] for name in layers if all(name in each for each in times)}


def _by_layer(times: Mapping[str, LayerTime], wanted: set[str]) -> dict[str, float]:
    """Time of each wanted layer; where several run as one, the first has the time and the others 0."""
    found: dict[str, float] = {}
    for layer in times.values():
        named = [name for name in (layer.name, *layer.original_names) if name in wanted]
        for place, name in enumerate(dict.fromkeys(named)):
            found[name] = found.get(name, 0.0) + (layer.time_ms if place == 0 else 0.0)
    return found


def write_timings(timings: Timings, path: Path) -> None:
    """Write timings.json."""
    path.write_text(json.dumps(asdict(timings), indent=1) + "\n", encoding="utf-8")


def timings_of(path: Path, layers: Sequence[str]) -> Timings:
    """The timings in a file, which must be of this network.

    Raises:
        SettingsError: as `read_timings`; or the file names none of the layers.
    """
    found = read_timings(path)
    if layers and not set(layers) & set(found.saves_ms):
        raise SettingsError(
            f"--timings {path}: holds no layer of this network. Give the timings.json of a run with the same model."
        )
    return found


def as_timings(values: Any) -> Timings:
    """From JSON.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is something else.
    """
    saves = {str(name): float(value) for name, value in values["saves_ms"].items()}
    found = Timings(float(values["fp32_ms"]), float(values["int8_ms"]), saves)
    if not all(isfinite(each) for each in (found.fp32_ms, found.int8_ms, *saves.values())):
        raise ValueError(values)
    return found


def read_timings(path: Path) -> Timings:
    """Read what `write_timings` wrote.

    Raises:
        SettingsError: the file is missing or holds something else.
    """
    try:
        return as_timings(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"--timings {path}: cannot be read ({error.strerror}). Give a timings.json.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SettingsError(f"--timings {path}: is no timings.json of a search. Give the file of a result.") from None
