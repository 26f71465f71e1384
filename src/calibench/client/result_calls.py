"""What came out of the projects of a server; rows have the fields of report.json."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from calibench.client.connection import Connection
from calibench.errors import JobError
from calibench.store.unpacking import unpack
from calibench.things.asked import Limits

Plain = dict[str, Any]


class Results:
    """Results of projects. Each method raises NotThere for a project that is not there, or has no such result."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def report(self, id: int) -> Plain:
        """report.json of its newest result, without the weights of single channels; or what its baseline found."""
        return dict(self._connection.read(f"/projects/{id}/report"))

    def points(self, id: int) -> list[Plain]:
        """Throughput and latency by batch and streams, of each series: fp32, default, int8."""
        return list(self._connection.read(f"/projects/{id}/points"))

    def layers(self, id: int) -> list[Plain]:
        """Its layers with times, precisions, errors and reasons."""
        return list(self._connection.read(f"/projects/{id}/layers"))

    def layer(self, id: int, name: str) -> Plain:
        """One of `layers`, with its weights per output channel."""
        return dict(self._connection.read(f"/projects/{id}/layer", name=name))

    def advice(self, id: int) -> list[Plain]:
        """What to know and to do, the most important first."""
        return list(self._connection.read(f"/projects/{id}/advice"))

    def precisions(self, id: int) -> Plain:
        """How much of the time runs in which precision, by series."""
        return dict(self._connection.read(f"/projects/{id}/precisions"))

    def pictures(self, id: int) -> list[Plain]:
        """Samples where INT8 answers otherwise than FP32, with both predictions; pictures as data URIs."""
        return list(self._connection.read(f"/projects/{id}/pictures"))

    def search(self, id: int) -> Plain:
        """Of an accuracy-aware calibration: trials, ranking of layers and the front."""
        return dict(self._connection.read(f"/projects/{id}/search"))

    def snippets(self, id: int) -> dict[str, str]:
        """`cli` and `python`: how to repeat its calibration."""
        return dict(self._connection.read(f"/projects/{id}/snippets"))

    def exports(self, id: int) -> list[Plain]:
        """The files that can be taken away: `name` and `size_bytes`."""
        return list(self._connection.read(f"/projects/{id}/exports"))

    def export(self, id: int, name: str, to: Path) -> None:
        """Save one of `exports`.

        Raises:
            JobError: it cannot be written.
        """
        self._connection.download(f"/projects/{id}/exports/{quote(name, safe='')}", to)

    def model(self, id: int, to: Path, only_model: bool = False) -> None:
        """Save all files of the project's model as a zip archive.

        Args:
            only_model: of an INT8 project, without report, search and front; else the whole result.

        Raises:
            JobError: it cannot be written.
        """
        query = {"only_model": True} if only_model else {}
        self._connection.download(f"/projects/{id}/model.zip", to, **query)

    def fetch(self, id: int, folder: Path) -> None:
        """Fill a folder with all files of an INT8 project's result, the models of a search's front included.

        Args:
            folder: is there, and holds nothing.

        Raises:
            JobError: it cannot be written.
            DatasetError: what came is damaged.
        """
        packed, unpacked = folder / ".model.zip", folder / ".unpacked"
        try:
            self.model(id, packed)
            unpack(packed, unpacked, Limits(), lambda _done, _total: None)
            packed.unlink()
            for path in unpacked.iterdir():
                path.rename(folder / path.name)
            unpacked.rmdir()
        except OSError as error:
            raise JobError(f"{folder}: cannot be written ({error.strerror}). Is the disk full?") from None

    def download(self, id: int, folder: Path) -> tuple[Path, ...]:
        """Save all `exports` into a folder.

        Raises:
            JobError: it cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"{folder}: cannot be made ({error.strerror}). Give another folder.") from None
        saved = tuple(folder / Path(each["name"]).name for each in self.exports(id))
        for path in saved:
            self.export(id, path.name, path)
        return saved
