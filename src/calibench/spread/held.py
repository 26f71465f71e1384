"""What a worker process holds: values that were shared with it, and the models that it compiled last.

Imported by workers, and by who sends work to them; needs Dask.
"""

import hashlib
import pickle
import signal
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import openvino as ov
from distributed import Worker, WorkerPlugin, get_worker

from calibench import __version__
from calibench.datasets.dataset import Dataset
from calibench.errors import DatasetError, SettingsError, TargetError
from calibench.inference.runner import compile_for_samples, core
from calibench.machine import FLAGS, cpu_flags
from calibench.spread.moved_paths import unpacked

MOST_MODELS = 2
"""Compiled models a worker keeps: the trial at hand, and one before it."""


@dataclass(frozen=True)
class Sent:
    """A model as it travels.

    Attributes:
        digest: SHA-256 of both files, hex: what a worker knows it by.
        xml, bin: the two files of OpenVINO's format.
        device, precision: as `compile_for_samples` takes them.
    """

    digest: str
    xml: bytes
    bin: bytes
    device: str
    precision: str


def sent(xml: bytes, weights: bytes, device: str, precision: str) -> Sent:
    """A model with its digest."""
    digest = hashlib.sha256()
    for part in (device.encode(), precision.encode(), xml, weights):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return Sent(digest.hexdigest(), xml, weights, device, precision)


def build_of() -> dict[str, str]:
    """What the bits of an inference depend on, beside the model."""
    flags = " ".join(flag for flag in FLAGS if flag in cpu_flags())
    return {"Calibench": __version__, "OpenVINO": str(ov.__version__), "CPU flags": flags or "none"}


class Shared(WorkerPlugin):
    """A value that every worker holds, also one that comes later; unpacked when it is first asked for.

    Attributes:
        same: of a dataset: numbers of the samples that were compared with those of the one who asks.
    """

    def __init__(self, name: str, value: Any) -> None:
        """Pack a value.

        Raises:
            SettingsError: it cannot leave this process.
        """
        self.name = name
        self.same: set[int] = set()
        self._build = build_of()
        try:
            self._packed = cloudpickle.dumps(value)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise SettingsError(
                f"What was given cannot be sent to worker processes ({error}). Give the dataset as a path and the "
                "metric as package.module:function, or go without workers."
            ) from None

    def setup(self, worker: Worker) -> None:
        """Keep temporary files where Dask removes them with the worker."""
        tempfile.tempdir = worker.local_directory

    @cached_property
    def value(self) -> Any:
        """What was packed.

        Raises:
            TargetError: this worker would give other bits, or lacks a module.
        """
        for what, wanted in self._build.items():
            if (here := build_of()[what]) != wanted:
                raise TargetError(
                    f"A worker of the cluster has {what} {here}, this machine {wanted}: its results would not be the "
                    "same. Give workers that are like this machine."
                )
        try:
            return unpacked(self._packed)
        except ImportError as error:
            raise TargetError(f"A worker of the cluster cannot open the samples: {error}. Install it there.") from None


class Compiled(WorkerPlugin):
    """The models that a worker compiled last."""

    name = "calibench-compiled"

    def __init__(self, *, is_owned: bool) -> None:
        """Args: is_owned: the worker is a process of the calibration, which ends it after Ctrl-C."""
        self._models: dict[str, ov.CompiledModel] = {}
        self._is_owned = is_owned

    def setup(self, worker: Worker) -> None:
        """Leave Ctrl-C, which a terminal sends to all, to the one who owns the worker."""
        if self._is_owned and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def compiled(self, model: Sent) -> ov.CompiledModel:
        """The model with one thread, which shares the machine with others."""
        found = self._models.pop(model.digest, None)
        if found is None:
            graph = core.read_model(model=model.xml, weights=model.bin)
            found = compile_for_samples(graph, model.device, 1, model.precision, is_alone=False)
        self._models[model.digest] = found
        while len(self._models) > MOST_MODELS:
            self._models.pop(next(iter(self._models)))
        return found


def held(name: str) -> Any:
    """On a worker: the shared value of that name."""
    shared: Any = get_worker().plugins[name]
    return shared.value


def compiled_here(model: Sent) -> ov.CompiledModel:
    """On a worker: the model, compiled once."""
    kept: Any = get_worker().plugins[Compiled.name]
    found: ov.CompiledModel = kept.compiled(model)
    return found


def held_samples(name: str, indices: Sequence[int], identities: Sequence[str]) -> Dataset:
    """On a worker: the shared dataset of that name, where these samples are those of the one who asks.

    Another machine may have others at the same path. Each is looked at once.

    Raises:
        DatasetError: names the first that is another one.
    """
    shared: Any = get_worker().plugins[name]
    samples: Dataset = shared.value
    for index, identity in zip(indices, identities, strict=True):
        if index in shared.same:
            continue
        if samples.identity(index) != identity:
            raise DatasetError(
                f"{samples.describe(index).name}: a worker of the cluster has another file there. Give all machines "
                "the same dataset at the same path, or none: what starts over SSH then gets it from here."
            )
        shared.same.add(index)
    return samples
