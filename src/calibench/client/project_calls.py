"""What can be asked of the projects of a server."""

from pathlib import Path
from typing import Any

from calibench.client.connection import Connection, understood
from calibench.client.result_calls import Results
from calibench.things.asked import AskCalibration, AskEvaluation, AskPick, NewProject, Points, Rename
from calibench.things.kept import Deletion, Hindrance, Job, Project


class Projects:
    """Projects of a server. Each method raises NotThere for a project that is not there.

    Attributes:
        results: what came out of them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.results = Results(connection)

    def all(self, search: str = "", archived: bool = False) -> tuple[Project, ...]:
        """All of them, the newest first; `archived`: those that were put away, in place of the others."""
        return self._connection.things(Project, "/projects", search=search, archived=archived)

    def get(self, id: int) -> Project:
        """One project."""
        return self._connection.thing(Project, f"/projects/{id}")

    def family(self, id: int) -> tuple[Project, ...]:
        """The FP32 project first, then the INT8 projects that were calibrated in it."""
        return tuple(understood(Project, each) for each in self._connection.read(f"/projects/{id}/family"))

    def create(
        self,
        model_id: int,
        dataset_id: int,
        device: str = "CPU",
        run_baseline: bool = True,
        target_id: int | None = None,
    ) -> Project:
        """A model with a dataset on a target; the one that is there already, or a new one whose baseline runs.

        Args:
            target_id: None: the server's own machine.
        """
        asked = NewProject(
            model_id=model_id, dataset_id=dataset_id, target_id=target_id, device=device, run_baseline=run_baseline
        )
        return self._connection.ask(Project, "POST", "/projects", asked)

    def rename(self, id: int, name: str, version: int | None = None) -> Project:
        """Another name; refused (Conflict) where `version` is not the newest."""
        return self._connection.ask(Project, "PATCH", f"/projects/{id}", Rename(name=name, version=version))

    def archive(self, id: int, is_archived: bool = True) -> Project:
        """Put it away, or take it back."""
        return self._connection.ask(Project, "PUT", f"/projects/{id}/archived", {"is_archived": is_archived})

    def hindrances(self, id: int) -> tuple[Hindrance, ...]:
        """Why INT8 cannot be calibrated there; empty: it can."""
        return self._hindrances(id, "calibration")

    def method_hindrances(self, id: int) -> tuple[Hindrance, ...]:
        """Why the accuracy-aware method is not possible there; empty: it is."""
        return self._hindrances(id, "accuracy_aware")

    def remarks(self, id: int) -> tuple[Hindrance, ...]:
        """What hinders nothing and should be known."""
        return self._hindrances(id, "remarks")

    def baseline(self, id: int) -> Job:
        """Score and measure the FP32 model; a job."""
        return self._connection.ask(Job, "POST", f"/projects/{id}/baseline")

    def calibrate(self, id: int, asked: AskCalibration) -> Project:
        """Calibrate to INT8: the new project, whose `job_id` is to be waited for.

        Raises:
            Refused: with the hindrance, such as a baseline that is missing.
        """
        return self._connection.ask(Project, "POST", f"/projects/{id}/calibrations", asked)

    def estimate(self, id: int, asked: AskCalibration) -> dict[str, Any]:
        """How many `images` the subset means, and how many `seconds` it may take: at least, at most, or None."""
        return dict(self._connection.ask_plain("POST", f"/projects/{id}/estimate", asked))

    def benchmark(self, id: int, points: Points) -> Job:
        """Measure speed at batches and streams; the `result` of the job has the points.

        Args:
            points: AskBenchmark: beside an FP32 model, and with what the machine is.
        """
        return self._connection.ask(Job, "POST", f"/projects/{id}/benchmarks", points)

    def evaluate(self, id: int, asked: AskEvaluation | int) -> Job:
        """Score its model on a dataset, which may be no more than its id; the score is in the `result` of the job."""
        asked = AskEvaluation(dataset_id=asked) if isinstance(asked, int) else asked
        return self._connection.ask(Job, "POST", f"/projects/{id}/evaluations", asked)

    def pick(self, id: int, asked: AskPick) -> Project:
        """Take another model of its search; a new project."""
        return self._connection.ask(Project, "POST", f"/projects/{id}/picks", asked)

    def download(self, id: int, folder: Path) -> tuple[Path, ...]:
        """Save the files that can be taken away into a folder.

        Raises:
            JobError: it cannot be written.
        """
        return self.results.download(id, folder)

    def would_delete(self, id: int) -> Deletion:
        """What would go with it."""
        return self._connection.thing(Deletion, f"/projects/{id}/deletion")

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete it, and what `would_delete` names; what jobs left on targets is removed there first.

        Args:
            leave: also where that cannot be removed now.

        Raises:
            Refused: a job of it goes on, or left something on a target that could not be removed.
        """
        self._connection.delete(f"/projects/{id}", leave)

    def _hindrances(self, id: int, which: str) -> tuple[Hindrance, ...]:
        found = self._connection.read(f"/projects/{id}/hindrances")[which]
        return tuple(understood(Hindrance, each) for each in found)
