"""The samples of a calibration, for machines on which its workers start: by content, and only what they lack."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from calibench.caffe.written_paths import ROOT
from calibench.targets.bundle import PATHS, Bundle
from calibench.targets.carried_files import CarriedFile, carried
from calibench.targets.link import Link
from calibench.targets.remote_machine import RemoteMachine

Moved = Callable[[int, int], None]
"""Told the bytes that are there by now, and those that are needed there, of all machines."""

OF_SAMPLES = ("in/dataset/", "in/validation/", "in/holdout/", f"{PATHS}/")
"""Where carried_files puts samples."""
MEGA = 1_000_000


@dataclass(frozen=True)
class WorkerSamples:
    """What workers read, beside the models that they are sent.

    Attributes:
        files: by the path there, relative to a folder of theirs.
        places: absolute path of a dataset here -> its path there, relative too.
        moved: told how far the files are.
    """

    files: Mapping[str, CarriedFile] = field(default_factory=dict)
    places: Mapping[Path, Path] = field(default_factory=dict)
    moved: Moved = lambda done, total: None


NO_SAMPLES = WorkerSamples()


@dataclass(frozen=True)
class Brought:
    """Where samples lie on a machine.

    Attributes:
        folder: that was made for this calibration, absolute; '': the machine had them.
        moved: path here -> path there, as moved_paths.py reads it.
    """

    folder: str = ""
    moved: str = "{}"


def samples_of(bundle: Bundle, moved: Moved) -> WorkerSamples:
    """The samples of a calibration.

    Raises:
        DatasetError: a file is missing or cannot be read.
    """
    there = carried(bundle)
    files = {name: file for name, file in there.files.items() if name.startswith(OF_SAMPLES)}
    pairs = zip(_datasets(bundle), _datasets(there.bundle), strict=True)
    places = {path: place for given, place in pairs for path in (given.absolute(), given.resolve())}
    if there.bundle.started_in is not None:  # files that a prototxt names, with their whole paths
        places[ROOT] = Path(PATHS)
    return WorkerSamples(files, places, moved)


def _datasets(bundle: Bundle) -> list[Path]:
    holdout = bundle.settings.accuracy.holdout
    apart = None if holdout is None or holdout.endswith("%") else Path(holdout)
    return [path for path in (bundle.dataset, bundle.validation, apart) if path is not None]


class Bringing:
    """Brings the samples of one calibration to several machines at once."""

    def __init__(self, samples: WorkerSamples) -> None:
        self._samples = samples
        self._done = self._total = 0

    async def to(self, machine: RemoteMachine, link: Link, told: Callable[[str], None]) -> Brought:
        """Bring them to one machine, unless it has something at each of their paths: then it must be the same.

        Raises:
            LinkLost, TargetError: as of RemoteMachine.
        """
        samples = self._samples
        looks = " && ".join(f"test -r {quote(str(path))}" for path in samples.places)
        if not samples.files or (await link.run(looks)).code == 0:
            return Brought()
        contents = {file.sha256: file for file in samples.files.values() if file.is_needed}
        missing = await machine.missing([(sha256, file.size) for sha256, file in contents.items()])
        lacking = sum(contents[sha256].size - at for sha256, at in missing.items())
        self._count(0, lacking)
        if lacking:
            told(f"{link.name}: {lacking / MEGA:.3g} MB of samples are sent there.")
            await machine.send(
                {sha256: contents[sha256].path for sha256 in missing}, lambda count: self._count(count, 0), missing
            )
        laid = {name: file.sha256 if file.is_needed else None for name, file in samples.files.items()}
        folder = await machine.lay(f"workers-{secrets.token_hex(8)}", laid)
        return Brought(folder, json.dumps({str(path): f"{folder}/{place}" for path, place in samples.places.items()}))

    def _count(self, done: int, total: int) -> None:
        self._done += done
        self._total += total
        if self._total:
            self._samples.moved(min(self._done, self._total), self._total)
