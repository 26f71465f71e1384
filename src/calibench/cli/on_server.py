"""Calibrate and evaluate on a server: what it lacks is sent, its events are shown, its answer is fetched."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from calibench import __version__
from calibench.cli.bars import limit_of, shown, shown_with_trials
from calibench.cli.server_options import refuse_settings
from calibench.errors import CalibenchError, Cancelled, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.progress import Progress
from calibench.store.refused import Conflict
from calibench.things.asked import AskCalibration, AskEvaluation
from calibench.things.kept import Event, Job, KeptDataset, KeptModel, Project

if TYPE_CHECKING:
    from calibench.client.client import Client
    from calibench.reports.report import Report
    from calibench.reports.run_file import Asked
    from calibench.settings import Settings

ACCURACY = ("inputs", "task", "metric", "data")
"""Settings that a server keeps with a model: how samples enter and how answers are read."""
BY_PROJECT = ("weights", "device", "cache_dir", "keep_cache")
"""Settings that follow from the model and the project there."""
ONLY_THERE = ("points.json", "search")
"""Of a result on a server; a result here has no points, and its search is not to be taken up elsewhere."""
KINDS: Mapping[str, type[CalibenchError]] = {
    **dict.fromkeys(("quantized", "int8-child", "nothing-to-quantize", "model-failed"), ModelError),
    **dict.fromkeys(("dataset-does-not-fit", "dataset-empty", "dataset-failed"), DatasetError),
    **dict.fromkeys(("not-annotated", "no-score"), DatasetError),
    **dict.fromkeys(("device-missing", "device-without-int8"), TargetError),
    "settings-missing": SettingsError,
}
"""Code of a hindrance: the error that the same is on this machine, for the same exit code."""


@dataclass(frozen=True)
class Given:
    """The settings of a command line, as a server takes them.

    Attributes:
        accuracy: those of ACCURACY.
        rest: all others that were given.
        is_set: it was said how samples enter or how answers are read, not only how the files are.
    """

    accuracy: dict[str, Any]
    rest: dict[str, Any]
    is_set: bool


@dataclass(frozen=True)
class Told:
    """An answer of a server, for a person and for a program."""

    lines: tuple[str, ...]
    values: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return self.values


def calibrate_there(what: "Asked", out: Path, url: str, force: bool, workers: int = 0) -> "Report":
    """Calibrate on a server; the result is in `out` whole, or nothing is.

    Args:
        workers: processes of its machine that share the work; 0, 1: none.

    Raises:
        CalibenchError: as on this machine; TargetError: the server cannot be reached.
        Cancelled: with what became of the job.
    """
    from calibench.reports.report import read_report
    from calibench.reports.result import result_folder

    refuse_settings(what.settings)
    assert what.dataset is not None
    with result_folder(out, force=force) as folder, opened(url) as client:
        with shown() as progress:
            model = send_model(client, what.model, what.settings, progress)
            calibration = send_dataset(client, what.dataset, what.settings, progress)
            validation = send_dataset(client, what.validation, what.settings, progress) if what.validation else None
        if validation is not None and validation.id == calibration.id:
            raise SettingsError(
                f"--validation {what.validation}: holds the same files as --dataset. Leave it out: a server takes one "
                "half to calibrate and the other to decide."
            )
        given = _taken(client, model, given_in(what.settings))
        project = _with_baseline(client, model, validation or calibration, what.settings.device)
        ask = ask_of(what, given, calibration.id if validation else None, workers)
        made = client.projects.calibrate(project.id, ask)
        run(client, client.jobs.get(made.job_id or 0), limit_of(what.settings), f"projects/{made.id}")
        client.projects.results.fetch(made.id, folder)
        _remove(folder)
        return read_report(folder / "report.json")


def evaluate_there(model: Path, dataset: Path, settings: "Settings", url: str) -> Told:
    """Score a model on a server.

    Raises:
        CalibenchError: as on this machine; TargetError: the server cannot be reached.
        Cancelled: with what became of the job.
    """
    from calibench.reports.answers import evaluation_lines
    from calibench.reports.report_beside import Beside, settings_beside

    refuse_settings(settings)
    with opened(url) as client:
        project, kept, there = send_both(client, model, dataset, settings)
        beside = Beside(settings) if kept.are_settings_confirmed else settings_beside(model, settings, dataset)
        refuse_settings(beside.settings)
        given = _taken(client, kept, given_in(beside.settings))
        ask = AskEvaluation(dataset_id=there.id, accuracy_settings=given.accuracy, advanced=given.rest)
        job = run(client, client.projects.evaluate(project.id, ask))
        found = {**job.result, "model": str(model)}
        if beside.notes:
            found["notes"] = [*beside.notes, *found.get("notes", ())]
        return Told(evaluation_lines(found), found)


@contextmanager
def opened(url: str) -> Iterator["Client"]:
    """A server that answers; what it refuses is the error that it would be here.

    Raises:
        CalibenchError: it does not answer, or wants another token.
    """
    from calibench.client.client import Client
    from calibench.client.connection import Refused

    with Client(url) as client:
        if (version := client.version()) != __version__:
            say(f"Note: the server runs Calibench {version}, this is {__version__}; results may differ.")
        try:
            yield client
        except Refused as refused:
            raise KINDS.get(refused.hindrance.code, JobError)(str(refused)) from None


def say(sentence: str) -> None:
    """For a person, on stderr."""
    typer.echo(sentence, err=True)


def send_both(
    client: "Client", model: Path, dataset: Path, settings: "Settings"
) -> tuple[Project, KeptModel, KeptDataset]:
    """A project of a model and a dataset of this machine, with both; no baseline runs."""
    with shown() as progress:
        kept = send_model(client, model, settings, progress)
        there = send_dataset(client, dataset, settings, progress)
    return client.projects.create(kept.id, there.id, settings.device, run_baseline=False), kept, there


def send_model(
    client: "Client", path: Path, settings: "Settings", progress: Progress, name: str | None = None
) -> KeptModel:
    """The model of a file, on the server; `name`: of one that it does not have yet, else that of the file."""
    return client.models.send(path, name, weights=settings.weights, progress=progress)


def send_dataset(client: "Client", path: Path, settings: "Settings", progress: Progress) -> KeptDataset:
    """The dataset of a folder, on the server."""
    data = settings.data.model_dump(mode="json", exclude_unset=True)
    return client.datasets.send(path, data=data, progress=progress)


def run(client: "Client", job: Job, limit: str = "", page: str = "", before: str = "") -> Job:
    """Show a job until it ends; who interrupts it cancels it.

    Args:
        limit: what may be lost, for the lines of trials.
        page: of the server, where the same can be watched.
        before: stands before each line and step that is shown.

    Raises:
        CalibenchError: of the kind by which it failed.
        Cancelled: with what became of it.
    """
    try:
        place = client.jobs.place(job.id) or 1
        waits = f", after {place - 1} others" if place > 1 else ""
        say(f"{before}Job {job.id}{waits}: {job.title}. {client.url}/{page or f'jobs/{job.id}'}")
        with shown_with_trials(limit) as (progress, on_trial):
            return client.wait(job.id, _hearer(lambda step, *count: progress(f"{before}{step}", *count), on_trial))
    except (KeyboardInterrupt, Cancelled):
        raise Cancelled(_cancelled(client, job.id)) from None


def ask_of(what: "Asked", given: Given, calibration_dataset_id: int | None, workers: int = 0) -> AskCalibration:
    """What is asked of the server, so that its job has the settings of the command line."""
    settings = what.settings
    rest = dict(given.rest)
    asked: dict[str, Any] = {"method": rest.pop("method", "default"), "preset": rest.pop("preset", "performance")}
    if settings.method == "accuracy-aware" and settings.accuracy.max_drop <= 100:
        asked["max_drop"] = settings.accuracy.max_drop
    if settings.subset.endswith("%"):
        asked["subset_percent"] = float(settings.subset[:-1])
    return AskCalibration(
        **asked,
        calibration_dataset_id=calibration_dataset_id,
        accuracy_settings=given.accuracy,
        advanced=rest,
        benchmark=what.benchmark,
        **({"workers": workers} if workers > 1 else {}),  # a server of an older version does not know it
    )


def given_in(settings: "Settings") -> Given:
    """What was set; the rest stays open, there as here."""
    said = settings.model_dump(mode="json", exclude_unset=True)
    accuracy = {name: said.pop(name) for name in ACCURACY if name in said}
    rest = {name: value for name, value in said.items() if name not in BY_PROJECT}
    return Given(accuracy, rest, any(accuracy.get(name) for name in ("inputs", "task", "metric")))


def _taken(client: "Client", model: KeptModel, given: Given) -> Given:
    """With what a person has set for the model on the server, where the command line says nothing of it.

    What it says is kept with the model where nobody had set anything: pages and the baseline then go by it too.
    """
    if given.is_set:
        if not model.are_settings_confirmed:
            client.models.set_settings(model.id, given.accuracy)
        return given
    if not (model.are_settings_confirmed and model.accuracy_settings):
        return given
    say(
        f"Note: {model.name} has accuracy settings on the server, and they are used. Options such as --mean or --task "
        "take their place."
    )
    return Given({**model.accuracy_settings, **given.accuracy}, given.rest, True)


def _with_baseline(client: "Client", model: KeptModel, dataset: KeptDataset, device: str) -> Project:
    """The project of a model and a dataset, with its baseline."""
    project = client.projects.create(model.id, dataset.id, device, run_baseline=False)
    codes = {hindrance.code for hindrance in client.projects.hindrances(project.id)}
    if codes & {"baseline-missing", "baseline-failed", "baseline-cancelled"}:
        run(client, client.projects.baseline(project.id))
    elif "baseline-running" in codes:
        for job in client.jobs.all(("queued", "running"), "baseline", project.id):
            client.wait(job.id)  # somebody else's: it is not ours to cancel
    return project


def _hearer(progress: Progress, on_trial: Any) -> Callable[[Event], None]:
    """The bars and the lines of trials, from the events of a job."""
    from calibench.client.following import as_progress
    from calibench.reports.search_report import trial_of

    hear_progress = as_progress(progress)

    def hear(event: Event) -> None:
        hear_progress(event)
        if event.change == "trial":
            on_trial(trial_of(event.data), int(event.data.get("left", 0)))

    return hear


def _cancelled(client: "Client", job_id: int) -> str:
    """Ask for the end of a job, and say what became of it."""
    try:
        client.jobs.cancel(job_id)
        client.wait(job_id)
    except Conflict:
        return (
            f"Interrupted; job {job_id} had ended on the server and its result stays there. Nothing was written here."
        )
    except TargetError as error:
        return f"Interrupted; job {job_id} may go on: {error}"
    except CalibenchError:  # what it ended with is that it was cancelled
        return f"Interrupted; job {job_id} was cancelled on the server and nothing was written."
    return f"Interrupted; job {job_id} was done on the server before it could be cancelled. Nothing was written here."


def _remove(folder: Path) -> None:
    """What a calibration on this machine does not write."""
    import shutil

    for name in ONLY_THERE:
        if (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
