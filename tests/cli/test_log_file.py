"""The log is a help, never a reason to fail."""

import logging
from pathlib import Path

import pytest

from calibench.cli.answer import _logging_to, log


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_log_on_a_full_disk_does_not_end_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging_to(Path("/dev/full")):
        log.info("a line that finds no room")
    assert capsys.readouterr().err == ""
    assert not any(isinstance(handler, logging.FileHandler) for handler in log.handlers)
