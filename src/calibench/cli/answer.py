"""What every command has in common: errors as one line with an exit code, JSON alone on stdout, a log file."""

import errno
import functools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, ParamSpec, Protocol

import typer

from calibench.errors import CalibenchError, Cancelled, JobError, SettingsError

DONE, FAILED, WRONG_INPUT, TARGET_MISSED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; TARGET_MISSED is for a calibration that may not lose more than so much accuracy."""

INTERRUPTED_SENTENCE = "Interrupted; nothing was written."
"""Unless a command knows better: `Cancelled` with a sentence of its own."""

P = ParamSpec("P")

log = logging.getLogger("calibench")
log.addHandler(logging.NullHandler())  # without --log-file nothing but our own sentences goes to stderr


def answers(command: Callable[P, None]) -> Callable[P, None]:
    """Make a function a command: it may raise our errors, be interrupted, and must have json_, log_file and debug."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json, log_file, debug = (kwargs.get(name) for name in ("json_", "log_file", "debug"))
        try:
            with _logging_to(log_file if isinstance(log_file, Path) else None):
                log.info("calibench %s", " ".join(sys.argv[1:]))
                try:
                    _run(command, *args, **kwargs)
                except CalibenchError as error:
                    log.error("%s: %s", type(error).__name__, error, exc_info=True)
                    raise
        except CalibenchError as error:
            if debug:
                _print_traceback(error)
            if as_json:
                print_json({"error": {"kind": type(error).__name__, "message": str(error)}})
            typer.echo(_one_line(f"{type(error).__name__}: {error}"), err=True)
            raise typer.Exit(FAILED if isinstance(error, JobError) else WRONG_INPUT) from None
        except BrokenPipeError:  # who read our answer has seen enough; the work is done
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        except (KeyboardInterrupt, Cancelled) as stopped:
            sentence = str(stopped) or INTERRUPTED_SENTENCE
            log.warning(sentence)
            typer.echo(_one_line(sentence), err=True)
            raise typer.Exit(INTERRUPTED) from None

    return run


def _run(command: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a command; a path that no system can look up is the person's, wherever it comes up.

    Raises:
        SettingsError: a path is too long, its links lead in a circle, or it may not be read.
    """
    try:
        command(*args, **kwargs)
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES):
            raise
        where = str(error.filename)
        short = where if len(where) < 200 else f"{where[:100]} ... {where[-50:]}"
        raise SettingsError(f"{short}: cannot be looked up ({error.strerror}). Give another path.") from None


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _one_line(text: str) -> str:
    """With line ends and what steers a terminal, which names of files may hold, written as escapes."""
    from calibench.datasets.unreadable import shown  # brings Pillow, which --help need not wait for

    return shown(text)


class Answer(Protocol):
    """What a step of the pipeline gives for a person and for a program."""

    @property
    def lines(self) -> tuple[str, ...]: ...

    def as_json(self) -> dict[str, Any]: ...


def print_lines(answer: Answer, as_json: bool) -> None:
    """The answer on stdout, for a program or for a person."""
    if as_json:
        print_json(answer.as_json())
    else:
        for line in answer.lines:
            typer.echo(_one_line(line))


@contextmanager
def quiet_stdout(wanted: bool) -> Iterator[None]:
    """Send to stderr whatever libraries print on stdout, in Python and in C++, so that only our answer is there."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def stop_on_sigterm() -> None:
    """Make SIGTERM, and SIGHUP of a closed terminal, end a run as Ctrl-C does: temporary files are removed."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, interrupt)


def show_bugs_in_one_line(debug: bool) -> None:
    """What nobody foresaw is a fault of Calibench: one line, the traceback in the log file or with --debug."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if debug:
            sys.__excepthook__(kind, error, trace)
            return
        first = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
        print(
            f"Internal error: {kind.__name__}: {first}. This is a fault of Calibench: please report it, "
            "with what --debug shows.",
            file=sys.stderr,
        )

    sys.excepthook = show


def _print_traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)


def _lose_line(record: logging.LogRecord) -> None:
    """A log that cannot be written (a full disk) is no reason to lose the run."""


@contextmanager
def _logging_to(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--log-file {path}: cannot be written ({error.strerror}). Choose another.") from None
    handler.handleError = _lose_line  # type: ignore[method-assign]
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with suppress(OSError):
            handler.close()
