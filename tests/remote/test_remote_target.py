"""A target from Python: what is refused before anything is sent, and who hears what."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from calibench import Hearing, RemoteTarget, Settings, resume_remote
from calibench.errors import Cancelled, DatasetError, ModelError, SettingsError, TargetError
from calibench.targets.bundle import Bundle, End
from calibench.targets.bundle_files import EventLog, is_cancel_asked, read_bundle, write_end
from calibench.targets.teller import say
from calibench.things.asked import AskTarget
from calibench.things.kept import Failure
from calibench.workbench.target_folder import opened_targets

Ends = list[Callable[[Path], End]]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """How jobs end, in order."""
    found: Ends = []

    def run_bundle(folder: Path) -> End:
        end = found.pop(0)(folder)
        write_end(end, folder)
        return end

    monkeypatch.setattr("calibench.targets.run_bundle.run_bundle", run_bundle)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that knows `lab` and the cluster `farm`, and files to send."""
    (tmp_path / "m.onnx").write_bytes(b"model")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"picture")
    with opened_targets(tmp_path / "data") as book:
        book.add(AskTarget(name="lab", address="ssh://me@lab"))
        book.add(AskTarget(name="farm", address="dask slurm"))
    return tmp_path


def telling(folder: Path) -> End:
    """A job that tells something, and goes on until it is cancelled."""
    EventLog(folder).write("progress", {"step": "statistics", "done": 1, "total": 2})
    end = time.monotonic() + 60
    while not is_cancel_asked(folder):
        assert time.monotonic() < end
        time.sleep(0.01)
    return End(state="cancelled")


def test_an_evaluation_gives_what_the_target_found(data: Path, ends: Ends) -> None:
    bundles: list[Bundle] = []

    def done(folder: Path) -> End:
        bundles.append(read_bundle(folder))
        EventLog(folder).write("note", {"text": "The connection is back."})
        EventLog(folder).write("progress", {"step": "evaluate", "done": 1, "total": 2})
        return End(state="done", result={"score": 0.5})

    ends.append(done)
    heard: list[Any] = []
    hear = Hearing(progress=lambda *step: heard.append(step), on_note=heard.append)
    lab = RemoteTarget("lab", data_dir=data / "data", hear=hear)
    found = lab.evaluate(data / "m.onnx", str(data / "set"), Settings(metric="mine:exact"))
    assert found == {"score": 0.5, "model": str(data / "m.onnx")}
    assert heard == ["The connection is back.", ("evaluate", 1, 2)]
    (bundle,) = bundles
    assert bundle.target is not None and (bundle.target.host, bundle.settings.metric) == ("lab", "mine:exact")


def test_a_callback_that_cancels_ends_the_job(data: Path, ends: Ends) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled

    ends += [telling, lambda folder: End(state="done", result={"cancelled": is_cancel_asked(folder)})]
    lab = RemoteTarget("lab", data_dir=data / "data", hear=Hearing(progress=stop))
    with pytest.raises(Cancelled, match="stopped on lab too, and nothing was written"):
        lab.evaluate(data / "m.onnx", data / "set")


def test_a_fault_of_a_callback_ends_the_job_and_is_raised(data: Path, ends: Ends) -> None:
    def broken(stage: str, done: int, total: int) -> None:
        raise ZeroDivisionError("in the listener")

    ends += [telling, telling]
    lab = RemoteTarget("lab", data_dir=data / "data", hear=Hearing(progress=broken))
    for _ in range(2):  # nothing of the first one is in the way
        with pytest.raises(ZeroDivisionError, match="in the listener"):
            lab.calibrate(data / "m.onnx", data / "set", out=data / "out")
    assert not list(data.glob(".out*"))


def test_an_interrupt_in_a_callback_ends_the_job_and_goes_on(data: Path, ends: Ends) -> None:
    def interrupted(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    ends.append(telling)
    lab = RemoteTarget("lab", data_dir=data / "data", hear=Hearing(progress=interrupted))
    with pytest.raises(KeyboardInterrupt):
        lab.evaluate(data / "m.onnx", data / "set")


def test_two_threads_hear_their_own_jobs_and_print_where_they_mean_to(
    data: Path, ends: Ends, capsys: pytest.CaptureFixture[str]
) -> None:
    both = threading.Barrier(2)

    def done(folder: Path) -> End:
        both.wait(60)
        say("of the log")
        EventLog(folder).write("note", {"text": "heard"})
        both.wait(60)
        assert "of the log" in (folder / "log.txt").read_text()
        return End(state="done", result={"score": 0.5})

    ends += [done, done]
    lab = RemoteTarget("lab", data_dir=data / "data", hear=Hearing(on_note=print))
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(lab.evaluate, data / "m.onnx", data / "set") for _ in range(2)]
    assert [each.result()["score"] for each in found] == [0.5, 0.5]
    assert capsys.readouterr().out == "heard\nheard\n"


def test_a_resume_of_a_cancelled_calibration_is_not_cancelled_again(data: Path, ends: Ends) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled

    def cancelled(folder: Path) -> End:
        (folder / "out/search").mkdir(parents=True)
        (folder / "out/search/run.json").write_text("{}")
        return telling(folder)

    def failed(folder: Path) -> End:
        assert not is_cancel_asked(folder)
        return End(state="failed", failure=Failure(kind="ModelError", message="It is wrong."))

    ends += [cancelled, failed]
    lab = RemoteTarget("lab", data_dir=data / "data", hear=Hearing(progress=stop))
    with pytest.raises(Cancelled, match="What its search has found is kept"):
        lab.calibrate(data / "m.onnx", data / "set", out=data / "out")
    with pytest.raises(ModelError, match="It is wrong"):
        resume_remote(data / "out", data_dir=data / "data")


def test_what_cannot_be_is_refused_before_anything_is_sent(data: Path, ends: Ends) -> None:
    model, dataset, place = data / "m.onnx", data / "set", data / "data"
    (data / "empty").mkdir()
    lab = RemoteTarget("lab", data_dir=place)
    with pytest.raises(TargetError, match=r"nobody: there is no such target\. Known: This machine, lab, farm"):
        RemoteTarget("nobody", data_dir=place)
    with pytest.raises(SettingsError, match="is this machine"):
        RemoteTarget("this machine", data_dir=place)
    with pytest.raises(TargetError, match="farm: is a cluster of workers"):
        RemoteTarget("farm", data_dir=place).evaluate(model, dataset)
    with pytest.raises(ModelError, match="there is no such file"):
        lab.evaluate(data / "other.onnx", dataset)
    with pytest.raises(DatasetError, match="holds no files"):
        lab.calibrate(model, data / "empty", out=data / "out")
    with pytest.raises(SettingsError, match="a target keeps its own"):
        lab.evaluate(model, dataset, Settings(cache_dir=data / "cache"))
    with pytest.raises(SettingsError, match="settings are dict"):
        lab.evaluate(model, dataset, {"metric": "top1"})  # type: ignore[arg-type]
    assert not ends
