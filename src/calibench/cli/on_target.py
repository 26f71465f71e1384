"""Calibrate, evaluate and benchmark on a target: this process carries the job there and shows how far it is."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibench.cli.bars import shown_with_lines, trial_lines
from calibench.cli.known_there import known_targets, passphrase_for
from calibench.cli.on_server import Told, trial_of
from calibench.cli.target_options import refuse_settings
from calibench.client.connection import KINDS
from calibench.errors import CalibenchError, Cancelled, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.targets.bundle import BUNDLE, LOG, OUT, Bundle, End
from calibench.targets.bundle_files import read_bundle, read_events, write_bundle

if TYPE_CHECKING:
    from calibench.inference.benchmark import BenchmarkSettings
    from calibench.reports.report import Report
    from calibench.reports.run_file import Asked
    from calibench.settings import Settings
    from calibench.things.kept import Target
    from calibench.things.target_spec import TargetSpec

RECORD = "remote.json"
"""In the folder of a job: where it is. While it is there, the job can be gone on with."""
GOES_ON = ("LinkLost", "TargetError", "JobError")
"""Failures after which a job may be gone on with: it is not wrong itself."""
SEARCH_RUN = "out/search/run.json"
"""In the folder of a job: what an interrupted search was asked for. While it is there, it can be gone on with."""
LOOK_S = 0.1

Plain = dict[str, Any]


def calibrate_there(what: "Asked", out: Path, name: str, data_dir: Path | None, force: bool) -> "Report":
    """Calibrate on a target; the result is in `out` whole, or nothing is.

    Raises:
        CalibenchError: as on this machine; TargetError: the target cannot be reached.
        Cancelled: it was stopped there, too.
    """
    from calibench.reports.result import check_place
    from calibench.search.folder_lock import check_free

    refuse_settings(what.settings)
    check_there(what.model, what.dataset, what.validation)
    out = out.resolve()
    check_free(out)
    check_place(out, force)
    folder = job_folder(out)
    if folder.exists() and not force:
        raise JobError(f"{out}: is on its way from a target. Go on: {_again(out)}; or begin anew with --force.")
    shutil.rmtree(folder, ignore_errors=True)
    bundle = Bundle(
        kind="calibrate",
        target=_target(name, data_dir).spec,
        model=what.model.absolute(),
        dataset=what.dataset and what.dataset.absolute(),
        validation=what.validation and what.validation.absolute(),
        settings=what.settings,
        benchmark=what.benchmark,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bundle(bundle, folder)
    return _calibrated(folder, out, name, force)


def resume_there(out: Path, data_dir: Path | None = None) -> "Report":
    """Go on with a calibration that `calibrate_there` began, on its target as that is reached now.

    Args:
        data_dir: the data folder that knows the target.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    from calibench.targets.remote_record import hand_over, read_record

    out = out.resolve()
    folder = job_folder(out)
    bundle = read_bundle(folder)
    spec = bundle.target and _as_now(bundle.target, data_dir)
    if spec != bundle.target:
        write_bundle(bundle.model_copy(update={"target": spec}), folder)
    if (end := read_record(folder).end) is not None and end.state != "done":
        hand_over(folder, folder)  # that run is over; what comes is another one, which goes on with its search
    return _calibrated(folder, out, spec.address if spec else "the target", force=True)


def _as_now(spec: "TargetSpec", data_dir: Path | None) -> "TargetSpec":
    """How the place of a target is reached now: its host key may be confirmed anew, its queue give more time."""

    def place(each: "TargetSpec") -> tuple[object, ...]:
        return each.kind, each.host, each.port, each.user, each.home

    with known_targets(data_dir) as known:
        found = [each.spec for each in known.all() if place(each.spec) == place(spec)]
    return found[0] if len(found) == 1 else spec


def is_begun(out: Path) -> bool:
    """Whether a calibration for `out` is under way on a target."""
    return (job_folder(out.resolve()) / BUNDLE).is_file()


def job_folder(out: Path) -> Path:
    """Where the job of a calibration is carried from, beside its result."""
    return out.with_name(f".{out.name}.job")


