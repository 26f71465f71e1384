"""The access token: made at the first start, kept in a file that only its owner may read."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from calibench.errors import JobError

TOKEN_BYTES = 32
"""Random bytes of a token: 256 bits, which nobody guesses."""


class TokenFile:
    """The token of one data folder. A renewed file is seen at once, by a running server too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._token = ""

    @property
    def token(self) -> str:
        """The token as the file has it now; made when there is none.

        Raises:
            JobError: the file cannot be read or written, or holds no token.
        """
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return self.renew()
        except OSError as error:
            raise _unreadable(self._path, error) from None
        mark = (state.st_ino, state.st_mtime_ns, state.st_size)
        if mark != self._seen:
            self._token, self._seen = self._read(), mark
        return self._token

    def renew(self) -> str:
        """A new token; links and sessions of the old one end.

        Raises:
            JobError: the file cannot be written.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(f"{token}\n")
            beside.replace(self._path)
        except OSError as error:
            raise JobError(f"{self._path}: the token cannot be written ({error.strerror}). Mend the folder.") from None
        return token

    def _read(self) -> str:
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._path, error) from None
        if len(token) < TOKEN_BYTES:
            raise JobError(f"{self._path}: holds no token. Delete the file; a new one is made at the next start.")
        return token


def _unreadable(path: Path, error: Exception) -> JobError:
    reason = getattr(error, "strerror", None) or "it is no text"
    return JobError(f"{path}: the token cannot be read ({reason}). Mend its rights, or delete it.")


def session_of(token: str) -> str:
    """What a browser's cookie holds: follows from the token, but does not give it away."""
    return hmac.new(token.encode(), b"calibench session", hashlib.sha256).hexdigest()


def cookie_name(token: str) -> str:
    """Name of the cookie. Of its own for each token, because cookies of two servers on one machine share a place."""
    return "calibench_" + hmac.new(token.encode(), b"calibench cookie", hashlib.sha256).hexdigest()[:8]


def is_same(given: str, right: str) -> bool:
    """Compare secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())
