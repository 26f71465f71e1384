"""The program on a terminal of its own, and a person who reads and types there."""

import os
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep

PATIENCE_S = 120.0
START = "import sys; from calibench.cli.app import main; sys.argv = ['calibench', *sys.argv[1:]]; main()"


class Terminal:
    """`calibench WORDS` at a terminal. said: all that stood on it so far."""

    def __init__(self, *words: object, **environment: str) -> None:
        self._own, other = os.openpty()
        outside = {name: value for name, value in os.environ.items() if not name.startswith("CALIBENCH")}
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "300"}
        # setsid makes it the terminal that a passphrase is asked for on, whatever stdin is.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-c", START, *map(str, words)],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**outside, **plain, **environment},
        )
        os.close(other)
        self.said = ""

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read until these words stand there so often."""
        self._read(lambda: self.said.count(words) >= times)
        assert self.said.count(words) >= times, self.said

    def is_hidden(self) -> bool:
        """Whether what is typed is not shown."""
        return not termios.tcgetattr(self._own)[3] & termios.ECHO

    def wait_until_hidden(self) -> None:
        """A question stands there before its answer is hidden, and what is typed in between is thrown away."""
        end = monotonic() + PATIENCE_S
        while not self.is_hidden():
            assert monotonic() < end, self.said
            sleep(0.02)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._own, f"{line}\n".encode())

    def end(self) -> int:
        """Wait until the program has ended; its exit code."""
        try:
            self._read(lambda: False)
            return self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._own)

    def _read(self, is_enough: Callable[[], bool]) -> None:
        end = monotonic() + PATIENCE_S
        while not is_enough() and monotonic() < end:
            if select.select([self._own], [], [], 0.1)[0]:
                read = b""
                with suppress(OSError):  # nobody writes to it any more
                    read = os.read(self._own, 1 << 16)
                if not read:
                    return
                self.said += read.decode(errors="replace").replace("\r\n", "\n")
