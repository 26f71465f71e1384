"""Make a folder of many pictures out of one of a few."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from calibench.datasets.augment import Augmenting, Pixels, Variant, variants
from calibench.datasets.folder import check_folder
from calibench.datasets.images import EXTENSIONS, read_upright
from calibench.datasets.subset import draw
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError, JobError
from calibench.progress import Progress, silent

MARKER = "augment.json"
ADVISED = 100  # pictures; DL Workbench advised at least so many
JPEG = {"quality": 95, "subsampling": 0}  # close to the original: noise of single pixels survives
KEPT = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Augmented:
    """What was made.

    Attributes:
        made: kind of change -> number of pictures; "original" for the originals.
        unreadable: why each picture was left out.
    """

    folder: Path
    made: dict[str, int]
    unreadable: tuple[str, ...]

    @property
    def total(self) -> int:
        """Pictures in the folder."""
        return sum(self.made.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        few = f"{self.total} pictures are few: at least {ADVISED} are advised, 300-1000 for calibration."
        return (*self.unreadable, *((few,) if self.total < ADVISED else ()))

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        counts = ", ".join(f"{number} {kind}" for kind, number in self.made.items())
        return (f"{self.folder}: {self.total} pictures ({counts})", *self.notes)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {"folder": str(self.folder), "total": self.total, "made": self.made, "notes": list(self.notes)}


@dataclass(frozen=True)
class _Job:
    """What is made of one picture, beside the original."""

    source: Path
    stem: str
    changes: tuple[Variant, ...]


def augment_folder(
    source: Path,
    out: Path,
    wanted: Augmenting,
    *,
    force: bool = False,
    threads: int = 1,
    progress: Progress = silent,
) -> Augmented:
    """Write the pictures of a folder and changed copies of them into a flat folder, whole or not at all.

    The same pictures, names and seed give the same files.

    Args:
        force: replace an `out` that this function wrote and nobody added to.

    Raises:
        DatasetError: no folder, or no picture that can be read.
        JobError: `out` holds files, or cannot be written.
    """
    check_folder(source)
    source, out = source.resolve(), out.resolve()
    _check_place(out, force)
    found = sorted(path for path in source.rglob("*") if _is_picture(path, source, out))
    if not found:
        raise DatasetError(f"{source}: no pictures in this folder. Accepted: {', '.join(EXTENSIONS)}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise JobError(f"{out}: cannot be written ({error.strerror}). Choose a folder that you may write to.") from None
    try:
        made, unreadable = _write_all(_jobs(found, source, wanted), aside, wanted.seed, threads, progress)
        if not made:
            raise DatasetError(f"{source}: all {len(found)} pictures are unreadable. The first: {unreadable[0]}")
        files = sorted(path.name for path in aside.iterdir())
        marker = json.dumps({"settings": asdict(wanted), "files": files}, indent=1)
        (aside / MARKER).write_text(marker, encoding="utf-8")
        aside.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        aside.rename(out)
    except OSError as error:
        raise JobError(f"{out}: cannot be written ({error.strerror}). Is the disk full?") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Augmented(out, dict(made), tuple(unreadable))


def _is_picture(path: Path, source: Path, out: Path) -> bool:
    inside = path.relative_to(source).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in inside)
    return path.suffix.lower() in EXTENSIONS and not hidden and out not in path.parents and path.is_file()


def _check_place(out: Path, force: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise JobError(f"{out}: is a file, not a folder. Give another name.")
    try:
        held = {path.name for path in out.iterdir()}
    except OSError as error:
        raise JobError(f"{out}: cannot be read ({error.strerror}). Choose another folder.") from None
    if not held:
        return
    try:
        written = {*json.loads((out / MARKER).read_text(encoding="utf-8"))["files"], MARKER}
    except (OSError, ValueError, KeyError, TypeError):
        raise JobError(f"{out}: holds files already. Give a new folder, or an empty one.") from None
    others = sorted(held - written)
    if others:
        raise JobError(f"{out}: holds {shown(others[0])}, which was not written by augment. Give another folder.")
    if not force:
        raise JobError(f"{out}: exists already. Give another folder, or replace it with --force.")


def _jobs(found: Sequence[Path], source: Path, wanted: Augmenting) -> list[_Job]:
    """All originals, and so many of the changes as the count allows, spread evenly over the pictures."""
    changes = list(variants(wanted))
    total = len(changes) * len(found)
    left = total if wanted.count is None else min(max(wanted.count - len(found), 0), total)
    jobs = []
    for number, (path, stem) in enumerate(
        zip(found, _stems([path.relative_to(source) for path in found]), strict=True)
    ):
        share = left // len(found) + (number < left % len(found))
        order = draw(len(changes), wanted.seed + number)[:share]
        jobs.append(_Job(path, stem, tuple(changes[place] for place in sorted(order))))
    return jobs


def _stems(names: Sequence[Path]) -> list[str]:
    """Names without folders and endings, each once; "__" stands in front of a change only."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = stem = re.sub("_{2,}", "_", "_".join(name.with_suffix("").parts))
        number = 2
        while stem.lower() in taken:
            stem, number = f"{plain}_{number}", number + 1
        taken.add(stem.lower())
        stems.append(stem)
    return stems


def _write_all(
    jobs: Sequence[_Job], folder: Path, seed: int, threads: int, progress: Progress
) -> tuple[Counter[str], list[str]]:
    """Write all files; gives how many of each kind, and why pictures were left out."""
    made: Counter[str] = Counter()
    unreadable: list[str] = []

    def write(job: _Job) -> list[str] | DatasetError:
        try:
            return _write(job, folder, seed)
        except DatasetError as error:
            return error

    with ThreadPoolExecutor(threads, "augment") as pool:
        for number, kinds in enumerate(pool.map(write, jobs)):
            if isinstance(kinds, DatasetError):
                unreadable.append(str(kinds))
            else:
                made.update(kinds)
            progress("write", number + 1, len(jobs))
    return made, unreadable


def _write(job: _Job, folder: Path, seed: int) -> list[str]:
    """Write a picture and its changes; gives the kind of each."""
    pixels = read_upright(job.source)
    suffix = job.source.suffix.lower()
    ending = suffix if suffix in KEPT else ".png"
    if suffix in KEPT:
        shutil.copyfile(job.source, folder / f"{job.stem}{ending}")
    else:
        Image.fromarray(pixels).save(folder / f"{job.stem}{ending}")
    options: dict[str, Any] = {} if ending == ".png" else JPEG
    for variant in job.changes:
        key = hashlib.sha256(f"{seed} {os.fsencode(job.stem)!r} {variant.name}".encode()).digest()
        changed: Pixels = variant.change(pixels, np.random.default_rng(list(key)))
        Image.fromarray(changed).save(folder / f"{job.stem}__{variant.name}{ending}", **options)
    return ["original", *(variant.kind for variant in job.changes)]
