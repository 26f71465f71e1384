"""Run the tests group by group, print the minutes of each beside its budget, and end with one line of counts.

Usage: .venv/bin/python tools/run_tests.py [GROUP ...] [-- OPTIONS OF PYTEST]

A group is a set of markers; what has no such marker is `unit`. Tests marked `root` run as root only.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

GROUPS = {
    "unit": "not (models or packages or browser or targets)",
    "models": "(models or packages) and not (browser or targets)",
    "browser": "browser",
    "targets": "targets and not browser",
}
"""Group -> expression over the markers of pyproject.toml."""

BUDGET = {"set-up": 3, "unit": 8, "models": 12, "browser": 14, "targets": 7}
"""Minutes that each may take on two cores when everything planned is there."""

TWO_PROCESSES = ("-n", "2", "--dist", "loadfile", "--max-worker-restart", "1", "--timeout-method", "thread")
SPREAD = {"unit": TWO_PROCESSES, "targets": TWO_PROCESSES}
"""Options of groups whose tests wait more than they compute; a file stays in one process, with its fixtures, and is
tried once more where it brings its process down. A test that hangs does: it may wait for a thread that hangs."""

NOTHING_FOUND = 5
"""pytest's exit code where no test belongs to the group."""


@dataclass(frozen=True)
class Counts:
    """What became of the tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errors: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.errors + other.errors,
        )

    @property
    def is_good(self) -> bool:
        """Did at least one test run, and none fail?"""
        return self.passed > 0 and self.failed == 0 and self.errors == 0

    def line(self, seconds: float) -> str:
        """The closing line, in the words of pytest."""
        more = [f"{self.skipped} skipped"] if self.skipped else []
        more += [f"{self.errors} error{'s' if self.errors > 1 else ''}"] if self.errors else []
        return ", ".join((f"{self.passed} passed", f"{self.failed} failed", *more)) + f" in {seconds:.1f}s"


def run_group(name: str, options: Sequence[str], is_root: bool) -> Counts:
    """Run one group with its own pytest; a pytest that breaks down counts as an error."""
    markers = GROUPS[name] if is_root else f"({GROUPS[name]}) and not root"
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.xml"
        # -q beside the one in pyproject.toml: no counts of its own, so that the counts of all stand alone
        own = ("-m", markers, f"--junitxml={report}", *SPREAD.get(name, ()))
        command = [sys.executable, "-m", "pytest", "-q", *own, *options]
        code = subprocess.run(command, stdin=subprocess.DEVNULL, env=_environment(), check=False).returncode
        counts = read_counts(report)
    if code in (0, NOTHING_FOUND) or counts.failed or counts.errors:
        return counts
    return counts.plus(Counts(errors=1))


def _environment() -> dict[str, str]:
    """With compiled modules kept: each of the many processes that tests start would compile the package anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def read_counts(report: Path) -> Counts:
    """The counts in a JUnit file; none where it was not written."""
    if not report.is_file():
        return Counts()
    counts = Counts()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        total, failed, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
        counts = counts.plus(Counts(total - failed - errors - skipped, failed, skipped, errors))
    return counts


def set_up_seconds(environment: Path) -> float:
    """What the set-up took when it ran: each step wrote its seconds into its stamp file."""
    return sum(float(stamp.read_text() or 0) for stamp in environment.glob("*.done"))


def table(seconds: dict[str, float]) -> Iterable[str]:
    """A line for each group: minutes, budget, and a word where it was not kept."""
    yield f"{'':8} {'minutes':>8} {'budget':>7}"
    for name, taken in seconds.items():
        late = "  over budget" if taken / 60 > BUDGET[name] else ""
        yield f"{name:8} {taken / 60:8.1f} {BUDGET[name]:7}{late}"


def main(arguments: Sequence[str]) -> int:
    """Run the named groups, or all; 0 when every test passed."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:cut] or list(GROUPS), arguments[cut + 1 :]
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"{unknown[0]}: there is no such group of tests. Known: {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    is_root = os.geteuid() == 0
    if not is_root:
        print("Not root: tests marked `root` are left out here; CI runs them.")
    seconds = {"set-up": set_up_seconds(Path(sys.prefix))}
    total = Counts()
    for name in names:
        print(f"\n{name} tests", flush=True)
        start = time.monotonic()
        total = total.plus(run_group(name, options, is_root))
        seconds[name] = time.monotonic() - start
    print()
    print("\n".join(table(seconds)))
    print()
    print(total.line(sum(seconds[name] for name in names)))
    return 0 if total.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
