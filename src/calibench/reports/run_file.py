"""What a search was asked for, in OUT/search/run.json: all that `--resume OUT` needs to go on."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import PydanticSerializationError

from calibench.errors import JobError, SettingsError
from calibench.reports.whole_file import write_whole
from calibench.search.folder_lock import SEARCH
from calibench.search.journal_key import absolute
from calibench.settings import Frozen, Settings


class Asked(Frozen):
    """One call of `calibrate` with the accuracy-aware method; every path is absolute."""

    format: Literal[1] = Field(1, description="of this file")
    model: Path
    dataset: Path | None = Field(None, description="None: it was in memory")
    validation: Path | None = Field(None, description="None: there was none, or it was in memory")
    in_memory: bool = Field(False, description="a dataset was an object of the Python caller")
    settings: Settings
    benchmark: bool = True
    is_finished: bool = Field(False, description="the result was moved into OUT")


def asked(model: Path, dataset: Any, validation: Any, settings: Settings, benchmark: bool = True) -> Asked:
    """What a call asked for; datasets are paths, or objects that no file can hold."""
    return Asked(
        model=model.absolute(),
        dataset=_path(dataset),
        validation=_path(validation),
        in_memory=any(given is not None and _path(given) is None for given in (dataset, validation)),
        settings=absolute(settings),
        benchmark=benchmark,
    )


def run_file(out: Path) -> Path:
    """Where it lies."""
    return out / SEARCH / "run.json"


def write_asked(what: Asked, out: Path) -> None:
    """Write it whole or not at all.

    Raises:
        JobError: it cannot be written.
    """
    write_whole(run_file(out), what.model_dump_json(indent=2, exclude_unset=True) + "\n")  # the rest is still open


def check_text(what: Asked) -> None:
    """Refuse before anything is made what cannot be written down: a path that is no text.

    Raises:
        SettingsError: with what to do.
    """
    try:
        what.model_dump_json()
    except PydanticSerializationError:
        raise SettingsError(
            f"{what.model}: a path of this run is no UTF-8 text, so that the search cannot be written down. Rename the "
            "folder or the file."
        ) from None


def read_asked(out: Path) -> Asked:
    """What a run in `out` was asked for.

    Raises:
        JobError: there was none, or its file cannot be read.
    """
    path = run_file(out)
    try:
        return Asked.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise JobError(f"{out}: holds no search to go on with. Give the folder of an accuracy-aware run.") from None
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror}). Give a folder that you may read.") from None
    except ValidationError:
        raise JobError(f"{path}: was changed, or another Calibench wrote it. Begin anew with --force.") from None


def is_unfinished(out: Path) -> bool:
    """Whether `out` holds a search whose result is not there yet, or only in part."""
    try:
        return not (read_asked(out).is_finished and (out / "report.json").exists())
    except JobError:
        return run_file(out).exists()


def _path(given: Any) -> Path | None:
    return Path(given).absolute() if isinstance(given, (str, Path)) else None
