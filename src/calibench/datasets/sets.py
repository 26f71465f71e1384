"""From what the person gave to the two sets that a calibration needs: samples for the ranges, samples for accuracy."""

import hashlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import openvino as ov
import psutil

from calibench.datasets.ahead import Readable, readable
from calibench.datasets.cache import Cached, cached
from calibench.datasets.caffe.caffe_samples import CaffeSamples, check_prepared
from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.detect import PROTOTXT, holds_images, read_caffe_sets, read_dataset
from calibench.datasets.diverse import choose_by_features
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.datasets.listing import summarise
from calibench.datasets.own_dataset import check_dataset
from calibench.datasets.subset import (
    advice,
    choose,
    choose_by_class,
    count_of,
    drawn_unseen,
    overlap,
    shortfall,
    split,
    whole_of,
)
from calibench.datasets.texts import Texts
from calibench.datasets.vocabulary import check_vocabulary
from calibench.errors import DatasetError, SettingsError
from calibench.progress import Progress
from calibench.settings import DataSettings, Settings

CACHE_BYTES = 4 * 2**30
"""Most that decoded samples may take on disk: 26,000 pictures of 224 x 224."""


@dataclass(frozen=True)
class Opened:
    """A dataset that was read, decoded once and is free of unreadable samples.

    Attributes:
        is_chosen: `samples` are the subset already, in the order of the draw; the others were not looked at.
    """

    source: Dataset
    samples: Dataset
    skipped: tuple[str, ...]
    notes: tuple[str, ...]
    is_chosen: bool = False


@dataclass(frozen=True)
class Sets:
    """The two sets of one calibration.

    Attributes:
        calibration: the samples chosen to set the ranges, in the order in which they are measured.
        total: samples that they were chosen from.
        validation: the samples that decide accuracy.
        has_own_validation: the person gave a set of its own.
        holdout: samples that decide nothing, on which the drop is measured again; None where none was asked for.
        overlap: contents that both set the ranges and decide, or decide and are held out.
    """

    plan: InputPlan
    opened: Opened
    opened_validation: Opened | None
    calibration: Subset
    total: int
    validation: Dataset
    has_own_validation: bool
    notes: tuple[str, ...]
    holdout: Dataset | None = None
    overlap: int = 0


@contextmanager
def open_sets(
    graph: ov.Model,
    dataset: Path | Dataset,
    validation: Path | Dataset | None,
    settings: Settings,
    threads: int,
    progress: Progress,
    home: Path | None = None,
    notes: tuple[str, ...] = (),
) -> Iterator[Sets]:
    """Read, decode, choose and split; decoded samples are kept on disk until the end of the block.

    Args:
        dataset: a .prototxt without `validation` gives both sets: the data of its phases TRAIN and TEST.
        home: the folder of the model, where a tokenizer may lie.
        notes: of whoever chose the sets; where both are of one dataset, they say so.

    Raises:
        DatasetError, SettingsError, ModelError: the samples cannot be read, or do not fit the model.
    """
    for each in (dataset,) if validation is None else (dataset, validation):
        check_dataset(each)
    _check_prepared(dataset, settings)
    caches: list[Cached] = []
    if (held := _held_out_folder(settings)) is not None:
        check_dataset(held)
    with tempfile.TemporaryDirectory(prefix="calibench-") as own:
        folder = settings.cache_dir or Path(own)
        try:
            plan = plan_inputs(graph, settings, images=holds_images(dataset, settings.data))
            _check_memory(plan, settings)
            reading = _Reading(graph, plan, settings.data, () if home is None else (home,), threads, progress)
            dataset, validation, told = _of_both_phases(dataset, validation, reading)
            notes = (*notes, *told)
            opened = _open(dataset, reading, folder / "calibration", caches, None if validation is None else settings)
            other = None if validation is None else _open(validation, reading, folder / "validation", caches)
            held = _held_out_folder(settings)
            third = None if held is None else _open(held, reading, folder / "holdout", caches)
            yield _with_holdout(_make(plan, opened, other, settings, threads, notes), third, settings)
        finally:
            for cache in caches if not settings.keep_cache else ():
                cache.remove()


