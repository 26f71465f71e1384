"""Calibrate, evaluate and benchmark on a target: this process carries the job there and shows how far it is."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibench.cli.carried_folder import aside, carried, job_folder, put
from calibench.cli.known_there import known_targets, passphrase_for
from calibench.cli.on_server import Told
from calibench.cli.target_options import refuse_settings
from calibench.errors import DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.targets.bundle import OUT, Bundle
from calibench.targets.bundle_files import read_bundle, write_bundle

if TYPE_CHECKING:
    from calibench.inference.benchmark import BenchmarkSettings
    from calibench.reports.report import Report
    from calibench.reports.run_file import Asked
    from calibench.settings import Settings
    from calibench.things.kept import Target
    from calibench.things.target_spec import TargetSpec

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
    with aside() as folder:
        write_bundle(bundle, folder)
        found = {**carried(folder, name).result, "model": str(model)}
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
    with aside() as folder:
        write_bundle(what.model_copy(update={"target": _machine(name, data_dir, "compare").spec}), folder)
        carried(folder, name)
        report = read_report(folder / OUT / "report.json")
        if out is not None:
            put(folder / OUT, out, force)
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
        with aside() as folder:
            write_bundle(bundle, folder)
            found[str(path)] = carried(folder, target[0]).result["points"]
    return {"machine": there.machine, "dataset": str(dataset), "points": found}


def measure_there(target: "Target", bundle: Bundle) -> Plain:
    """Run a measurement on a target, or in this process where that is this machine; bars begin with its name.

    Raises:
        CalibenchError, Cancelled: as `calibrate_there`.
    """
    if target.kind == "dask" and not target.spec.is_carried:
        raise TargetError(
            f"{target.name}: is a cluster, whose machines are not measured one by one. Add one of them over SSH."
        )
    with aside() as folder:
        write_bundle(bundle.model_copy(update={"target": None if target.spec.is_here else target.spec}), folder)
        return carried(folder, target.name, before=f"{target.name}: ").result


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
    if found.kind == "dask" and not found.spec.is_carried:
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
    carried(folder, name, limit, _again(out))
    put(folder / OUT, out, force)
    shutil.rmtree(folder, ignore_errors=True)
    return read_report(out / "report.json")


def _again(out: Path) -> str:
    return f"calibench calibrate --resume {out}"