def evaluate_there(model: Path, dataset: Path, settings: "Settings", name: str, data_dir: Path | None) -> Told:
    """Score a model on a target.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    from calibench.reports.answers import evaluation_lines

    refuse_settings(settings)
    check_there(model, dataset)
    bundle = Bundle(
        kind="evaluate",
        target=_machine(name, data_dir, "evaluate").spec,
        model=model.absolute(),
        dataset=dataset.absolute(),
        settings=settings,
    )
    with _aside() as folder:
        write_bundle(bundle, folder)
        found = {**_carried(folder, name).result, "model": str(model)}
    return Told(evaluation_lines(found), found)


def compare_there(what: Bundle, name: str, data_dir: Path | None, out: Path | None, force: bool) -> "Report":
    """Set an INT8 model beside its FP32 model on a target.

    Args:
        what: of the kind compare, with the paths of here.
        out: folder for the report, if wanted.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    from calibench.reports.report import read_report
    from calibench.reports.result import check_keeps_models, check_place

    refuse_settings(what.settings)
    for model in (what.model, what.baseline):
        assert model is not None
        check_there(model, what.dataset)
    check_keeps_models(out)
    if out is not None:
        check_place(out, force)
    with _aside() as folder:
        write_bundle(what.model_copy(update={"target": _machine(name, data_dir, "compare").spec}), folder)
        _carried(folder, name)
        report = read_report(folder / OUT / "report.json")
        if out is not None:
            _put(folder / OUT, out, force)
    return report


def benchmark_there(
    models: Sequence[Path],
    dataset: Path | None,
    settings: "Settings",
    bench: "BenchmarkSettings",
    target: "tuple[str, Path | None]",
) -> Plain:
    """Throughput and latency of models on a target, one model after the other.

    Args:
        target: its name, and the data folder that knows it.

    Returns:
        As `look_on_server.benchmark_there`.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    from calibench.cli.look_on_server import points_of

    refuse_settings(settings)
    if dataset is None:
        raise SettingsError("benchmark: a target measures with samples. Give --dataset DIR.")
    for path in models:
        check_there(path, dataset)
    there, points = _machine(*target, "benchmark"), points_of(bench)
    found: Plain = {}
    for path in models:
        bundle = Bundle(
            kind="benchmark",
            target=there.spec,
            model=path.absolute(),
            dataset=dataset.absolute(),
            settings=settings,
            points=points,
        )
        with _aside() as folder:
            write_bundle(bundle, folder)
            found[str(path)] = _carried(folder, target[0]).result["points"]
    return {"machine": there.machine, "dataset": str(dataset), "points": found}


def measure_there(target: "Target", bundle: Bundle) -> Plain:
    """Run a measurement on a target, or in this process where that is this machine; bars begin with its name.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    if target.kind == "dask":
        raise TargetError(
            f"{target.name}: is a cluster, whose machines are not measured one by one. Add one of them over SSH."
        )
    with _aside() as folder:
        write_bundle(bundle.model_copy(update={"target": None if target.spec.is_here else target.spec}), folder)
        return _carried(folder, target.name, before=f"{target.name}: ").result


def check_there(model: Path, *datasets: Path | None) -> None:
    """Look whether there is something to send, before anything is asked of the target.

    Raises:
        ModelError, DatasetError: there is nothing.
    """
    if not model.exists():
        raise ModelError(f"{model}: there is no such file or folder. Is the path right?")
    for dataset in datasets:
        if dataset is not None and not dataset.exists():
            raise DatasetError(f"{dataset}: there is no such file or folder. Is the path right?")
        if dataset is not None and dataset.is_dir() and not any(path.is_file() for path in dataset.rglob("*")):
            raise DatasetError(f"{dataset}: holds no files. Give a folder with samples.")


def _target(name: str, data_dir: Path | None) -> "Target":
    """A target by its name, ready to be reached: a passphrase is asked for now."""
    with known_targets(data_dir) as known:
        found = known.named(name)
    if found.spec.is_here:
        raise SettingsError(f"--target {name}: is this machine. Leave it out.")
    passphrase_for(found.spec)
    return found


def _machine(name: str, data_dir: Path | None, command: str) -> "Target":
    """A target that does a whole job, as a cluster of workers does not: they share a calibration."""
    found = _target(name, data_dir)
    if found.kind == "dask":
        raise TargetError(
            f"--target {name}: is a cluster of workers, which share the calibrations of this machine. Leave it out, so "
            f"that this machine does it, or let one machine of it {command}: calibench target add NAME ssh://user@host"
        )
    return found