@dataclass(frozen=True)
class _Reading:
    """How datasets are opened: what stays the same for both."""

    graph: ov.Model
    plan: InputPlan
    data: DataSettings
    near: tuple[Path, ...]
    threads: int
    progress: Progress

    def read(self, path: Path) -> Dataset:
        source = read_dataset(path, self.plan, self.data, self.near)
        if isinstance(source, Texts):
            check_vocabulary(source, self.graph)
        return source


def open_set(
    graph: ov.Model,
    dataset: Path | Dataset,
    settings: Settings,
    threads: int,
    progress: Progress,
    home: Path | None = None,
) -> tuple[InputPlan, Opened]:
    """One dataset, to score a model on; decoded pictures lie on disk as long as the samples are in use."""
    check_dataset(dataset)
    _check_prepared(dataset, settings)
    plan = plan_inputs(graph, settings, images=holds_images(dataset, settings.data))
    near = () if home is None else (home,)
    reading = _Reading(graph, plan, settings.data, near, threads, progress)
    source = reading.read(dataset) if isinstance(dataset, Path) else dataset
    if not isinstance(dataset, Path) or plan.image_input is None:
        return plan, _checked(source, source, threads, progress)
    folder = Path(tempfile.mkdtemp(prefix="calibench-"))
    samples = cached(source, folder, CACHE_BYTES, plan.fingerprint)
    weakref.finalize(samples, shutil.rmtree, folder, ignore_errors=True)
    return plan, _checked(source, samples, threads, progress)


def digest(dataset: Dataset) -> str:
    """SHA-256 over the identities of all samples in order, hex."""
    total = hashlib.sha256()
    for index in range(len(dataset)):
        total.update(dataset.identity(index).encode())
    return total.hexdigest()


def _check_prepared(dataset: Path | Dataset, settings: Settings) -> None:
    if isinstance(dataset, Path) and dataset.suffix == PROTOTXT:
        check_prepared(dataset, settings)


def _of_both_phases(
    dataset: Path | Dataset, validation: Path | Dataset | None, reading: _Reading
) -> tuple[Path | Dataset, Path | Dataset | None, tuple[str, ...]]:
    """The two sets of a .prototxt that was given alone, and what is to be known of them; else what was given."""
    if validation is not None or not isinstance(dataset, Path) or dataset.suffix != PROTOTXT:
        return dataset, validation, ()
    train, test, note = read_caffe_sets(dataset, reading.plan, reading.data)
    return train, test, (note,)


def _open(
    dataset: Path | Dataset, reading: _Reading, folder: Path, caches: list[Cached], chosen_by: Settings | None = None
) -> Opened:
    """Open one set.

    Args:
        chosen_by: a subset is all that is wanted of it; where its choice needs no look at the pictures, others than
            the chosen ones are not read.
    """
    if isinstance(dataset, CaffeSamples):  # its own note was told with both sets
        checked = _checked(dataset, dataset, reading.threads, reading.progress)
        return replace(checked, notes=tuple(note for note in checked.notes if note != dataset.note))
    if not isinstance(dataset, Path):
        return Opened(dataset, dataset, (), ())
    plan = reading.plan
    source = reading.read(dataset)
    if plan.image_input is None:
        return _checked(source, source, reading.threads, reading.progress)
    caches.append(cached(source, folder, CACHE_BYTES, plan.fingerprint))
    order = None if chosen_by is None else drawn_unseen(len(source), chosen_by, has_own_validation=True)
    if chosen_by is None or order is None:
        return _checked(source, caches[-1], reading.threads, reading.progress)
    found = readable(caches[-1], reading.threads, reading.progress, order, count_of(chosen_by.subset, len(source)))
    return replace(_told(source, caches[-1], found), is_chosen=True)


def _check_memory(plan: InputPlan, settings: Settings) -> None:
    """Refuse pictures that cannot fit into memory, before anything tries.

    Raises:
        SettingsError: says what one batch would take.
    """
    values = sum(image.height * image.width * image.channels for image in plan.images) or 1
    wanted, free = values * 4 * settings.batch, psutil.virtual_memory().available
    if wanted > free / 4:
        raise SettingsError(
            f"One batch of inputs would take {wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB of memory are free. "
            "Choose a smaller --size or --batch."
        )


