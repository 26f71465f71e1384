"""Requests to a server: the token, and errors as the kinds that the server raised."""

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

from calibench import errors
from calibench.errors import CalibenchError, JobError, SettingsError, TargetError
from calibench.store.refused import Conflict, NotThere
from calibench.things.kept import Hindrance

if TYPE_CHECKING:
    import httpx

Thing = TypeVar("Thing", bound=BaseModel)
Body = BaseModel | Mapping[str, Any] | None

TOKEN = "CALIBENCH_TOKEN"
"""Environment variable with the token, for who does not want it on the command line."""
PREFIX = "/api/v1"
TIMEOUT_S = 60.0
"""Without an answer; uploads and downloads may take as long as they go on."""
DELETING_S = 600.0
"""The same where jobs of a thing left something on several targets, each of which is waited for."""
PAGE = 1000
"""Things that a list gives at once."""


class Refused(JobError):  # noqa: N818 - as the Workbench says it
    """What the server does not do now.

    Attributes:
        hindrance: why, and what mends it.
    """

    def __init__(self, sentence: str, hindrance: Hindrance) -> None:
        super().__init__(sentence)
        self.hindrance = hindrance


KINDS: Mapping[str, type[CalibenchError]] = {
    **errors.KINDS,
    **{kind.__name__: kind for kind in (Conflict, NotThere)},
    "NoAccess": SettingsError,
    "RequestError": SettingsError,
}
"""What an error of the server is here; every other one is a JobError."""


class Connection:
    """One server, over connections that are used again."""

    def __init__(self, url: str, token: str | None = None, verify: bool | str = True) -> None:
        """Take an address; nothing is sent yet.

        Args:
            url: such as http://127.0.0.1:8642, or the link that `calibench serve` printed, token included. The path of
                a page in it is left out.
            token: None: from the link, else from the variable CALIBENCH_TOKEN.
            verify: of TLS: False, or a file with the certificate to trust; SSL_CERT_FILE may name it too.

        Raises:
            SettingsError: no address, a token that cannot be one, no such certificate, or httpx is not installed.
        """
        parts = _address(url)
        found = token or next(iter(parse_qs(parts.query).get("token", [])), None) or os.environ.get(TOKEN)
        if found and not (found.isascii() and found.isprintable()):
            raise SettingsError("This token holds letters that no token has. Copy the link anew.")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        headers = {"Authorization": f"Bearer {found}"} if found else {}
        self._httpx = _httpx()
        try:
            trusted = ssl.create_default_context(cafile=verify) if isinstance(verify, str) else verify
            self._http = self._httpx.Client(
                base_url=self.url,
                headers=headers,
                verify=trusted,
                timeout=TIMEOUT_S,
                mounts=_without_proxy(str(parts.hostname)),
            )
        except OSError as error:
            raise SettingsError(
                f"{verify}: cannot be read as a certificate ({error.strerror or error}). Give a PEM file."
            ) from None

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

    def delete(self, path: str, leave: bool) -> None:
        """Delete a thing; as long as it takes to remove on targets what jobs of it left there."""
        timeout = self._httpx.Timeout(TIMEOUT_S, read=DELETING_S)
        self.send("DELETE", path, params={"leave": True} if leave else None, timeout=timeout)

    def plain(self, method: str, path: str, **more: Any) -> Any:
        """The plain values of an answer."""
        return _plain(self.send(method, path, **more))

    def read(self, path: str, **query: Any) -> Any:
        """The plain values of a GET; what is None is not asked for."""
        return self.plain("GET", path, params={name: value for name, value in query.items() if value is not None})

    def thing(self, kind: type[Thing], path: str, /, **query: Any) -> Thing:
        """One thing by GET."""
        return understood(kind, self.read(path, **query))

    def things(self, kind: type[Thing], path: str, /, **query: Any) -> tuple[Thing, ...]:
        """All things of a list, however long, by several GETs."""
        found: list[Thing] = []
        while True:
            page = self.read(path, limit=PAGE, offset=len(found), **query)
            found += [understood(kind, each) for each in page]
            if len(page) < PAGE:
                return tuple(found)

    def ask(self, kind: type[Thing], method: str, path: str, body: Body = None) -> Thing:
        """Send a body, and read the thing that is answered."""
        return understood(kind, self.ask_plain(method, path, body))

    def ask_plain(self, method: str, path: str, body: Body = None) -> Any:
        """Send a body, and read the plain values that are answered."""
        content = body.model_dump(mode="json", exclude_unset=True) if isinstance(body, BaseModel) else body
        return self.plain(method, path, json=content)

    def put_bytes(self, path: str, content: Iterable[bytes], **query: Any) -> Any:
        """Stream bytes; the plain values of the answer."""
        timeout = self._httpx.Timeout(TIMEOUT_S, read=None)  # a slow disk may write long before it answers
        return self.plain("PUT", path, params=query, content=content, timeout=timeout)

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an answer that goes on, such as events."""
        with self._reached(), self._http.stream("GET", PREFIX + path, timeout=TIMEOUT_S) as answer:
            _raise_error(answer)
            yield from answer.iter_lines()

    def download(self, path: str, to: Path, **query: Any) -> None:
        """Save an answer as a file.

        Raises:
            JobError: it cannot be written.
        """
        with self._reached(), self._http.stream("GET", PREFIX + path, params=query, timeout=TIMEOUT_S) as answer:
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
        try:
            yield
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            reason = str(error).strip().rstrip(".") or type(error).__name__
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                raise TargetError(
                    f"{self.url}: its certificate is not trusted here. Name the certificate's file in the variable "
                    "SSL_CERT_FILE, or in Python with verify=FILE."
                ) from None
            raise TargetError(f"{self.url}: does not answer ({reason}). Is `calibench serve` running there?") from None


def understood(kind: type[Thing], values: Any) -> Thing:
    """Plain values of an answer as a thing.

    Raises:
        TargetError: they are none: the server is of another version.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TargetError(
            f"The server answers with a {kind.__name__} that this Calibench does not understand ({where}: "
            f"{first['msg']}). Use the same version on both sides."
        ) from None


