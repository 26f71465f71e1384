"""A target that works for this machine: what the functions of the pipeline do, done there."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibench.errors import DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.remote.carried_folder import aside, carried, job_folder, put
from calibench.remote.hearing import NOBODY, Hearing
from calibench.targets.bundle import OUT, Bundle
from calibench.targets.bundle_files import read_bundle, write_bundle
from calibench.things.asked import Points
from calibench.workbench.target_folder import opened_targets

if TYPE_CHECKING:
    from calibench.caffe_tool.calibrator import CaffeResult
    from calibench.caffe_tool.job import CaffeJob
    from calibench.reports.report import Report
    from calibench.settings import Settings
    from calibench.things.kept import Target
    from calibench.things.target_spec import TargetSpec

Plain = dict[str, Any]
Given = Path | str

MODELS, SETS = ("model", "baseline"), ("dataset", "validation")
FILES = (*MODELS, *SETS)


class RemoteTarget:
    """A machine over SSH, a queue or a cluster, as `calibench target add` knows it.

    What a job needs is brought there by content, the work is done there, and the result comes here, whole or not at
    all. A cut connection is waited for. Nothing stays there but a cache.

    Attributes:
        target: what is known of it.
    """

    def __init__(self, name: "str | Target", *, data_dir: Given | None = None, hear: Hearing = NOBODY) -> None:
        """Find a target; nothing is asked of it yet.

        Args:
            name: as `calibench target list` shows it; or what is kept of it.
            data_dir: the data folder that knows it; None: the usual one.
            hear: who is told how far its jobs are.

        Raises:
            TargetError: there is none of this name.
            SettingsError: it is this machine, or a package is missing.
        """
        self.target = _named(name, data_dir) if isinstance(name, str) else name
        self._hear = hear

    def calibrate(
        self,
        model: Given,
        dataset: Given,
        settings: "Settings | None" = None,
        out: Given = "int8",
        *,
        validation: Given | None = None,
        benchmark: bool = True,
        force: bool = False,
    ) -> "Report":
        """Calibrate there; the result is in `out` whole, or nothing is. A cluster shares a calibration of this machine.

        Args:
            dataset, validation, settings, benchmark, force: as of `calibench.calibrate`; datasets are paths.

        Raises:
            CalibenchError: as on this machine; TargetError: the target cannot be reached.
            Cancelled: it was stopped there, too.
        """
        from calibench.reports.result import check_place
        from calibench.search.folder_lock import check_free

        bundle = self._bundle("calibrate", model, dataset, settings, validation=validation, benchmark=benchmark)
        out = Path(out).resolve()
        check_free(out)
        check_place(out, force)
        folder = job_folder(out)
        if folder.exists() and not force:
            raise JobError(f"{out}: is on its way from a target. Go on: {_again(out)}; or begin anew with --force.")
        shutil.rmtree(folder, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(bundle, folder)
        return _calibrated(folder, out, self.target.name, self._hear, force)

    def calibrate_caffe(self, job: "CaffeJob", *, benchmark: bool = True, force: bool = False) -> "CaffeResult":
        """Calibrate a Caffe network there; its files are where `calibrate_caffe` writes them here, all or none.

        Args:
            force: replace what an earlier run wrote, or what is on its way.

        Raises:
            CalibenchError: as on this machine, before anything is sent where it can be known here; TargetError: the
                target cannot be reached, or is a cluster.
            Cancelled: it was stopped there, too.
        """
        from calibench.remote.remote_caffe import calibrate_caffe_remote

        return calibrate_caffe_remote(job, self.target, self._hear, force=force, benchmark=benchmark)

    def evaluate(self, model: Given, dataset: Given, settings: "Settings | None" = None) -> Plain:
        """Score a model there.

        Returns:
            As `calibench evaluate --json` prints it.

        Raises:
            CalibenchError, Cancelled: as `calibrate`.
        """
        from calibench.reports.report_beside import settings_beside
        from calibench.settings import as_settings

        beside = settings_beside(Path(model), as_settings(settings), dataset, is_sent=True)
        found = self._done(self._machine("evaluate", model, dataset, beside.settings))
        notes = {"notes": [*beside.notes, *found.get("notes", ())]} if beside.notes else {}
        return {**found, "model": str(model), **notes}

    def benchmark(
        self, models: Sequence[Given], dataset: Given, settings: "Settings | None" = None, points: Points | None = None
    ) -> Plain:
        """Throughput and latency of models there, one model after the other.

        Returns:
            `machine`: what the target is; `points`: file -> rows with series, batch, streams, fps, fps_low, fps_high,
            latency_ms.

        Raises:
            CalibenchError, Cancelled: as `calibrate`.
        """
        jobs = {
            str(model): self._machine("benchmark", model, dataset, settings, points=points or Points())
            for model in ([models] if isinstance(models, (str, Path)) else models)
        }
        found = {name: self._done(job)["points"] for name, job in jobs.items()}
        return {"machine": self.target.machine, "dataset": str(dataset), "points": found}

    def compare(
        self,
        fp32: Given,
        int8: Given,
        dataset: Given,
        settings: "Settings | None" = None,
        out: Given | None = None,
        *,
        benchmark: bool = True,
        force: bool = False,
    ) -> "Report":
        """Set an INT8 model beside its FP32 model there.

        Args:
            out: folder for the report, if wanted.

        Raises:
            CalibenchError, Cancelled: as `calibrate`.
        """
        from calibench.reports.report import read_report
        from calibench.reports.report_beside import settings_beside
        from calibench.reports.result import check_keeps_models, check_place, write_result
        from calibench.settings import as_settings

        beside = settings_beside(Path(int8), as_settings(settings), dataset, is_alone=False, is_sent=True)
        bundle = self._machine("compare", int8, dataset, beside.settings, baseline=fp32, benchmark=benchmark)
        place = None if out is None else Path(out)
        check_keeps_models(place)
        if place is not None:
            check_place(place, force)
        with aside() as folder:
            write_bundle(bundle, folder)
            carried(folder, self.target.name, self._hear)
            report = read_report(folder / OUT / "report.json")
            if beside.notes:
                report = report.model_copy(update={"notes": (*beside.notes, *report.notes)})
                write_result(report, folder / OUT)
            if place is not None:
                put(folder / OUT, place, force)
        return report

    def measure(
        self,
        model: Given,
        dataset: Given,
        settings: "Settings | None" = None,
        points: Points | None = None,
        *,
        baseline: Given | None = None,
    ) -> Plain:
        """Throughput of a model, of its FP32 model in turns with it, and what the target is to both.

        Returns:
            As `measured_beside.Measured`.

        Raises:
            CalibenchError, Cancelled: as `calibrate`.
        """
        more = {"baseline": baseline, "points": points or Points(), "is_compared": True}
        found: Plain = self._done(self._machine("benchmark", model, dataset, settings, **more))["measured"]
        return found

    def _done(self, bundle: Bundle) -> Plain:
        """The result of a job without files."""
        with aside() as folder:
            write_bundle(bundle, folder)
            return carried(folder, self.target.name, self._hear).result

    def _machine(self, kind: str, model: Given, dataset: Given, settings: "Settings | None", **more: Any) -> Bundle:
        """A whole job, as a cluster of workers does not do it: they share a calibration."""
        if self.target.kind == "dask" and not self.target.spec.is_carried:
            raise TargetError(
                f"{self.target.name}: is a cluster of workers, which share the calibrations of this machine. Let this "
                f"machine {kind}, or one machine of the cluster: calibench target add NAME ssh://user@host"
            )
        return self._bundle(kind, model, dataset, settings, **more)

    def _bundle(self, kind: str, model: Given, dataset: Given, settings: "Settings | None", **more: Any) -> Bundle:
        from calibench.settings import as_settings

        settings = as_settings(settings)
        if settings.cache_dir is not None or settings.keep_cache:
            raise SettingsError("cache_dir: is a folder of this machine; a target keeps its own. Leave it out.")
        named = {"model": model, "dataset": dataset, **more}
        paths = {name: Path(named.pop(name)) for name in FILES if named.get(name) is not None}
        check_files([paths[name] for name in MODELS if name in paths], [paths[name] for name in SETS if name in paths])
        given = {name: value for name, value in named.items() if value is not None}
        given |= {name: path.absolute() for name, path in paths.items()}
        target = None if self.target.spec.is_here else self.target.spec
        given |= {"kind": kind, "target": target, "settings": settings, "started_in": Path.cwd()}
        return Bundle.model_validate(given)


def resume_remote(out: Given, *, data_dir: Given | None = None, hear: Hearing = NOBODY) -> "Report":
    """Go on with a calibration that `RemoteTarget.calibrate` began, on its target as that is reached now.

    Args:
        data_dir: the data folder that knows the target; None: the usual one.

    Raises:
        CalibenchError, Cancelled: as `RemoteTarget.calibrate`.
    """
    out = Path(out).resolve()
    folder = job_folder(out)
    return _calibrated(folder, out, reached_as_now(folder, data_dir, hear), hear, force=True)


def reached_as_now(folder: Path, data_dir: Given | None, hear: Hearing = NOBODY) -> str:
    """Make the job of a folder ready to go on, on its target as that is reached now; gives its address.

    Raises:
        JobError: the folder cannot be read or written.
    """
    from calibench.targets.remote_record import hand_over, read_record

    bundle = read_bundle(folder)
    spec = bundle.target and _as_now(bundle.target, data_dir, hear)
    if spec != bundle.target:
        write_bundle(bundle.model_copy(update={"target": spec}), folder)
    if (end := read_record(folder).end) is not None and end.state != "done":
        hand_over(folder, folder)  # that run is over; what comes is another one, which goes on with its search
    return spec.address if spec else "the target"


def check_files(models: Sequence[Path], datasets: Sequence[Path]) -> None:
    """Look whether there is something to send, before anything is asked of a target.

    Raises:
        ModelError, DatasetError: there is nothing.
    """
    for model in models:
        if not model.exists():
            raise ModelError(f"{model}: there is no such file or folder. Is the path right?")
    for dataset in datasets:
        if not dataset.exists():
            raise DatasetError(f"{dataset}: there is no such file or folder. Is the path right?")
        if dataset.is_dir() and not any(path.is_file() for path in dataset.rglob("*")):
            raise DatasetError(f"{dataset}: holds no files. Give a folder with samples.")


def _named(name: str, data_dir: Given | None) -> "Target":
    with opened_targets(None if data_dir is None else Path(data_dir)) as book:
        found = book.named(name)
    if found.spec.is_here:
        raise SettingsError(f"{name}: is this machine. Leave the target out.")
    return found


def _as_now(spec: "TargetSpec", data_dir: Given | None, hear: Hearing) -> "TargetSpec":
    """How the place of a target is reached now: its host key may be confirmed anew, its queue give more time."""

    def place(each: "TargetSpec") -> tuple[object, ...]:
        return each.address, each.home

    with opened_targets(None if data_dir is None else Path(data_dir)) as book:
        found = [each.spec for each in book.all() if place(each.spec) == place(spec)]
    if not found:
        hear.on_note(f"No target is {spec.address} any more; it is reached as it was when this began.")
    return found[0] if len(found) == 1 else spec


def _calibrated(folder: Path, out: Path, name: str, hear: Hearing, force: bool) -> "Report":
    """Carry the job of a folder, and put its result into its place."""
    from calibench.reports.report import read_report

    carried(folder, name, hear, _again(out))
    put(folder / OUT, out, force)
    shutil.rmtree(folder, ignore_errors=True)
    return read_report(out / "report.json")


def _again(out: Path) -> str:
    return f"calibench calibrate --resume {out}"
