import sys
from io import StringIO

import pytest

from calibench.cli.bars import plain_lines, shown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_at_most_every_two_seconds() -> None:
    stream, clock = StringIO(), Clock()
    report = plain_lines(stream, clock)
    for tick in range(100):
        clock.now = tick * 0.1
        report("statistics", tick, 300)
    assert stream.getvalue().splitlines() == [f"statistics {tick}/300" for tick in (0, 20, 40, 60, 80)]


def test_the_first_line_comes_at_once_whatever_the_clock_says() -> None:
    stream, clock = StringIO(), Clock()
    clock.now = -1000.0
    plain_lines(stream, clock)("read", 0, 1)
    assert stream.getvalue() == "read 0/1\n"


def test_without_a_terminal_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with shown() as progress:
        progress("decode", 1, 2)
    assert capsys.readouterr() == ("", "decode 1/2\n")


def test_a_terminal_gets_a_bar_for_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with shown() as progress:
        progress("decode", 1, 2)
        progress("decode", 2, 2)
        progress("statistics", 3, 32)
    text = stream.getvalue()
    assert "decode" in text
    assert "2/2" in text
    assert "3/32" in text
