"""The folder of a result: written to one side and renamed, so that it is there whole or not at all."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openvino as ov

from calibench.errors import JobError
from calibench.reports.deploy import write_deploy_script
from calibench.reports.html import write_html
from calibench.reports.per_class import write_classes_csv
from calibench.reports.report import Report, write_report
from calibench.reports.run_file import is_unfinished, run_file
from calibench.search.folder_lock import SEARCH, check_free

RESULT_FILES = frozenset(
    (
        *("model.xml", "model.bin", "report.json", "report.html", "deploy.py", "classes.csv"),
        *("timings.json", "front", SEARCH),  # of the accuracy-aware method
    )
)
FULL = "Is the disk full?"
"""How a JobError ends where what to do depends on the folder; see `naming`."""


@contextmanager
def result_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder to write into, which becomes `out` when the block ends well and disappears otherwise.

    Args:
        force: replace a result that is there already; a folder that holds anything else is never replaced.

    Raises:
        JobError: `out` exists, holds other things than a result, or cannot be written.
    """
    try:
        out = out.resolve()
        check_free(out)
        check_place(out, force)
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise JobError(f"{out}: cannot be written ({error.strerror}). Choose a folder that you may write to.") from None
    try:
        with naming(out, aside, "Nothing was changed there."):
            yield aside
            check_free(out)  # another run may have been faster
            check_place(out, force)
            _swap(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def naming(out: Path, aside: Path, hint: str) -> Iterator[None]:
    """Name the folder that the person knows where something cannot be written, not the one aside.

    Raises:
        JobError: instead of an OSError or one that ends with FULL, with `hint` for what to do.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EACCES and not str(error.filename).startswith((str(aside), str(out))):
            raise  # something else may not be read, such as the dataset
        raise JobError(f"{out}: cannot be written ({error.strerror}). {hint}") from None
    except JobError as error:
        text = str(error).replace(str(aside), str(out))
        raise JobError(f"{text} {hint}" if text.endswith(FULL) else text) from error


@contextmanager
def result_or_temporary(out: Path | None, *, force: bool) -> Iterator[Path]:
    """Where a result is written: `result_folder`, or one that is thrown away when the caller wants no files.

    Raises:
        JobError: as `result_folder`.
    """
    if out is not None:
        with result_folder(out, force=force) as folder:
            yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="calibench-") as name:
            yield Path(name)


def check_keeps_models(out: Path | None) -> None:
    """Refuse the folder of a calibration for a result without a model: replacing it would delete the INT8 model.

    Raises:
        JobError: `out` holds a model, or a search for one.
    """
    for name, file in (("model", "model.xml"), ("search", f"{SEARCH}/run.json")):
        if out is not None and (out / file).exists():
            raise JobError(f"{out}: holds the {name} of a calibration, which would be lost. Give another folder.")


def write_result(report: Report, folder: Path) -> None:
    """Write report.json, and all that is drawn from it: report.html, deploy.py for a calibration, classes.csv.

    Raises:
        JobError: the disk is full or the folder is gone.
    """
    write_report(report, folder / "report.json")
    write_html(report, folder / "report.html")
    if report.kind == "calibration":
        write_deploy_script(report, folder / "deploy.py")
    if report.classes:
        write_classes_csv(report, folder / "classes.csv")


def check_place(out: Path, force: bool) -> None:
    """Whether a result may be written to `out`.

    Raises:
        JobError: it holds a search or a result and not `force`, or anything else.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise JobError(f"{out}: is a file, not a folder. Give another name.")
    held = {path.name for path in out.iterdir()}
    if SEARCH in held and _is_new(out / SEARCH):
        held.remove(SEARCH)
    has_search = run_file(out).exists()
    others = sorted(held - RESULT_FILES) or sorted(held & {SEARCH} if not has_search else ())
    if others or (held and "report.json" not in held and not has_search):
        named = others[0] if others else "a model without report.json"
        raise JobError(f"{out}: holds {named}, which is no result of Calibench. Give another folder; none is emptied.")
    if held and not force:
        if is_unfinished(out):
            raise JobError(f"{out}: holds an unfinished search. Go on with --resume {out}, or begin anew with --force.")
        raise JobError(f"{out}: exists already. Give another folder, or replace it with --force.")


def _is_new(search: Path) -> bool:
    """It holds no more than a run that was killed in its first moment leaves."""
    return search.is_dir() and all(path.name == "lock" or path.name.startswith(".") for path in search.iterdir())


def save_model(graph: ov.Model, folder: Path) -> int:
    """Write model.xml and model.bin; their size together in bytes.

    Raises:
        JobError: the disk is full or the folder is gone.
    """
    try:
        ov.save_model(graph, folder / "model.xml", compress_to_fp16=False)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1][:160]
        raise JobError(f"{folder}: the INT8 model cannot be written ({reason}). {FULL}") from None
    return sum((folder / f"model.{suffix}").stat().st_size for suffix in ("xml", "bin"))


def _swap(aside: Path, out: Path) -> None:
    aside.chmod(0o755)
    if not out.exists():
        aside.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-", suffix=".old", dir=out.parent))
    try:
        out.rename(old / "result")
        try:
            aside.rename(out)
        except OSError:
            (old / "result").rename(out)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