def _address(url: str) -> Any:
    """The parts of an address.

    Raises:
        SettingsError: it is none.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingsError(f"{url}: is no address of a server. Give one such as http://127.0.0.1:8642.")
    return parts


def _without_proxy(host: str) -> dict[str, None]:
    """A server on this machine is asked directly, whatever proxy is set for others."""
    is_here = host == "localhost" or host == "::1" or host.startswith("127.")
    return {f"all://{f'[{host}]' if ':' in host else host}": None} if is_here else {}


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        raise SettingsError("Talking to a server needs httpx. Install it: pip install 'calibench[client]'.") from None
    return httpx


def _plain(answer: "httpx.Response") -> Any:
    try:
        return answer.json()
    except ValueError:
        raise _other_program(answer) from None


def _raise_error(answer: "httpx.Response") -> None:
    """An error of the server as the error that it was there."""
    if answer.is_success:
        return
    answer.read()
    try:
        error = answer.json()["error"]
        kind, message = str(error["kind"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        raise _other_program(answer) from None
    if answer.status_code == 401:
        which = "has another token than this one" if "Authorization" in answer.request.headers else "wants its token"
        raise SettingsError(f"The server {which}. Give the whole link that `calibench serve` printed, or set {TOKEN}.")
    if error.get("hindrance"):
        raise Refused(message, understood(Hindrance, error["hindrance"]))
    raise KINDS.get(kind, JobError)(message)


def _other_program(answer: "httpx.Response") -> TargetError:
    url = answer.request.url
    return TargetError(
        f"{url.scheme}://{url.netloc.decode()}: answers {answer.status_code} to {url.path}, and not as Calibench does. "
        "Is this its address?"
    )
