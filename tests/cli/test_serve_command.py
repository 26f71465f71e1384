"""`calibench serve` before it serves: what it prints, warns of and refuses."""

import json

import pytest

from calibench import server
from calibench.cli import serve as command


@pytest.fixture
def served(monkeypatch):
    """What would be served."""
    seen = []

    def serve(workbench, serving, say_link, say_end, is_opened):
        seen.append((workbench, serving, is_opened))
        say_link(serving.link("TOKEN"))
        say_end("Stopped.")
        workbench.store.close()

    monkeypatch.setattr(server, "serve", serve)
    return seen


def test_it_prints_the_link_and_where_the_data_lies(run, served, tmp_path):
    result = run("serve", "--data-dir", str(tmp_path / "data"), "--port", "9000")
    assert result.exit_code == 0
    assert result.stdout == f"Calibench: http://127.0.0.1:9000/?token=TOKEN\nData: {tmp_path / 'data'}\n"
    assert (tmp_path / "data/workbench.db").is_file()


def test_json_alone_is_on_stdout(run, served, tmp_path):
    result = run("serve", "--data-dir", str(tmp_path / "data"), "--json")
    assert set(json.loads(result.stdout)) == {"link", "data_dir"}


def test_the_default_folder_follows_the_desktop_standard(run, served, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    run("serve")
    assert (tmp_path / "calibench/workbench.db").is_file()


def test_options_reach_the_server(run, served, tmp_path):
    (tmp_path / "models").mkdir()
    options = ("--allow-folder", str(tmp_path / "models"), "--allow-host", "lab.example", "--open")
    assert run("serve", "--data-dir", str(tmp_path / "data"), *options).exit_code == 0
    ((workbench, serving, is_opened),) = served
    assert workbench.allowed == (tmp_path / "models",)
    assert serving.names.has("lab.example")
    assert is_opened


def test_an_open_line_to_other_machines_is_warned_of(run, served, tmp_path):
    result = run("serve", "--data-dir", str(tmp_path / "data"), "--host", "0.0.0.0")
    assert result.stderr.startswith("Warning: 0.0.0.0 can be reached from other machines and nothing is encrypted")
    assert "Warning" not in run("serve", "--data-dir", str(tmp_path / "data"), "--host", "127.0.0.2").stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--allow-folder", "absent"), "--allow-folder absent: there is no such folder"),
        (("--tls-cert", "absent.pem"), "TLS needs both files"),
        (("--print-link",), "there is no token yet"),
        (("--data-dir", "/proc/nowhere"), "cannot be written"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(run, served, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    result = run("serve", "--data-dir", str(tmp_path / "data"), *options)
    assert result.exit_code in (1, 2)
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert served == []


def test_the_link_is_printed_again_and_changes_with_a_new_token(run, tmp_path):
    where = ("serve", "--data-dir", str(tmp_path / "data"), "--print-link")
    first = run(*where, "--new-token").stdout
    assert run(*where).stdout == first
    assert run(*where, "--new-token").stdout != first


def test_a_missing_package_is_named_with_what_installs_it(run, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "fastapi_offline" else object())
    result = run("serve", "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 2
    assert result.stderr == (
        "SettingsError: calibench serve needs fastapi-offline. Install it: pip install 'calibench[serve]'.\n"
    )