def _calibrated(folder: Path, out: Path, name: str, force: bool) -> "Report":
    """Carry the job of a folder, and put its result into its place."""
    from calibench.reports.report import read_report

    settings = read_bundle(folder).settings
    accuracy = settings.accuracy
    limit = f"{accuracy.max_drop:g}{' %' if accuracy.drop_type == 'relative' else ''}"
    _carried(folder, name, limit, _again(out))
    _put(folder / OUT, out, force)
    shutil.rmtree(folder, ignore_errors=True)
    return read_report(out / "report.json")


def _put(result: Path, out: Path, force: bool) -> None:
    """Files that came from a target go to where they were asked for, all or none."""
    from calibench.reports.result import result_folder

    with result_folder(out, force=force) as place:
        for path in result.iterdir():
            shutil.move(path, place / path.name)


def _carried(folder: Path, name: str, limit: str = "", again: str = "", before: str = "") -> End:
    """Run the job of a folder; where it came to nothing, the folder goes, unless the job can be gone on with.

    Args:
        again: the command that goes on; '': that of any job.
        before: stands before each step that is shown.

    Raises:
        CalibenchError: of the kind by which it failed.
        Cancelled: it was stopped there, too.
    """
    from calibench.targets.run_bundle import run_bundle

    with _told(folder, limit, before), (folder / LOG).open("a", encoding="utf-8") as log, redirect_stdout(log):
        end = run_bundle(folder)
    if end.state == "done":
        return end
    again = again or f"calibench run {folder}"
    if end.failure is None:
        raise Cancelled(_interrupted(folder, name, again))
    kind: type[CalibenchError] = KINDS.get(
        end.failure.kind, TargetError if end.failure.kind == "LinkLost" else JobError
    )
    if (folder / RECORD).is_file() and end.failure.kind in GOES_ON:
        raise kind(f"{end.failure.message} Go on with what is there: {again}")
    shutil.rmtree(folder, ignore_errors=True)
    raise kind(end.failure.message)


def _interrupted(folder: Path, name: str, again: str) -> str:
    """What became of a job that was interrupted; its folder goes, unless it can be gone on with."""
    from calibench.targets.remote_record import is_left_there

    if is_left_there(folder):
        return f"Interrupted; the job could not be stopped on {name}, and may go on there. Go on with it: {again}"
    if (folder / SEARCH_RUN).is_file():
        return f"Interrupted; the job was stopped on {name} too. What its search has found is kept. Go on: {again}"
    shutil.rmtree(folder, ignore_errors=True)
    return f"Interrupted; the job was stopped on {name} too, and nothing was written."


def _again(out: Path) -> str:
    return f"calibench calibrate --resume {out}"


@contextmanager
def _aside() -> Iterator[Path]:
    """A folder for a job without files of a result; it stays where the job can be gone on with."""
    folder = Path(tempfile.mkdtemp(prefix="calibench-job-"))
    try:
        yield folder
    finally:
        if not _is_kept(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_kept(folder: Path) -> bool:
    """Whether its job failed, and can be gone on with."""
    from calibench.targets.bundle_files import read_end
    from calibench.targets.remote_record import is_left_there

    end = read_end(folder) if folder.is_dir() else None
    if end is None or not (folder / RECORD).is_file():
        return False
    return is_left_there(folder) if end.failure is None else end.failure.kind in GOES_ON


def _step(event: Mapping[str, Any]) -> str:
    """What goes on; while a job waits in a queue that is the queue's reason."""
    step = str(event["step"])
    return f"queued: {step}" if event.get("stage") == "queued" and step != "queued" else step


@contextmanager
def _told(folder: Path, limit: str, before: str = "") -> Iterator[None]:
    """Show the events of a folder while something works in it."""
    over = threading.Event()
    _, begun = read_events(folder)
    with shown_with_lines() as (progress, say):
        on_trial = trial_lines(say, limit)

        def hear(event: Mapping[str, Any]) -> None:
            if event["type"] == "trial":
                on_trial(trial_of(event), int(event.get("left", 0)))
            elif event["type"] == "note":
                say(f"Note: {event.get('text', '')}")
            elif event["type"] == "progress" and event.get("step") not in (None, "done"):
                progress(f"{before}{_step(event)}", int(event["done"]), int(event["total"]))

        follower = threading.Thread(target=_follow, args=(folder, begun, hear, over), daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()


def _follow(folder: Path, offset: int, hear: Callable[[Mapping[str, Any]], None], over: threading.Event) -> None:
    """Pass on each event once, and those that came before the end."""
    is_over = False
    while not is_over:
        is_over = over.wait(LOOK_S)
        events, offset = read_events(folder, offset)
        for event in events:
            hear(event)
