"""`calibench.Client`: the Workbench of a server, with the things of `calibench.things` as answers."""

from types import TracebackType
from typing import Any, Self

from calibench.client.connection import Connection
from calibench.client.dataset_calls import Datasets
from calibench.client.following import OnEvent, follow, unheard, unless_done
from calibench.client.job_calls import Jobs
from calibench.client.model_calls import Models
from calibench.client.project_calls import Projects
from calibench.client.server_calls import Targets, Uploads
from calibench.errors import CalibenchError, JobError
from calibench.things.kept import Job


class Client:
    """A server, by its parts; usable as a context manager.

    >>> with Client("http://127.0.0.1:8642/?token=...") as client:
    ...     model = client.models.send("model.onnx")
    ...     dataset = client.datasets.send("images/")
    ...     project = client.projects.create(model.id, dataset.id)
    ...     client.wait(project.job_id)                                  # the baseline
    ...     int8 = client.projects.calibrate(project.id, AskCalibration(method="accuracy-aware", max_drop=0.5))
    ...     client.wait(int8.job_id)
    ...     client.projects.download(int8.id, Path("out"))

    Errors are those of `calibench.errors`, with the sentence of the server; TargetError: it cannot be reached.
    """

    def __init__(self, url: str, token: str | None = None, verify: bool | str = True) -> None:
        """Take the address of a server: see `Connection`.

        Raises:
            SettingsError: no address, or httpx is not installed.
        """
        self.connection = Connection(url, token, verify)
        self.models = Models(self.connection)
        self.datasets = Datasets(self.connection)
        self.projects = Projects(self.connection)
        self.jobs = Jobs(self.connection)
        self.uploads = Uploads(self.connection)
        self.targets = Targets(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self.connection.close()

    @property
    def url(self) -> str:
        """The address, without a token."""
        return self.connection.url

    def is_there(self) -> bool:
        """Whether the server answers; needs no token."""
        try:
            return bool(self.connection.read("/health")["status"] == "ok")
        except (CalibenchError, KeyError, TypeError):
            return False

    def version(self) -> str:
        """Of the server's Calibench."""
        return str(self.connection.read("/version")["version"])

    def machine(self) -> dict[str, Any]:
        """The machine that the server runs on: `target_id`, `machine`, `load`, `running_jobs`."""
        return dict(self.connection.read("/machine"))

    def sample(self) -> Job:
        """Import the sample, a network and two datasets; a job."""
        return self.connection.ask(Job, "POST", "/sample")

    def compare(self, first: int, second: int) -> dict[str, Any]:
        """Two projects of a family side by side: `headlines`, `differences`, layers and points of both."""
        return dict(self.connection.read("/compare", a=first, b=second))

    def wait(self, job_id: int | None, on_event: OnEvent = unheard) -> Job:
        """Follow a job to its end, through restarts of the server.

        Args:
            on_event: hears of its changes, its progress and the trials of its search.

        Raises:
            CalibenchError: of the kind by which it failed, with its sentence; JobError: it was cancelled; TargetError:
                the server was away for longer than a minute.
        """
        if job_id is None:
            raise JobError("There is no job to wait for.")
        job = follow(self.connection, job_id, on_event)
        unless_done(job)
        return job
