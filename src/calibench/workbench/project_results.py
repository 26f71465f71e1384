"""What the files of a project's result say, as plain JSON for pages and REST; nothing is computed here but joined."""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calibench.store.refused import NotThere
from calibench.store.trees import Trees
from calibench.things.kept import Project
from calibench.workbench.ran_layers import baseline_layers, calibrated_layers, precision_shares

REPORT, BASELINE, POINTS, BESIDE = "report.json", "baseline.json", "points.json", "beside.json"
KEPT_IN_MEMORY = 4
"""Results whose files stay read; a project page asks for one and the same several times."""
WEIGHTS = re.compile(r'"weights": \{"channels": (\d+), [^{}]*\}')
"""Of a layer, as the report is written; no text inside of JSON has quotes that are not escaped."""
EXPORTS = (
    "model.xml", "model.bin", "report.html", REPORT, "deploy.py", "classes.csv", "timings.json", BASELINE, POINTS,
)  # fmt: skip
"""Files that can be taken away, in the order in which they are offered."""

Plain = dict[str, Any]


class Results:
    """The results of projects, each read once while it is looked at."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._read: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._reading = threading.Lock()

    def report(self, project: Project) -> Plain | None:
        """report.json, without the weights of single channels; None for an FP32 project, or where there is none yet."""
        found: Plain | None = self._file(project, REPORT)
        return found

    def baseline(self, project: Project) -> Plain | None:
        """baseline.json of a project whose model was measured as it is."""
        found: Plain | None = self._file(project, BASELINE)
        return found

    def beside(self, project: Project) -> Plain | None:
        """What the machine is, and what INT8 gains there, of a model that was measured beside its FP32 model."""
        found: Plain | None = self._file(project, BESIDE)
        return found

    def points(self, project: Project) -> list[Plain]:
        """Throughput and latency at every point that was measured, by series, batch and streams."""
        found = self._file(project, POINTS)
        if found is None:
            found = (self.baseline(project) or {}).get("points", [])
        return list(found)

    def layers(self, project: Project) -> list[Plain]:
        """The layers as they ran, in order; see `ran_layers`."""
        if (report := self.report(project)) is not None:
            return calibrated_layers(report)
        baseline = self.baseline(project)
        return baseline_layers(baseline) if baseline else []

    def layer(self, project: Project, name: str) -> Plain:
        """One of `layers`, with its weights per output channel.

        Raises:
            NotThere: it is none of them.
        """
        found = next((row for row in self.layers(project) if name in (row["name"], row["layer"])), None)
        if found is None:
            raise NotThere(f"The project {project.id} has no layer {name[:200]!r}.")
        folder = self.folder(project)
        whole = None
        if folder is not None and found["layer"] is not None:
            whole = _line_of(folder / REPORT, found["layer"])
        return found if whole is None else {**found, "weights": whole.get("weights")}

    def precisions(self, project: Project) -> Plain:
        """By series the precisions, each with its number of layers, its time in ms and its share of the time."""
        if (report := self.report(project)) is not None:
            return {name: precision_shares(layers) for name, layers in report.get("runtime_layers", {}).items()}
        baseline = self.baseline(project) or {}
        series = {"fp32": baseline.get("layers") or [], "default": baseline.get("default_layers") or []}
        return {name: precision_shares(layers) for name, layers in series.items() if layers}

    def pictures(self, project: Project) -> list[Plain]:
        """Samples on which INT8 answers otherwise than FP32, the worst first."""
        return list((self.report(project) or {}).get("samples", []))

    def search(self, project: Project) -> Plain | None:
        """Front, trials and ranking of an accuracy-aware calibration."""
        found: Plain | None = (self.report(project) or {}).get("search")
        return found

    def advice(self, project: Project) -> list[Plain]:
        """What to know and to do, the most important first."""
        return list((self.report(project) or {}).get("advice", []))

    def exports(self, project: Project) -> list[Plain]:
        """Files that can be taken away; `path` is inside the result."""
        folder = self.folder(project)
        if folder is None:
            return []
        there = [(name, folder / name) for name in EXPORTS]
        return [
            {"name": name, "path": name, "size_bytes": path.stat().st_size} for name, path in there if path.is_file()
        ]

    def export(self, project: Project, name: str) -> Path:
        """One of `exports`.

        Raises:
            NotThere: it is none of them.
        """
        folder = self.folder(project)
        if folder is None or name not in {each["name"] for each in self.exports(project)}:
            raise NotThere(f"The project {project.id} has no file {name[:100]!r} to take away.")
        return folder / name

    def folder(self, project: Project) -> Path | None:
        """Where the files of the result lie; None where there is none yet."""
        return None if project.result is None else self._trees.path(project.result)

    def _file(self, project: Project, name: str) -> Any:
        """A JSON file of the result; None where it is not there."""
        folder = self.folder(project)
        if folder is None or project.result is None:
            return None
        key = (project.result, name)
        with self._reading:  # two pages that ask at once must not both hold a large report in memory
            if key not in self._read:
                self._read[key] = read_lean(folder / name)
                while len(self._read) > 2 * KEPT_IN_MEMORY:
                    self._read.popitem(last=False)
            self._read.move_to_end(key)
            return self._read[key]


def read_lean(path: Path) -> Any:
    """A JSON file without the weights of single channels, which are most of a report and stand in no table; None where
    there is no such file. They are cut out of the text line by line: what is not kept is never there all at once.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            text = "".join(WEIGHTS.sub(r'"weights": {"channels": \1}', line) for line in lines)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return json.loads(text)


def _line_of(report: Path, layer: str) -> Plain | None:
    """A layer out of report.json, which has each on a line of its own: the rest need not be understood."""
    begin = f'    {{"name": {json.dumps(layer, ensure_ascii=False)}, "type": '
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(begin):
                found: Plain = json.loads(line.rstrip().rstrip(","))
                return found
    return None


def best_under(points: Sequence[Mapping[str, Any]], limit_ms: float | None) -> Mapping[str, Any] | None:
    """The point with the highest throughput whose latency keeps a limit; None where none does.

    Args:
        limit_ms: None: no limit.
    """
    inside = [
        point
        for point in points
        if limit_ms is None or (point["latency_ms"] is not None and point["latency_ms"] <= limit_ms)
    ]
    return max(inside, key=lambda point: point["fps"], default=None)
