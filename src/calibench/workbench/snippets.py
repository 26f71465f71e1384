"""Lines that repeat a project's job without the Workbench: for a shell, and in Python."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from textwrap import indent
from typing import Any

import yaml

from calibench.settings import Settings, make_settings
from calibench.things.asked import AskCalibration, Points
from calibench.things.kept import KeptDataset, KeptModel, Project, Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench.calibrations import PICKED, run_settings
from calibench.workbench.kept_paths import dataset_path, model_path
from calibench.workbench.settings_as_options import as_options, said
from calibench.workbench.shelf import Shelf

CONFIG = "settings.yaml"
OUT = "int8"
WIDTH = 88
GUARD = 'if __name__ == "__main__":  # worker processes read this file, too\n'
ONE_POINT = Points()


@dataclass(frozen=True)
class Place:
    """A target. data: the folder that knows it."""

    name: str
    spec: TargetSpec
    data: Path


@dataclass(frozen=True)
class Repeated:
    """What a job did.

    Attributes:
        settings: in full.
        validation: None: half of `dataset`.
        points: where speed was measured; None: it was not.
        workers: processes that shared the work; 0, 1: none.
        place: that did it; None: the machine that runs the lines.
    """

    model: Path
    dataset: Path
    settings: Settings
    validation: Path | None = None
    points: Points | None = ONE_POINT
    workers: int = 0
    place: Place | None = None

    def on_target(self, *, is_whole: bool = True) -> list[str]:
        """Words of a command that have the target do it.

        Args:
            is_whole: it is a whole job, which a cluster of workers does not do.
        """
        if self.place is None or (is_whole and not self.place.spec.is_carried):
            return []
        return ["--target", self.place.name, "--data-dir", str(self.place.data)]


def project_snippets(shelf: Shelf, project: Project) -> dict[str, str]:
    """The lines that repeat the job that the project's result came from.

    Raises:
        NotPossible, NotThere: files that the lines would name are not there, or not any more.
    """
    trees, store, place = shelf.trees, shelf.store, _place(shelf, project)
    dataset = dataset_path(trees, store.get(KeptDataset, project.dataset_id))
    if (picked := project.ask.get(PICKED)) is not None:
        source = store.all(Project, where={"id": picked["project"]})
        if source and source[0].result:  # else: the calibration with its search is all that can be repeated
            return pick_snippets(trees.path(source[0].result), picked["max_drop"], picked["min_fps"])
    if project.parent_id is None or not project.ask:
        model = store.get(KeptModel, project.model_id)
        settings = run_settings(model, project.device, trees)
        return baseline_snippets(Repeated(model_path(trees, model), dataset, settings, place=place))
    parent = store.get(KeptModel, store.get(Project, project.parent_id).model_id)
    ask = AskCalibration.model_validate({name: value for name, value in project.ask.items() if name != PICKED})
    other = project.calibration_dataset_id
    return calibration_snippets(
        Repeated(
            model=model_path(trees, parent),
            dataset=dataset_path(trees, store.get(KeptDataset, other)) if other is not None else dataset,
            settings=make_settings(project.settings),
            validation=dataset if other is not None else None,
            points=ask.points if ask.benchmark else None,
            workers=ask.workers,
            place=place,
        )
    )


def _place(shelf: Shelf, project: Project) -> Place | None:
    found = shelf.store.all(Target, where={"id": project.target_id})
    if not found or found[0].spec.is_here:
        return None
    return Place(found[0].name, found[0].spec, shelf.trees.data)


def calibration_snippets(job: Repeated) -> dict[str, str]:
    """Of a calibration."""
    options, rest = as_options(job.settings)
    sets = ["--dataset", str(job.dataset)]
    sets += ["--validation", str(job.validation)] if job.validation else []
    sets += ["--workers", str(job.workers)] if job.workers > 1 else []
    there = job.on_target(is_whole=False)
    words = ["calibench", "calibrate", str(job.model), *sets, *_flat(options), "--out", OUT, *there]
    further: list[tuple[str, Any]] = [] if job.validation is None else [("validation", str(job.validation))]
    lines = [words, _benchmark_words(job, job.points, [job.model, Path(OUT) / "model.xml"])] if job.points else []
    further += [] if job.points else [("benchmark", False)]
    further += [("workers", job.workers)] if job.workers > 1 else []
    return {
        "cli": _shell(lines or [[*words, "--no-benchmark"]], rest),
        "python": _python(
            job, "calibrate", [("out", OUT), *further], f"print(result{'' if there else '.report'}.drop_points)"
        ),
    }


def baseline_snippets(job: Repeated) -> dict[str, str]:
    """Of a model that was measured as it is."""
    options, rest = as_options(job.settings)
    words = ["calibench", "evaluate", str(job.model), "--dataset", str(job.dataset), *_flat(options), *job.on_target()]
    return {
        "cli": _shell([words, _benchmark_words(job, job.points or ONE_POINT, [job.model])], rest),
        "python": _python(
            job, "evaluate", [], 'print(result["score"])' if job.on_target() else "print(result.lines[0])"
        ),
    }


def pick_snippets(result: Path, max_drop: float | None, min_fps: float | None) -> dict[str, str]:
    """Of another model of a front."""
    name, value = ("max_drop", max_drop) if max_drop is not None else ("min_fps", min_fps)
    words = ["calibench", "pick", str(result), f"--{name.replace('_', '-')}", f"{value:g}", "--out", OUT]
    lines = ["from calibench import pick", "", f"print(pick({str(result)!r}, {name}={value!r}, target={OUT!r}))"]
    return {"cli": shlex.join(words) + "\n", "python": "\n".join(lines) + "\n"}


def _benchmark_words(job: Repeated, points: Points, models: Sequence[Path]) -> list[str]:
    """Where the points of the charts come from; pictures of random data serve for speed as well."""
    batches, streams = (",".join(map(str, each)) for each in (points.batches, points.streams))
    grid = ["--batches", batches, *(["--streams", streams] if points.streams != (0,) else [])]
    time = ["--seconds", f"{points.seconds:g}", "--rounds", str(points.rounds)]
    device = ["--device", job.settings.device] if job.settings.device != "CPU" else []
    sets = ["--dataset", str(job.validation or job.dataset)]
    return ["calibench", "benchmark", *map(str, models), *sets, *grid, *time, *device, *job.on_target()]


def _shell(lines: Sequence[Sequence[str]], rest: dict[str, Any]) -> str:
    """The lines, the first of them with the settings that have no option in a file."""
    text = ""
    if rest:
        config = yaml.safe_dump(rest, sort_keys=False, allow_unicode=True)
        text = f"cat > {CONFIG} <<'END'\n{config}END\n"
    first, *others = lines
    words = [*first, "--config", CONFIG] if rest else list(first)
    return text + "\n".join(shlex.join(line) for line in (words, *others)) + "\n"


def _python(job: Repeated, function: str, further: Sequence[tuple[str, Any]], last: str) -> str:
    values = said(job.settings)
    settings = pformat(values, width=WIDTH, sort_dicts=False)
    given = "".join(f"    {name}={value!r},\n" for name, value in further)
    there = job.on_target(is_whole=function != "calibrate")
    called, name = function, function
    if there and job.place is not None:
        called, name = f"RemoteTarget({job.place.name!r}, data_dir={str(job.place.data)!r}).{function}", "RemoteTarget"
    call = f"result = {called}(\n    {str(job.model)!r},\n    {str(job.dataset)!r},\n    settings,\n{given})\n{last}\n"
    if job.workers > 1:
        call = GUARD + indent(call, "    ")
    names = ", ".join(sorted(("Settings", name), key=lambda each: (each.islower(), each)))
    return f"from calibench import {names}\n\nsettings = Settings(**{settings})\n{call}"


def _flat(options: Sequence[tuple[str, ...]]) -> list[str]:
    return [word for option in options for word in option]