def _checked(source: Dataset, samples: Dataset, threads: int, progress: Progress) -> Opened:
    return _told(source, samples, readable(samples, threads, progress))


def _told(source: Dataset, samples: Dataset, found: Readable) -> Opened:
    problems = source.about.problems
    notes = (summarise(problems), found.note, getattr(samples, "note", None))
    skipped = (*map(str, problems), *found.unreadable)
    return Opened(source, found.samples, skipped, tuple(dict.fromkeys(note for note in notes if note)))


def _held_out_folder(settings: Settings) -> Path | None:
    """The dataset that is held out; None where none is, or where it is a share of the validation dataset.

    Raises:
        SettingsError: it is a number.
    """
    holdout = settings.accuracy.holdout if settings.method == "accuracy-aware" else None
    if holdout is None or holdout.endswith("%"):
        return None
    if re.fullmatch(r"[\d.]+", Path(holdout).name) and not Path(holdout).exists():
        raise SettingsError(f"--holdout {holdout}: there is no such folder. A share is written with %, such as 20%.")
    return Path(holdout)


def _with_holdout(sets: Sets, given: Opened | None, settings: Settings) -> Sets:
    """The sets with samples that decide nothing: those that were given, or a share of the validation dataset.

    Raises:
        SettingsError: the share is none.
    """
    if settings.method != "accuracy-aware" or settings.accuracy.holdout is None:
        return sets
    if given is not None:
        shared = overlap(given.samples, sets.validation) + overlap(given.samples, sets.calibration)
        more = f"{shared} held-out samples are among those that set the ranges or decide: they prove little."
        notes = (*sets.notes, *given.notes, *((more,) if shared else ()))
        return replace(sets, holdout=given.samples, notes=notes, overlap=sets.overlap + shared)
    kept, held = split(sets.validation, 1 - _share(settings.accuracy.holdout))
    note = f"{len(held)} of the {len(sets.validation)} validation samples decide nothing: they are held out."
    return replace(sets, validation=kept, holdout=held, notes=(*sets.notes, note))


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text.removesuffix("%")) / 100
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share < 1:
        raise SettingsError(f"--holdout {text}: is no share. Give more than 0% and less than 100%, or a folder.")
    return share


def _choose(samples: Dataset, settings: Settings, threads: int) -> Subset:
    """The calibration subset, chosen as the settings say.

    Raises:
        DatasetError: by class, and the classes are not known.
    """
    if settings.subset_by == "features":
        return choose_by_features(samples, settings.subset, settings.seed, threads=threads)
    if settings.subset_by == "random":
        return choose(samples, settings.subset, settings.seed)
    if samples.labels is None:
        raise DatasetError(
            f"{samples.name}: a subset by class needs the class of every sample. Take --subset-by random or features."
        )
    return choose_by_class(samples, samples.labels, settings.subset, settings.seed)


def _make(
    plan: InputPlan, opened: Opened, other: Opened | None, settings: Settings, threads: int, told: tuple[str, ...]
) -> Sets:
    notes = [*told, *opened.notes]
    if any(not (image.settings.mean or image.settings.scale) for image in plan.images) and not settings.inputs:
        notes.append(
            "No input setting was given: pictures enter the model as 0..255, RGB. Most models want --mean and --scale."
        )
    half: Dataset
    validation: Dataset
    shared = 0
    if other is None:
        half, validation = split(opened.samples)
        notes.append(
            f"One dataset was given: {len(half)} samples are for calibration, the other {len(validation)} for accuracy."
        )
    else:
        half, validation = opened.samples, other.samples
        notes += other.notes
        shared = overlap(opened.samples, other.samples)
        if shared and not (told and whole_of(opened.source) is whole_of(other.source)):
            notes.append(
                f"{shared} samples are in both datasets: the accuracy is flattered. Use separate sets to avoid that."
            )
    if opened.is_chosen and isinstance(half, Subset):
        chosen, total = half, len(opened.source)
    else:
        chosen, total = _choose(half, settings, threads), len(half)
    notes += [note for note in (advice(len(chosen), total), shortfall(settings.subset, total)) if note]
    return Sets(plan, opened, other, chosen, total, validation, other is not None, tuple(notes), overlap=shared)
