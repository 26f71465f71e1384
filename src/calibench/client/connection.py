"""Requests to a server: the token, and errors as the kinds that the server raised."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from calibench.errors import CalibenchError, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.store.refused import Conflict, NotThere

if TYPE_CHECKING:
    import httpx

Thing = TypeVar("Thing", bound=BaseModel)

TOKEN = "CALIBENCH_TOKEN"
"""Environment variable with the token, for who does not want it on the command line."""
PREFIX = "/api/v1"
TIMEOUT_S = 60.0
"""Without an answer; uploads and downloads may take as long as they go on."""

KINDS: Mapping[str, type[CalibenchError]] = {
    kind.__name__: kind for kind in (ModelError, DatasetError, SettingsError, TargetError, JobError, Conflict, NotThere)
}


class Connection:
    """One server, over connections that are used again."""

    def __init__(self, url: str, token: str | None = None, verify: bool | str = True) -> None:
        """Take an address; nothing is sent yet.

        Args:
            url: such as http://127.0.0.1:8642, or the link that `calibench serve` printed, token included.
            token: None: from the link, else from the variable CALIBENCH_TOKEN.
            verify: of TLS: False, or a file with the certificate to trust.

        Raises:
            SettingsError: no address, or httpx is not installed.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"{url}: is no address of a server. Give one such as http://127.0.0.1:8642.")
        found = token or next(iter(parse_qs(parts.query).get("token", [])), None) or os.environ.get(TOKEN)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        headers = {"Authorization": f"Bearer {found}"} if found else {}
        self._http = _httpx().Client(base_url=self.url, headers=headers, verify=verify, timeout=TIMEOUT_S)

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def send(self, method: str, path: str, **more: Any) -> "httpx.Response":
        """One request under /api/v1, and its answer.

        Raises:
            CalibenchError: of the kind that the server raised; TargetError: it cannot be reached.
        """
        with self._reached():
            answer: httpx.Response = self._http.request(method, PREFIX + path, **more)
        _raise_error(answer)
        return answer

    def read(self, path: str, **query: Any) -> Any:
        """The plain values of a GET."""
        return self.send("GET", path, params={name: value for name, value in query.items() if value is not None}).json()

    def thing(self, kind: type[Thing], path: str, **query: Any) -> Thing:
        """One thing by GET."""
        return kind.model_validate(self.read(path, **query))

    def things(self, kind: type[Thing], path: str, **query: Any) -> tuple[Thing, ...]:
        """All things of a list, however long, by several GETs."""
        found: list[Thing] = []
        while True:
            page = self.read(path, limit=1000, offset=len(found), **query)
            found += [kind.model_validate(each) for each in page]
            if len(page) < 1000:
                return tuple(found)

    def ask(self, kind: type[Thing], method: str, path: str, body: BaseModel | None = None) -> Thing:
        """Send a body, and read the thing that is answered."""
        content = None if body is None else body.model_dump(mode="json", exclude_unset=True)
        return kind.model_validate(self.send(method, path, json=content).json())

    def put_bytes(self, path: str, content: Iterable[bytes], **query: Any) -> Any:
        """Stream bytes; the plain values of the answer."""
        return self.send("PUT", path, params=query, content=content, timeout=None).json()

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an answer that goes on, such as events."""
        with self._reached(), self._http.stream("GET", PREFIX + path, timeout=TIMEOUT_S) as answer:
            _raise_error(answer)
            yield from answer.iter_lines()

    def download(self, path: str, to: Path) -> None:
        """Save an answer as a file.

        Raises:
            JobError: it cannot be written.
        """
        with self._reached(), self._http.stream("GET", PREFIX + path, timeout=TIMEOUT_S) as answer:
            _raise_error(answer)
            try:
                with to.open("wb") as file:
                    for part in answer.iter_bytes():
                        file.write(part)
            except OSError as error:
                raise JobError(f"{to}: cannot be written ({error.strerror}). Is the disk full?") from None

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Say it where the server does not answer."""
        httpx = _httpx()
        try:
            yield
        except httpx.HTTPError as error:
            reason = str(error).strip().rstrip(".") or type(error).__name__
            raise TargetError(f"{self.url}: does not answer ({reason}). Is `calibench serve` running there?") from None


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise SettingsError("Talking to a server needs httpx. Install it: pip install 'calibench[client]'.") from None
    return httpx


def _raise_error(answer: "httpx.Response") -> None:
    """An error of the server as the error that it was there."""
    if answer.is_success:
        return
    answer.read()
    try:
        error = answer.json()["error"]
        kind, message = str(error["kind"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        raise TargetError(
            f"{answer.request.url.copy_with(query=None)}: answered {answer.status_code} and not as Calibench does. Is "
            "this its address?"
        ) from None
    if answer.status_code == 401:
        raise SettingsError(
            f"The server wants its token. Give the whole link that `calibench serve` printed, or set {TOKEN}."
        )
    raise KINDS.get(kind, JobError)(message)
