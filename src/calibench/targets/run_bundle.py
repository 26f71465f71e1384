"""Run the job of a folder, and say in the folder how it ended; nothing that happens to it is left unsaid."""

import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from calibench import __version__
from calibench.caffe.written_paths import Origin, written_for
from calibench.errors import CalibenchError, Cancelled, JobError
from calibench.store.disk import FULL
from calibench.targets.bundle import END, LOG, OUT, PATHS, TEMPORARY, Bundle, End
from calibench.targets.bundle_files import EventLog, is_cancel_asked, read_bundle, remove_temporary, write_end
from calibench.targets.overall import Overall, way_of
from calibench.targets.running import Running
from calibench.targets.target_check import PASSPHRASE
from calibench.targets.teller import Teller, say
from calibench.things.asked import Points
from calibench.things.kept import Failure, JobKind

NO_MEMORY = ("std::bad_alloc", "Resource temporarily unavailable", "Cannot allocate memory")
"""How OpenVINO and the system say it, the second of them of a thread that needs a stack."""
LOOK: JobKind = "machine"
"""Looks at a target from here, whatever is or is not there."""
MODELS = 2
"""That are measured side by side, as a rule."""

Body = Callable[[Running], dict[str, Any]]
"""Does the work of one kind of job, and gives the result that end.json holds."""


def run_bundle(folder: Path) -> End:
    """Do the work of a bundle; how it ended stands in end.json too.

    Raises:
        JobError: nothing can be written to the folder.
    """
    if not folder.is_dir():
        raise JobError(f"{folder}: there is no such folder. Give the folder of a job.")
    try:
        with _own_temporary(folder.resolve()) if works_here(folder) else nullcontext():
            (folder / END).unlink(missing_ok=True)  # of an attempt before this one
            end = _ended(folder)
            write_end(end, folder)
    except OSError as error:
        raise JobError(f"{folder}: cannot be written ({error.strerror}). Is the disk full?") from None
    return end


def works_here(folder: Path) -> bool:
    """Whether this process does the work of a job itself; else it carries it, and needs nothing of its own."""
    try:
        target = read_bundle(folder).target
    except JobError:  # it is said later
        return True
    return target is None or not target.is_carried


@contextmanager
def _own_temporary(folder: Path) -> Iterator[None]:
    """Keep decoded samples and what else is temporary in the job's folder, so that a kill leaves it nowhere else."""
    place, before = folder / TEMPORARY, tempfile.tempdir
    remove_temporary(folder)  # of an attempt that was killed
    place.mkdir()
    tempfile.tempdir = str(place)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(place, ignore_errors=True)


def _ended(folder: Path) -> End:
    """Run, and turn whatever comes of it into an End."""
    job: Running | None = None
    try:
        bundle = read_bundle(folder)
        say(f"calibench {__version__}: {bundle.kind}")
        job = _running(folder.resolve(), bundle)
        if bundle.target is not None and bundle.target.is_carried and bundle.kind != LOOK:
            return _carry(folder.resolve(), bundle)
        if is_cancel_asked(folder):
            return End(state="cancelled")
        with written_for(_origin(job)):
            result = _body(bundle)(job)
        job.tell.finish()
        return End(state="done", result=result)
    except (KeyboardInterrupt, Cancelled):
        say("cancelled")
        return End(state="cancelled")
    except CalibenchError as error:
        _log_traceback(folder)
        return _failed(job, type(error).__name__, str(error))
    except OSError as error:  # a full disk, a file that went away: nobody's fault here
        _log_traceback(folder)
        if error.errno in FULL:
            return _failed(
                job, JobError.__name__, "The disk is full. Free some room in the data folder, and try again."
            )
        where = f"{error.filename}: " if error.filename else ""
        return _failed(job, JobError.__name__, f"{where}{error.strerror or error}. Is a file gone?")
    except Exception as error:  # the one who starts us has nobody else to ask what went wrong
        _log_traceback(folder)
        told = _telling(str(error)) or "no message"
        if isinstance(error, MemoryError) or told in NO_MEMORY:  # such as for a size of the input that nobody meant
            sentence = f"Not enough memory ({told}). Ask for less, such as a smaller input, or end other programs."
            return _failed(job, JobError.__name__, sentence)
        return _failed(job, "InternalError", f"{type(error).__name__}: {told}. This is a fault of Calibench.")


def _carry(folder: Path, bundle: Bundle) -> End:
    """The same, done by another machine."""
    from calibench.targets.carrying import carry  # what it needs is not needed here otherwise

    return carry(folder, bundle, os.environ.get(PASSPHRASE))


def _telling(message: str) -> str:
    """The line of a message that says something: OpenVINO begins with lines that name places in its own source."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from ", "Check '"))]
    return next(iter(told or lines), "").rstrip(".")


def _failed(job: Running | None, kind: str, message: str) -> End:
    named = job.named(message) if job is not None else message
    say(f"{kind}: {named}")
    return End(state="failed", failure=Failure(kind=kind, message=named))


def _running(folder: Path, bundle: Bundle) -> Running:
    (folder / OUT).mkdir(exist_ok=True)
    points = bundle.points or (Points() if bundle.kind == "benchmark" else None)
    is_searched = bundle.settings.method == "accuracy-aware"
    way = way_of(bundle.kind, is_accuracy_aware=is_searched, points_s=_points_s(points))
    tell = Teller(EventLog(folder), Overall(way), is_cancel_asked=partial(is_cancel_asked, folder))
    return Running(folder, bundle, tell)


def _points_s(points: Points | None) -> float:
    """Seconds that measuring takes: every point in every round, and once more for the latency."""
    if points is None:
        return 0.0
    return MODELS * len(points.batches) * len(points.streams) * (points.rounds + 1) * points.seconds


def _log_traceback(folder: Path) -> None:
    """Into log.txt, which stderr is already where the server started us."""
    with suppress(OSError):
        if (folder / LOG).exists() and os.path.samestat(os.fstat(2), (folder / LOG).stat()):
            traceback.print_exc(file=sys.stderr)
            return
        with (folder / LOG).open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)


def _origin(job: Running) -> Origin:
    """What the paths in a prototxt refer to: this machine, or what was brought here with it."""
    root, started_in = job.folder / PATHS, job.bundle.started_in or Path.cwd()
    return Origin(started_in, root) if started_in.is_relative_to(root) else Origin(started_in)


def _body(bundle: Bundle) -> Body:
    """Each body brings what it needs of OpenVINO, and no more: a job should begin at once."""
    from importlib import import_module

    home, name = BODIES[bundle.kind] if bundle.caffe is None else OF_CAFFE
    body: Body = getattr(import_module(f"calibench.targets.{home}"), name)
    return body


BODIES: dict[JobKind, tuple[str, str]] = {
    "import-model": ("import_model", "import_model"),
    "import-dataset": ("import_dataset", "import_dataset"),
    "sample": ("smaller_jobs", "make_sample"),
    "machine": ("smaller_jobs", "look_at_machine"),
    "pick": ("smaller_jobs", "pick_point"),
    "baseline": ("measuring_jobs", "run_baseline"),
    "benchmark": ("measuring_jobs", "run_benchmark"),
    "evaluate": ("measuring_jobs", "run_evaluation"),
    "compare": ("measuring_jobs", "run_comparison"),
    "calibrate": ("calibration_job", "run_calibration"),
    "try-settings": ("measuring_jobs", "run_trying"),
}
"""Kind of job: module beside this one, and its function."""
OF_CAFFE = ("caffe_job", "run_caffe")
"""The same of a calibration by the Caffe calibrator."""
