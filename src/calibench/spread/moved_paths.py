"""Values that were packed on another machine: the files that they name may lie elsewhere on this one.

Samples travel to workers as the object that reads them, with the paths of the machine that shares a calibration. Where
its files were brought to a worker, the environment of that worker says which folder stands for which.
"""

import json
import os
import pickle
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import PurePath
from typing import Any

VARIABLE = "CALIBENCH_MOVED"
"""Of a worker: JSON, absolute path of a folder or file on the machine that asks -> where it lies here."""


def unpacked(packed: bytes) -> Any:
    """What `cloudpickle.dumps` packed, with the paths of here.

    Raises:
        ImportError: it needs a module that is not here.
    """
    return _Unpickler(BytesIO(packed), json.loads(os.environ.get(VARIABLE, "{}"))).load()


def moved(path: PurePath, places: Mapping[str, str]) -> PurePath:
    """Where a path of the other machine lies here; one below no known place stays."""
    for place in (path, *path.parents):
        if (here := places.get(str(place))) is not None:
            return type(path)(here, path.relative_to(place))
    return path


class _Unpickler(pickle.Unpickler):
    """Makes every path that of here."""

    def __init__(self, file: BytesIO, places: Mapping[str, str]) -> None:
        super().__init__(file)
        self._places = places

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if self._places and isinstance(found, type) and issubclass(found, PurePath):
            return partial(_made, found, self._places)
        return found


def _made(kind: type[PurePath], places: Mapping[str, str], *parts: str) -> PurePath:
    return moved(kind(*parts), places)
