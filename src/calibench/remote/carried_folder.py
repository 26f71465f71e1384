"""The folder of a job that this process carries to a target: run it, tell how far it is, and what becomes of it."""

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from calibench.errors import KINDS, CalibenchError, Cancelled, JobError, TargetError
from calibench.remote.hearing import Hearing
from calibench.targets.bundle import BUNDLE, CANCEL, LOG, End
from calibench.targets.bundle_files import ask_cancel, read_end, read_events
from calibench.targets.remote_record import is_left_there
from calibench.targets.teller import logged

GOES_ON = ("LinkLost", "TargetError", "JobError")
"""Failures after which a job may be gone on with: it is not wrong itself."""
SEARCH_RUN = "out/search/run.json"
"""In the folder of a job: what an interrupted search was asked for. While it is there, it can be gone on with."""
LOOK_S = 0.1
_HERE = threading.Lock()
"""Work of this process itself, which shares one folder for what is temporary."""


def is_begun(out: Path) -> bool:
    """Whether a calibration for `out` is under way on a target."""
    return (job_folder(out.resolve()) / BUNDLE).is_file()


def job_folder(out: Path) -> Path:
    """Where the job of a calibration is carried from, beside its result."""
    return out.with_name(f".{out.name}.job")


def put(result: Path, out: Path, force: bool) -> None:
    """Files that came from a target go to where they were asked for, all or none."""
    from calibench.reports.result import result_folder

    with result_folder(out, force=force) as place:
        for path in result.iterdir():
            shutil.move(path, place / path.name)


def carried(folder: Path, name: str, hear: Hearing, again: str = "") -> End:
    """Run the job of a folder; where it came to nothing, the folder goes, unless the job can be gone on with.

    Args:
        name: of the target.
        again: the command that goes on; '': that of any job.

    Raises:
        CalibenchError: of the kind by which it failed.
        Cancelled: it was stopped there, too.
    """
    from calibench.targets.run_bundle import run_bundle, works_here

    (folder / CANCEL).unlink(missing_ok=True)  # of a run before this one
    with (
        _told(folder, hear) as raised,
        (folder / LOG).open("a", encoding="utf-8") as log,
        logged(log),
        _HERE if works_here(folder) else nullcontext(),
    ):
        end = run_bundle(folder)
    if raised and not isinstance(raised[0], Cancelled):
        if not _can_go_on(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise raised[0]
    if end.state == "done":
        return end
    again = again or f"calibench run {folder}"
    if end.failure is None:
        raise Cancelled(_interrupted(folder, name, again))
    kind: type[CalibenchError] = KINDS.get(
        end.failure.kind, TargetError if end.failure.kind == "LinkLost" else JobError
    )
    if end.failure.kind in GOES_ON and _can_go_on(folder):
        raise kind(f"{end.failure.message} Go on with what is there: {again}")
    shutil.rmtree(folder, ignore_errors=True)
    raise kind(end.failure.message)


@contextmanager
def aside() -> Iterator[Path]:
    """A folder for a job without files of a result; it stays where the job can be gone on with."""
    folder = Path(tempfile.mkdtemp(prefix="calibench-job-"))
    try:
        yield folder
    finally:
        if not _is_kept(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _interrupted(folder: Path, name: str, again: str) -> str:
    """What became of a job that was interrupted; its folder goes, unless it can be gone on with."""
    if is_left_there(folder):
        return f"Interrupted; the job could not be stopped on {name}, and may go on there. Go on with it: {again}"
    if (folder / SEARCH_RUN).is_file():
        return f"Interrupted; the job was stopped on {name} too. What its search has found is kept. Go on: {again}"
    shutil.rmtree(folder, ignore_errors=True)
    return f"Interrupted; the job was stopped on {name} too, and nothing was written."


def _is_kept(folder: Path) -> bool:
    """Whether its job came to no end, and can be gone on with."""
    end = read_end(folder) if folder.is_dir() else None
    if end is None or end.state == "done" or (end.failure is not None and end.failure.kind not in GOES_ON):
        return False
    return _can_go_on(folder)


def _can_go_on(folder: Path) -> bool:
    """Whether there is something of a job: on its target, or here what its search has found."""
    return is_left_there(folder) or (folder / SEARCH_RUN).is_file()


@contextmanager
def _told(folder: Path, hear: Hearing) -> Iterator[list[BaseException]]:
    """Pass on the events of a folder while something works in it; what a callback raised, by which the job ends."""
    over = threading.Event()
    raised: list[BaseException] = []
    _, begun = read_events(folder)

    def follow() -> None:
        try:
            _follow(folder, begun, hear, over)
        except BaseException as error:  # of whoever listens: it is raised where he waits
            raised.append(error)
            ask_cancel(folder)

    follower = threading.Thread(target=follow, name="calibench-events", daemon=True)
    follower.start()
    try:
        yield raised
    finally:
        over.set()
        follower.join()


def _follow(folder: Path, offset: int, hear: Hearing, over: threading.Event) -> None:
    """Pass on each event once, and those that came before the end."""
    is_over = False
    while not is_over:
        is_over = over.wait(LOOK_S)
        events, offset = read_events(folder, offset)
        for event in events:
            _pass_on(event, hear)


def _pass_on(event: Mapping[str, Any], hear: Hearing) -> None:
    if event["type"] == "trial":
        from calibench.reports.search_report import trial_of

        hear.on_trial(trial_of(event), int(event.get("left", 0)))
    elif event["type"] == "note":
        hear.on_note(str(event.get("text", "")))
    elif event["type"] == "progress" and event.get("step") not in (None, "done"):
        hear.progress(_step(event), int(event["done"]), int(event["total"]))


def _step(event: Mapping[str, Any]) -> str:
    """What goes on; while a job waits in a queue that is the queue's reason."""
    step = str(event["step"])
    return f"queued: {step}" if event.get("stage") == "queued" and step != "queued" else step
