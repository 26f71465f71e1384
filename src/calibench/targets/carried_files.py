"""What of this machine a job on another one needs: its files by content, and the bundle with the paths of there.

Everything travels, but pictures of which it is certain that the job does not read them (needed_samples.py).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from calibench.caffe.databases.records import OF_PROCESSES
from calibench.caffe.written_paths import whole_path
from calibench.datasets.folder import check_folder
from calibench.errors import DatasetError, ModelError, SettingsError
from calibench.settings import Settings
from calibench.targets.bundle import PATHS, Bundle
from calibench.targets.content_hashes import Told, content_hashes

KINDS = ("machine", "baseline", "calibrate", "benchmark", "evaluate", "compare", "try-settings")
"""Jobs that a target can do; the others look at files of this machine only."""
TOKENIZER = "tokenizer.json"
PROTOTXT = ".prototxt"


@dataclass(frozen=True)
class CarriedFile:
    """A file that travels.

    Attributes:
        path: here.
        sha256: of its content; '' where only its name travels.
        size: bytes.
        is_needed: whether its content is read there; else an empty placeholder stands for it.
    """

    path: Path
    sha256: str
    size: int
    is_needed: bool = True


@dataclass(frozen=True)
class Carried:
    """All that travels.

    Attributes:
        files: by the path there, relative to the folder of the job, with '/'.
        bundle: to be written there: its paths are relative, its target is that of there.
    """

    files: Mapping[str, CarriedFile]
    bundle: Bundle

    @property
    def contents(self) -> dict[str, Path]:
        """Hash -> a file here, of every content that is needed there."""
        return {file.sha256: file.path for file in self.files.values() if file.is_needed}

    @property
    def laid(self) -> dict[str, str | None]:
        """As RemoteMachine.lay takes it."""
        return {name: file.sha256 if file.is_needed else None for name, file in self.files.items()}


def carried(bundle: Bundle, told: Told = lambda count: None, memory: Path | None = None) -> Carried:
    """Find and hash everything that a job needs.

    Args:
        told: told the bytes of each file that was hashed; nothing for files that did not change since the last time.
        memory: of the hashes; None: in the cache folder.

    Raises:
        ModelError, DatasetError, SettingsError: a file is missing or cannot travel.
    """
    if bundle.kind not in KINDS:
        raise SettingsError(f"{bundle.kind}: is done on this machine. Leave the target out.")
    paths: dict[str, Path] = {}
    update: dict[str, Any] = {"target": bundle.target and bundle.target.there}
    if bundle.caffe is not None:
        update["model"] = _of_calibrator(bundle, paths)
    elif bundle.model is not None:
        update["model"] = _model(bundle.model, "in/model", paths, bundle)
    if bundle.baseline is not None:
        update["baseline"] = _model(bundle.baseline, "in/baseline", paths, bundle)
    for name in ("dataset", "validation"):
        given = getattr(bundle, name)
        if given is not None:
            update[name] = _dataset(given, f"in/{name}", paths, bundle)
    update["settings"] = _settings(bundle, paths)
    has_whole_paths = any(name.startswith(f"{PATHS}/") for name in paths)
    update["started_in"] = place_there(bundle.started_in or Path.cwd()) if has_whole_paths else None
    there = bundle.model_copy(update=update)
    unread = _unread(bundle)
    hashes = content_hashes(dict.fromkeys(path for path in paths.values() if path not in unread), told, memory)
    files = {
        name: CarriedFile(path, hashes.get(path, ""), path.stat().st_size, path in hashes)
        for name, path in paths.items()
    }
    return Carried(files, there)


def _unread(bundle: Bundle) -> frozenset[Path]:
    if bundle.dataset is None or bundle.validation is None:
        return frozenset()
    from calibench.targets.needed_samples import unread_pictures  # brings OpenVINO

    return unread_pictures(bundle)


def _model(model: Path, below: str, paths: dict[str, Path], bundle: Bundle) -> Path:
    """Note the files of a model; gives its path there."""
    from calibench.targets.find_model import model_files  # brings OpenVINO

    if not model.exists():
        raise ModelError(f"{model}: there is no such file. Give the path of a model.")
    weights = bundle.settings.weights
    if model.suffix.lower() == PROTOTXT:
        from calibench.targets.carried_caffe import files_of_network

        paths |= _with_whole_paths((*model_files(model, weights), *files_of_network(bundle, model)))
        return place_there(model)
    home = model if model.is_dir() else model.parent
    there = f"{below}/{model.name}" if model.is_dir() else below
    for file in model_files(model, weights):
        inner = file.relative_to(home).as_posix() if file.is_relative_to(home) else file.name
        paths[f"{there}/{inner}"] = file
    return Path(below, model.name)


def place_there(path: Path) -> Path:
    """Where a file lies there that keeps its whole path, or a folder of such files."""
    return Path(PATHS, whole_path(path))


def _of_calibrator(bundle: Bundle, paths: dict[str, Path]) -> Path:
    """Note the files of a job of the Caffe calibrator; gives the path of its prototxt there."""
    from calibench.targets.carried_caffe import calibrator_job, files_of_calibrator  # brings OpenVINO

    job = calibrator_job(bundle)
    paths |= _with_whole_paths(files_of_calibrator(bundle, job))
    return place_there(job.model)


def _with_whole_paths(given: Iterable[Path]) -> dict[str, Path]:
    """Files, and those in folders, by their paths there.

    Raises:
        DatasetError: two of them would have the same.
    """
    files = (file for path in given for file in (map(path.joinpath, _files_in(path)) if path.is_dir() else (path,)))
    found: dict[str, Path] = {}
    for file in files:
        if file.name in OF_PROCESSES:
            continue
        before = found.setdefault(place_there(file).as_posix(), file.absolute())
        if before != file.absolute() and not before.samefile(file):  # ".." behind a link leads elsewhere
            raise DatasetError(f"{file} and {before}: lie in the same place but for links. Name one without '..'.")
    return found


def _dataset(dataset: Path, below: str, paths: dict[str, Path], bundle: Bundle) -> Path:
    """Note the files of a dataset; gives its path there."""
    if not dataset.exists():
        raise DatasetError(f"{dataset}: there is no such file or folder. Give the path of a dataset.")
    if dataset.suffix == PROTOTXT:
        from calibench.targets.carried_caffe import files_of_data  # brings OpenVINO

        paths |= _with_whole_paths(files_of_data(bundle, dataset))
        return place_there(dataset)
    if dataset.is_dir():
        check_folder(dataset)
        paths |= {f"{below}/{dataset.name}/{name}": dataset / name for name in _files_in(dataset)}
    else:
        beside = dataset.parent / TOKENIZER
        for file in (dataset, *((beside,) if beside.is_file() else ())):
            paths[f"{below}/{file.name}"] = file
    return Path(below, dataset.name)


def _files_in(folder: Path) -> Iterator[str]:
    """Relative paths of all files that a format may look at: links are followed, hidden files left out."""
    seen = {folder.resolve()}
    for place, folders, names in os.walk(folder, followlinks=True):
        kept = []
        for name in sorted(folders):
            path = Path(place, name)
            if name.startswith((".", "__MACOSX")) or (path.is_symlink() and path.resolve() in seen):
                continue
            seen.add(path.resolve())
            kept.append(name)
        folders[:] = kept
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path.relative_to(folder).as_posix()


def _settings(bundle: Bundle, paths: dict[str, Path]) -> Settings:
    """The settings with the files that they name, as these lie there."""
    settings = bundle.settings
    known = {path.absolute(): name for name, path in paths.items()}

    def place(given: Path, where: str) -> Path:
        path = given.absolute()
        if path not in known:
            if not path.is_file():
                raise SettingsError(f"{where}: there is no file {given}. Name another.")
            known[path] = f"in/settings/{where}/{path.name}"
            paths[known[path]] = path
        return Path(known[path])

    found = _with_places(settings.model_copy(update=_without_cache(settings)), "", place)
    assert isinstance(found, Settings)
    holdout = settings.accuracy.holdout
    if holdout is not None and not holdout.endswith("%") and settings.method == "accuracy-aware":
        there = _dataset(Path(holdout), "in/holdout", paths, bundle)
        accuracy = found.accuracy.model_copy(update={"holdout": there.as_posix()})
        found = found.model_copy(update={"accuracy": accuracy})
    _own_module(settings.metric, paths)
    return found


def _without_cache(settings: Settings) -> dict[str, Any]:
    """Decoded samples are kept below the folder of the job there."""
    return {} if settings.cache_dir is None else {"cache_dir": None}


def _with_places(value: BaseModel, prefix: str, place: Any) -> BaseModel:
    """A group of settings in which every file is named as it lies there; what was not set stays so."""
    update: dict[str, Any] = {}
    for name in type(value).model_fields:
        inner = getattr(value, name)
        if isinstance(inner, Path):
            update[name] = place(inner, f"{prefix}{name}")
        elif isinstance(inner, BaseModel):
            changed = _with_places(inner, f"{prefix}{name}.", place)
            if changed is not inner:
                update[name] = changed
    return value.model_copy(update=update) if update else value


def _own_module(metric: str, paths: dict[str, Path]) -> None:
    """Note the module of a person's own metric where it is of the current folder; jobs start in theirs."""
    first = metric.partition(":")[0].partition(".")[0]
    if ":" not in metric or not first.isidentifier():
        return
    file, package = Path.cwd() / f"{first}.py", Path.cwd() / first
    if package.is_dir():
        paths |= {f"{first}/{name}": package / name for name in _files_in(package) if name.endswith(".py")}
    elif file.is_file():
        paths[file.name] = file
