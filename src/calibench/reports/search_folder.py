"""The folder of an accuracy-aware run: it owns OUT from its first second, and OUT/search outlives it.

What the search learns lies in OUT/search. The finished files are written to one side and moved beside it at the end,
report.json last: whoever sees it sees all. A kill at any moment leaves what was there before, or an unfinished search.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calibench.errors import SettingsError
from calibench.reports.result import RESULT_FILES, check_place, naming, result_or_temporary
from calibench.reports.run_file import Asked, check_text, read_asked, write_asked
from calibench.search.folder_lock import SEARCH, check_free, locked
from calibench.search.journal import has_entries

ASIDE = "aside"
"""Where the finished files are written, inside `search`: on the same disk, and found again after a kill."""


@contextmanager
def searched_folder(out: Path, what: Asked, *, force: bool = False, resume: bool = False) -> Iterator[Path]:
    """A folder to write the finished files into, which are moved into `out` when the block ends well.

    Meanwhile OUT/search is there for the journal, locked against other runs. When the block fails before anything was
    kept in the journal, `out` is left as it was, but for an older search that `force` removed.

    Args:
        what: written to OUT/search/run.json; not where a run goes on.
        force: begin anew, whatever result or search is there; a folder that holds anything else is never touched.
        resume: go on with the search that is there.

    Raises:
        JobError: another run is at work in `out`, it holds something else, or it cannot be written.
        SettingsError: both force and resume, or a path that is no text.
    """
    if force and resume:
        raise SettingsError("--force begins anew and --resume goes on: give one of them.")
    check_text(what)
    out = out.resolve()
    aside = out / SEARCH / ASIDE
    with naming(out, aside, "Choose a folder that you may write to."):
        check_free(out)
        _check(out, force, resume)
        (out / SEARCH).mkdir(parents=True, exist_ok=True)
    with naming(out, aside, f"Free some room, then go on with --resume {out}."), locked(out):
        _check(out, force, resume)  # another run may have been faster
        if not resume:
            _clear(out / SEARCH, keep="lock")
            write_asked(what, out)
        try:
            yield _emptied(aside)
        except BaseException:
            _remove(aside)
            if not resume and not has_entries(out):
                _leave_nothing(out)
            raise
        _move(aside, out)
        write_asked(read_asked(out).model_copy(update={"is_finished": True}), out)


@contextmanager
def searched_or_temporary(
    out: Path | None, what: Asked, *, force: bool = False, resume: bool = False
) -> Iterator[Path]:
    """Where the result of a search is written: `searched_folder`, or a folder that is thrown away.

    Raises:
        JobError: as `searched_folder`.
        SettingsError: `resume` without a folder.
    """
    if out is None and resume:
        raise SettingsError("A run goes on in the folder where it began: give it as out.")
    if out is None:
        with result_or_temporary(None, force=force) as folder:
            yield folder
    else:
        with searched_folder(out, what, force=force, resume=resume) as folder:
            yield folder


def _check(out: Path, force: bool, resume: bool) -> None:
    if resume:
        read_asked(out)
    else:
        check_place(out, force)


def _clear(folder: Path, keep: str) -> None:
    """Remove what an earlier search left; run.json stays to the last, so that a kill leaves a search to begin anew."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "run.json"):
        if path.name != keep:
            _remove(path)


def _move(aside: Path, out: Path) -> None:
    """Put the finished files in place of older ones.

    An older report goes first and the new one comes last: in between, there is no report, and the search unfinished.
    """
    for name in sorted(RESULT_FILES - {SEARCH}, key=lambda name: name != "report.json"):
        _remove(out / name)
    for path in sorted(aside.iterdir(), key=lambda path: path.name == "report.json"):
        path.rename(out / path.name)
    aside.rmdir()


def _emptied(folder: Path) -> Path:
    _remove(folder)
    folder.mkdir()
    return folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _leave_nothing(out: Path) -> None:
    """Take back a search that found nothing; an older result beside it stays."""
    with suppress(OSError):
        shutil.rmtree(out / SEARCH)
        out.rmdir()  # refused where something else is in it
