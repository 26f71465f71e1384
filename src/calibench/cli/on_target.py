"""Calibrate, evaluate, benchmark and compare on a target: bars and lines for what `calibench.remote` does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibench.cli.bars import limit_of, shown_with_lines, trial_lines
from calibench.cli.known_there import passphrase_for
from calibench.cli.look_on_server import points_of
from calibench.cli.on_server import Told
from calibench.errors import SettingsError
from calibench.progress import Progress
from calibench.remote.hearing import Hearing
from calibench.remote.remote_target import RemoteTarget, resume_remote

if TYPE_CHECKING:
    from calibench.inference.benchmark import BenchmarkSettings
    from calibench.reports.report import Report
    from calibench.reports.run_file import Asked
    from calibench.settings import Settings
    from calibench.things.kept import Target

Plain = dict[str, Any]


@contextmanager
def remote(
    name: "str | Target", data_dir: Path | None = None, *, limit: str = "", before: str = ""
) -> Iterator[RemoteTarget]:
    """A target whose jobs are shown; a passphrase of its key is asked for first.

    Args:
        limit: what may be lost, for the lines of trials.
        before: stands before each step that is shown.

    Raises:
        CalibenchError: it is not known, or its key cannot be opened.
    """
    found = RemoteTarget(name, data_dir=data_dir)
    passphrase_for(found.target.spec)
    with heard(limit, before) as hear:
        yield RemoteTarget(found.target, hear=hear)


@contextmanager
def heard(limit: str = "", before: str = "") -> Iterator[Hearing]:
    """What a job tells, on stderr; as of `remote`."""
    with shown_with_lines() as (progress, say):
        hear = Hearing(progress, trial_lines(say, limit), lambda text: say(f"Note: {before}{text}"))
        yield replace(hear, progress=_after(before, progress)) if before else hear


def _after(before: str, progress: Progress) -> Progress:
    return lambda stage, done, total: progress(f"{before}{stage}", done, total)


def calibrate_there(what: "Asked", out: Path, name: str, data_dir: Path | None, force: bool) -> "Report":
    """As `RemoteTarget.calibrate`."""
    if what.dataset is None:
        raise SettingsError("calibrate: there is no dataset. Give --dataset DIR.")
    with remote(name, data_dir, limit=limit_of(what.settings)) as target:
        return target.calibrate(
            what.model,
            what.dataset,
            what.settings,
            out,
            validation=what.validation,
            benchmark=what.benchmark,
            force=force,
        )


def resume_there(out: Path, data_dir: Path | None = None) -> "Report":
    """As `resume_remote`."""
    from calibench.remote.carried_folder import job_folder
    from calibench.targets.bundle_files import read_bundle

    settings = read_bundle(job_folder(out.resolve())).settings
    with heard(limit_of(settings)) as hear:
        return resume_remote(out, data_dir=data_dir, hear=hear)


def evaluate_there(model: Path, dataset: Path, settings: "Settings", name: str, data_dir: Path | None) -> Told:
    """As `RemoteTarget.evaluate`, in words too."""
    from calibench.reports.answers import evaluation_lines

    with remote(name, data_dir) as target:
        found = target.evaluate(model, dataset, settings)
    return Told(evaluation_lines(found), found)


def benchmark_there(
    models: Sequence[Path],
    dataset: Path | None,
    settings: "Settings",
    bench: "BenchmarkSettings",
    target: "tuple[str, Path | None]",
) -> Plain:
    """As `RemoteTarget.benchmark`.

    Args:
        target: its name, and the data folder that knows it.
    """
    if dataset is None:
        raise SettingsError("benchmark: a target measures with samples. Give --dataset DIR.")
    points = points_of(bench)
    with remote(*target) as there:
        return there.benchmark(models, dataset, settings, points)
