"""`calibench benchmark` on several targets: one model, a table of the machines, and why INT8 does not pay where it
does not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from calibench.cli.known_there import known_targets, passphrase_for
from calibench.cli.look_on_server import MEASURED_BY, points_of
from calibench.cli.server_options import refuse_settings as refuse_settings_of_server
from calibench.errors import CalibenchError, Cancelled, SettingsError
from calibench.things.asked import AskBenchmark, NewProject, Points
from calibench.things.kept import NAME_LENGTH, KeptModel
from calibench.things.machine_row import MachineRow, row_of

if TYPE_CHECKING:
    from calibench.client.client import Client
    from calibench.inference.benchmark import BenchmarkSettings
    from calibench.settings import Settings
    from calibench.things.kept import Target

NOT_ALL = 1
"""Exit code where a machine could not be measured; the others are in the table."""


@dataclass(frozen=True)
class Compared:
    """What is measured everywhere.

    Attributes:
        baseline: the FP32 model beside it; None: it runs alone.
    """

    model: Path
    baseline: Path | None
    dataset: Path
    settings: "Settings"
    points: Points

    @property
    def models(self) -> tuple[Path, ...]:
        """The FP32 model first."""
        return (self.model,) if self.baseline is None else (self.baseline, self.model)


def compared(
    models: Sequence[Path],
    baseline: Path | None,
    dataset: Path | None,
    settings: "Settings",
    bench: "BenchmarkSettings",
) -> Compared:
    """What a command line asks for.

    Raises:
        SettingsError, ModelError, DatasetError: it is no comparison of machines, or a file is missing.
    """
    from calibench.remote.remote_target import check_files

    if len(models) != 1:
        raise SettingsError(
            "benchmark: machines are compared with one model. Give one MODEL, and its FP32 model as --baseline."
        )
    if dataset is None:
        raise SettingsError("benchmark: a target measures with samples. Give --dataset DIR.")
    what = Compared(models[0], baseline, dataset, settings, points_of(bench))
    check_files(what.models, [dataset])
    return what


def compare_on_targets(what: Compared, names: Sequence[str], data_dir: Path | None) -> tuple[MachineRow, ...]:
    """Measure on one target after the other; what fails there stands in its row, and the others go on.

    Raises:
        SettingsError: a name is not known, or a setting cannot be taken along.
        Cancelled: it was stopped there, too.
    """
    with known_targets(data_dir) as known:
        targets = [known.named(name) for name in _once(names)]
    for target in targets:
        passphrase_for(target.spec)  # asked for before anything takes long
    return tuple(_row(each, what, lambda target: _measured_on(target, what)) for each in targets)


def _measured_on(target: "Target", what: Compared) -> Mapping[str, Any]:
    from calibench.cli.on_target import remote

    with remote(target, before=f"{target.name}: ") as there:
        return there.measure(what.model, what.dataset, what.settings, what.points, baseline=what.baseline)


def compare_on_server(what: Compared, names: Sequence[str], url: str) -> tuple[MachineRow, ...]:
    """The same with the targets of a server; none named: its own machine.

    Raises:
        CalibenchError: the server cannot be reached, a name is not known, or a setting cannot be taken along.
        Cancelled: with what became of the job.
    """
    from calibench.cli.bars import shown
    from calibench.cli.on_server import opened, send_dataset, send_model

    refuse_settings_of_server(what.settings)
    if other := sorted(what.settings.model_fields_set - set(MEASURED_BY)):
        raise SettingsError(f"{other[0]} with --server: a server measures as its model is kept there. Leave it out.")
    with opened(url) as client:
        if names:
            targets = [client.targets.named(name) for name in _once(names)]
        else:
            targets = [next(each for each in client.targets.all() if each.spec.is_here)]
        with shown() as progress:
            baseline = None if what.baseline is None else send_model(client, what.baseline, what.settings, progress)
            name = None if baseline is None else _name_beside(what.model, baseline)
            model = send_model(client, what.model, what.settings, progress, name)
            dataset = send_dataset(client, what.dataset, what.settings, progress)
        baseline_id = None if baseline is None else baseline.id
        ask = AskBenchmark(**what.points.model_dump(), baseline_model_id=baseline_id, is_compared=True)
        new = NewProject(model_id=model.id, dataset_id=dataset.id, device=what.settings.device, run_baseline=False)
        return tuple(
            _row(each, what, lambda target: _measured_there(client, new, target, ask), target_id=each.id)
            for each in targets
        )


def _name_beside(path: Path, baseline: KeptModel) -> str:
    """Of a model that the server does not have yet: result folders all hold a model.xml, and it is nobody's child."""
    return f"{path.absolute().parent.name}/{path.stem} beside {baseline.name}"[:NAME_LENGTH]


def _measured_there(client: "Client", new: NewProject, target: "Target", ask: AskBenchmark) -> Mapping[str, Any]:
    from calibench.cli.on_server import run

    project = client.projects.create(
        new.model_id, new.dataset_id, new.device, run_baseline=new.run_baseline, target_id=target.id
    )
    job = run(client, client.projects.benchmark(project.id, ask), before=f"{target.name}: ")
    return {**job.result["measured"], "project_id": project.id, "dataset_id": project.dataset_id}


def answer(what: Compared, rows: Sequence[MachineRow], json_: bool) -> None:
    """The table, or the same as JSON; exit code 1 where a machine is missing in it."""
    if json_:
        from calibench.cli.answer import print_json

        print_json(as_json(what, rows))
    else:
        from rich.console import Console

        from calibench.reports.machine_table import render_machines

        Console().print(render_machines(rows))
    if any(row.failure for row in rows):
        raise typer.Exit(NOT_ALL)


def as_json(what: Compared, rows: Sequence[MachineRow]) -> dict[str, Any]:
    """Plain values, for `--json`."""
    return {
        "model": str(what.model),
        "baseline": None if what.baseline is None else str(what.baseline),
        "dataset": str(what.dataset),
        "machines": [row.model_dump(mode="json") for row in rows],
    }


def _row(target: "Target", what: Compared, measure: Callable[["Target"], Mapping[str, Any]], **more: Any) -> MachineRow:
    more["device"] = what.settings.device
    try:
        return row_of(target.name, measure(target), **more)
    except Cancelled:
        raise
    except CalibenchError as error:
        return MachineRow(target=target.name, failure=str(error), **more)


def _once(names: Sequence[str]) -> Sequence[str]:
    """Raises SettingsError where a target is named twice."""
    for name in names:
        if list(names).count(name) > 1:
            raise SettingsError(f"--target {name}: is named twice. Name each target once.")
    return names
