import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = (
    "calibrate",
    "pick",
    "caffe",
    "evaluate",
    "compare",
    "benchmark",
    "inspect",
    "report",
    "demo",
    "doctor",
    "serve",
    "projects",
    "jobs",
)
WITHOUT_INFERENCE = ("pick", "report", "serve", "projects", "jobs")

IMPORTS = """
import sys
from calibench.cli.app import main
sys.argv = ["calibench", *sys.argv[1:]]
try:
    main()
finally:
    print("heavy:", sorted({"openvino", "numpy", "psutil", "httpx"} & set(sys.modules)))
"""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_as_agreed(command, run) -> None:
    """To renew the files: UPDATE_GOLDEN=1 pytest tests/cli/test_help.py."""
    result = run(*filter(None, [command]), "--help")
    text = "\n".join(line.rstrip() for line in result.output.splitlines()) + "\n"
    path = GOLDEN / f"{command or 'calibench'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert result.exit_code == 0
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("args", [["--help"], ["calibrate", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(args, program) -> None:
    result = program(IMPORTS, *args)
    assert result.returncode == 0
    assert result.stdout.endswith("heavy: []\n")


def test_no_name_is_cut_off() -> None:
    for command in COMMANDS:
        assert "…" not in (GOLDEN / f"{command}.txt").read_text(encoding="utf-8")


def test_every_command_has_the_common_options() -> None:
    for command in COMMANDS:
        text = (GOLDEN / f"{command}.txt").read_text(encoding="utf-8")
        for option in ("--json", "--threads", "--log-file", "--debug"):
            needed = option != "--threads" or command not in WITHOUT_INFERENCE
            assert (option in text) == needed, (command, option)


def test_the_version_is_printed(run) -> None:
    from calibench import __version__

    assert run("--version").output == f"calibench {__version__}\n"
