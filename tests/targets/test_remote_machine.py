"""What is kept on a target: contents by their hash, folders of jobs, and what hinders it there."""

import ast
import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from closed_links import LINKS, done, local

from calibench.errors import TargetError
from calibench.machine import describe_machine
from calibench.targets import remote_side
from calibench.targets.conversation import Conversation
from calibench.targets.local_link import LocalLink
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.remote_side import environments_there, facts_there
from calibench.targets.remote_side.contents_there import partial_name
from calibench.targets.remote_side.environments_there import telling_line
from calibench.targets.remote_side.words_there import WHOLE, Refused
from calibench.targets.sent_contents import SMALL
from calibench.things.target_spec import TargetSpec

pytestmark = pytest.mark.targets

HOME = ".cache/calibench"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The home of a user on the target."""
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def machine(user: Path, sender: str = "host", **spec: object) -> RemoteMachine:
    return RemoteMachine(local(user), TargetSpec(kind="ssh", host="lab", **{"python": sys.executable, **spec}), sender)


def arriving(sha256: str, sender: str = "host") -> str:
    """Where a content lies while it arrives."""
    return f"{HOME}/blobs/{sha256[:2]}/{partial_name(sha256, sender)}"


def written(folder: Path, **contents: bytes) -> dict[str, Path]:
    """Files here, by the hash of their content."""
    folder.mkdir(exist_ok=True)
    found = {}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        found[hashlib.sha256(content).hexdigest()] = folder / name
    return found


def pairs(files: dict[str, Path]) -> list[tuple[str, int]]:
    return [(sha256, path.stat().st_size) for sha256, path in files.items()]


def ignore(count: int) -> None:
    """Nobody looks."""


def test_the_facts_of_this_machine_are_those_of_the_report(user: Path) -> None:
    found = done(machine(user).facts())
    own = describe_machine().model_dump(mode="json")
    same = ("cpu", "flags", "physical_cores", "logical_cores", "memory_mb", "system", "python")
    assert {name: found[name] for name in same} == {name: own[name] for name in same}
    assert found["home"] == str(user / HOME)
    assert found["faults"] == []
    assert not (user / ".cache").exists(), "looking leaves nothing"


def test_a_python_that_is_not_there_is_named_with_its_mend(user: Path) -> None:
    with pytest.raises(TargetError, match=r"there is no python9\. Install Python 3.11 or newer there, or name its"):
        done(machine(user, python="python9").facts())
    with pytest.raises(TargetError, match=r"there is no python9\."):
        done(machine(user, python="python9").missing([]))


def test_a_python_that_is_too_old_is_a_fault(user: Path) -> None:
    old = user / "python3"
    old.write_text("#!/bin/sh\necho Python 3.6.9\n")
    old.chmod(0o755)
    found = done(machine(user, python="~/python3").facts())
    assert [fault["cause"] for fault in found["faults"]] == ["python"]
    assert found["faults"][0]["says"] == "its Python is 3.6.9, too old."


def test_only_what_is_missing_travels_and_a_second_time_nothing(user: Path, tmp_path: Path) -> None:
    files = written(tmp_path / "here", small=b"a" * 10, empty=b"", large=os.urandom(SMALL + 1))
    there, moved = machine(user), []
    done(there.send(files, moved.append))
    assert sum(moved) == 10 + SMALL + 1
    assert done(there.missing(pairs(files))) == {}
    done(there.send(files, moved.append))
    assert sum(moved) == 10 + SMALL + 1
    for sha256, path in files.items():
        blob = user / HOME / "blobs" / sha256[:2] / sha256
        assert blob.read_bytes() == path.read_bytes()
        assert stat.S_IMODE(blob.stat().st_mode) == 0o400


def test_what_has_arrived_of_a_file_is_not_sent_again(user: Path, tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    files = written(tmp_path / "here", large=content)
    there, moved = machine(user), []
    assert list(done(there.missing(pairs(files))).values()) == [0]
    partial = user / arriving(next(iter(files)))
    partial.write_bytes(content[:600_000])
    assert list(done(there.missing(pairs(files))).values()) == [600_000]
    done(there.send(files, moved.append))
    assert sum(moved) == 400_000
    assert done(there.missing(pairs(files))) == {}


def test_a_file_that_another_one_sends_right_now_is_not_touched_and_an_old_one_is_taken_over(
    user: Path, tmp_path: Path
) -> None:
    files = written(tmp_path / "here", large=os.urandom(1_000_000))
    one, two = machine(user, "one"), machine(user, "two")
    done(one.missing(pairs(files)))
    partial = user / arriving(next(iter(files)), "one")
    partial.write_bytes(b"x" * 10)
    assert list(done(two.missing(pairs(files))).values()) == [0]
    os.utime(partial, (0, 0))
    assert list(done(two.missing(pairs(files))).values()) == [10]
    assert not partial.exists()


def test_what_arrives_damaged_is_sent_again(user: Path, tmp_path: Path) -> None:
    files = written(tmp_path / "here", large=os.urandom(1_000_000))
    there = machine(user)
    done(there.missing(pairs(files)))
    (user / arriving(next(iter(files)))).write_bytes(b"not the beginning of it")
    done(there.send(files, ignore))
    assert done(there.missing(pairs(files))) == {}


def test_a_file_that_changes_on_the_way_is_named(user: Path, tmp_path: Path) -> None:
    files = written(tmp_path / "here", small=b"as it was")
    (tmp_path / "here" / "small").write_bytes(b"as it is ")
    with pytest.raises(TargetError, match="small: was changed while it was sent"):
        done(machine(user).send(files, ignore))


def test_a_job_has_links_to_what_it_reads_and_copies_of_what_it_writes(user: Path, tmp_path: Path) -> None:
    files = written(tmp_path / "here", model=b"weights")
    (sha256,) = files
    there = machine(user)
    done(there.send(files, ignore))
    laid = {"in/model/m.bin": sha256, "in/dataset/a/1.jpg": None, "out/search/journal": sha256}
    folder = Path(done(there.lay("j1", laid)))
    assert folder == user / there.job_folder("j1")
    blob = user / HOME / "blobs" / sha256[:2] / sha256
    assert (folder / "in/model/m.bin").samefile(blob)
    assert not (folder / "out/search/journal").samefile(blob)
    (folder / "out/search/journal").write_bytes(b"more")
    assert blob.read_bytes() == b"weights"
    assert (folder / "in/dataset/a/1.jpg").read_bytes() == b""
    assert done(there.lay("j1", laid)) == str(folder), "once more, after a cut"
    for place in (folder, user / HOME, blob.parent):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "in/../../x", "in//x", "", "./x"])
def test_a_file_that_would_lie_outside_of_its_folder_is_refused(user: Path, name: str) -> None:
    with pytest.raises(TargetError, match="leads out of its folder"):
        done(machine(user).lay("j1", {name: None}))


def test_a_job_of_another_folder_is_refused(user: Path) -> None:
    for job_id in ("../blobs", "..", ""):
        with pytest.raises(TargetError):
            done(machine(user).remove_job(job_id))


def test_a_folder_is_not_laid_out_of_contents_that_are_not_there(user: Path) -> None:
    with pytest.raises(TargetError, match=r"1 files are not there, such as in/m\.bin"):
        done(machine(user).lay("j1", {"in/m.bin": "0" * 64}))


def test_the_manifest_holds_hash_and_size_of_each_file_of_the_result(user: Path) -> None:
    there = machine(user)
    folder = Path(done(there.lay("j1", {})))
    (folder / "out/front").mkdir(parents=True)
    (folder / "out/front/model.bin").write_bytes(b"abc")
    (folder / "log.txt").write_text("not of the result")
    expected = (hashlib.sha256(b"abc").hexdigest(), 3)
    assert done(there.manifest("j1")) == {"out/front/model.bin": expected}


def test_clean_leaves_nothing_but_what_runs(user: Path, tmp_path: Path) -> None:
    files = written(tmp_path / "here", model=b"w" * 1000)
    (sha256,) = files
    there = machine(user)
    done(there.send(files, ignore))
    for job_id in ("runs", "waits", "done", "dead"):
        folder = Path(done(there.lay(job_id, {"in/m.bin": sha256})))
        (folder / "bundle.json").write_text("{}")
    jobs = user / HOME / "jobs"
    (jobs / "done" / "end.json").write_text("{}")
    aged(jobs)
    bytes_of = {"environments": 0, "files": 1000, "jobs": len("{}") * 5, "kept": 0}
    assert done(there.would_clean()) == bytes_of
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        pgid = (jobs / "runs" / "pgid").write_text(f"{process.pid}\n")
        aged(jobs)
        (user / HOME / "environments").mkdir()
        (user / HOME / "environments/one").write_bytes(b"e" * 50)
        bytes_of = {"environments": 0, "files": 0, "jobs": len("{}") * 3, "kept": 2}
        assert done(there.would_clean(["waits"])) == bytes_of
        cleaned = done(there.clean(["waits"]))
        assert sorted(path.name for path in jobs.iterdir()) == ["runs", "waits"]
        assert (user / HOME / "environments").exists()
        assert cleaned.freed_bytes == len("{}") * 3, "the content is still in use by what runs"
        assert cleaned.jobs_kept == 2
        assert (jobs / "runs/in/m.bin").read_bytes() == b"w" * 1000
        process.kill()
    bytes_of = {"environments": 50, "files": 0, "jobs": 1000 + len("{}") * 2 + pgid, "kept": 0}
    assert done(there.would_clean()) == bytes_of
    assert done(there.clean()).freed_bytes == 1050 + len("{}") * 2 + pgid
    assert not (user / HOME).exists()


@pytest.mark.parametrize(
    ("files", "is_kept"),
    [
        pytest.param({}, False, id="nothing is known of it"),
        pytest.param({"submitted": "7"}, True, id="waits in a queue"),
        pytest.param({"submitted": "7", "exit_code": "0"}, False, id="its queue has ended it"),
        pytest.param({"pgid": "{alive}", "pgid.began": "1-an-older-boot"}, False, id="another process has its number"),
        pytest.param({"pgid": "4194000", "pgid.host": "another-node"}, True, id="on another login node"),
    ],
)
def test_clean_leaves_a_job_as_long_as_it_may_go_on(user: Path, files: dict[str, str], is_kept: bool) -> None:
    there = machine(user)
    folder = Path(done(there.lay("one", {})))
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        for name, text in files.items():
            (folder / name).write_text(text.format(alive=process.pid))
        aged(folder)
        assert done(there.clean()).jobs_kept == int(is_kept)
        assert folder.exists() is is_kept
        process.kill()


def test_clean_knows_of_a_queue_what_it_is_told(user: Path) -> None:
    there = machine(user)
    for job_id in ("waits", "over"):
        (Path(done(there.lay(job_id, {}))) / "submitted").touch()
    aged(user / HOME / "jobs")
    assert [job for job, _ in done(there.submitted())] == ["over", "waits"]
    assert done(there.clean(["waits"], ["over"])).jobs_kept == 1
    assert [path.name for path in (user / HOME / "jobs").iterdir()] == ["waits"]


def test_clean_leaves_a_job_whose_files_arrive_or_whose_end_is_fetched(user: Path, tmp_path: Path) -> None:
    there = machine(user)
    (sha256,) = written(tmp_path / "here", model=b"w" * 1000)
    done(there.missing([(sha256, 1000)]))
    partial = user / HOME / "blobs" / sha256[:2] / f"{sha256}.another.partial"
    partial.write_bytes(b"w")
    folder = Path(done(there.lay("ended", {})))
    (folder / "end.json").write_text("{}")
    assert done(there.clean()).jobs_kept == 2
    assert partial.exists() and folder.exists()
    aged(user / HOME)
    assert done(there.clean()).jobs_kept == 0
    assert not (user / HOME).exists()


def test_clean_leaves_no_empty_folder_above_what_it_removed_but_what_others_keep_in_it(user: Path) -> None:
    there = machine(user)
    done(there.lay("one", {}))
    aged(user / HOME)
    (user / ".cache/of_another").mkdir()
    done(there.clean())
    assert [path.name for path in (user / ".cache").iterdir()] == ["of_another"]
    (user / ".cache/of_another").rmdir()
    done(there.lay("one", {}))
    aged(user / HOME)
    done(there.clean())
    assert user.exists() and not (user / ".cache").exists()


def aged(folder: Path) -> None:
    """As after ten minutes."""
    then = time.time() - 600
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))


class Counting(LocalLink):
    """Counts the bytes that are said."""

    sent = 0

    async def converse(self, command: str) -> Conversation:
        talk = await super().converse(command)
        say = talk.say

        async def counted(text: bytes) -> None:
            self.sent += len(text)
            await say(text)

        talk.say = counted  # type: ignore[method-assign]
        return talk


def test_long_lists_of_files_travel_once(user: Path) -> None:
    LINKS.append(link := Counting(user))
    there = RemoteMachine(link, TargetSpec(kind="ssh", host="lab", python=sys.executable))
    blobs = [(hashlib.sha256(str(number).encode()).hexdigest(), number) for number in range(5000)]
    first = done(there.missing(blobs))
    assert len(first) == 5000 and link.sent > 150_000
    link.sent = 0
    assert done(there.missing(blobs)) == first
    assert link.sent < 20_000
    for path in (user / HOME / "lists").iterdir():
        path.write_text("damaged")
    assert done(there.missing(blobs)) == first


def test_what_an_environment_takes_is_not_asked_for_where_there_is_one(user: Path) -> None:
    place = user / HOME / "environments/one"
    place.mkdir(parents=True)
    (place / WHOLE).touch()
    found = facts_there._faults(user / HOME, {"disk_free_mb": 300, "calibench": None, "has_venv": False})
    assert found == []
    (place / WHOLE).unlink()
    found = facts_there._faults(user / HOME, {"disk_free_mb": 300, "calibench": None, "has_venv": False})
    assert [cause for cause, _, _ in found] == ["disk", "venv"]


def test_a_target_without_anything_is_clean(user: Path) -> None:
    assert done(machine(user).would_clean()) == {"environments": 0, "files": 0, "jobs": 0, "kept": 0}
    assert done(machine(user).clean()).freed_bytes == 0


def test_a_python_that_has_this_calibench_is_used_as_it_is(user: Path) -> None:
    command = done(machine(user).environment())
    assert command == f"{sys.executable} -I -m calibench"
    assert not (user / ".cache").exists()
    said = subprocess.run(f"{command} --help", shell=True, capture_output=True, text=True, check=True)
    assert "calibrate" in said.stdout


def test_what_a_shell_says_by_itself_is_not_taken_for_the_answer(user: Path) -> None:
    chatty = user / "python3"
    chatty.write_text(f'#!/bin/sh\necho Welcome to the lab!\nexec {sys.executable} "$@"\n')
    chatty.chmod(0o755)
    assert done(machine(user, python="~/python3").missing([])) == {}


def test_a_request_is_one_line_whatever_names_are_in_it(user: Path) -> None:
    name = 'in/it\'s "a" \\ name ü 写.jpg'
    folder = done(machine(user).lay("j1", {name: None}))
    assert (Path(folder) / name).exists()


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("ERROR: a\nERROR: No matching distribution found for x==1\n", "No matching distribution found for x==1."),
        ("  The user requested (constraint) x==1\nERROR: ResolutionImpossible", "x==1 is not there, or does not fit."),
        (
            "ERROR: x\nOSError: [Errno 28] No space left on device\nERROR: y",
            "OSError: [Errno 28] No space left on device.",
        ),
        ("Killed", "Killed."),
        ("", "pip said nothing."),
    ],
)
def test_of_what_pip_says_the_telling_line_is_passed_on(output: str, told: str) -> None:
    assert telling_line(output) == told


def test_what_is_sent_is_of_an_old_python_and_imports_the_standard_library_and_what_was_sent_before() -> None:
    folder, known = Path(remote_side.__file__).parent, set(sys.stdlib_module_names)
    assert {f"{part}_there.py" for part in remote_side.PARTS} == {path.name for path in folder.glob("*_there.py")}
    for part in remote_side.PARTS:
        tree = ast.parse((folder / f"{part}_there.py").read_text(encoding="utf-8"), feature_version=(3, 8))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {each.name.split(".")[0] for each in node.names} <= known
            elif isinstance(node, ast.ImportFrom):
                assert node.module in known or str(node.module).split(".")[0] in sys.stdlib_module_names
        known.add(f"{remote_side.__name__}.{part}_there")


def test_environments_of_old_versions_and_unfinished_ones_go_when_another_is_made(user: Path) -> None:
    for name, seconds in {"used": 10, "old": environments_there.UNUSED_S + 10}.items():
        (user / name).mkdir()
        (user / name / WHOLE).touch()
        at = time.time() - seconds
        os.utime(user / name / WHOLE, (at, at))
    for name, seconds in {".new-1": environments_there.LEFT_S + 10, ".new-2": 10}.items():
        (user / name).mkdir()
        at = time.time() - seconds
        os.utime(user / name, (at, at))
    environments_there._remove_left(user)
    assert sorted(path.name for path in user.iterdir()) == [".new-2", "used"]


def test_an_environment_for_a_python_without_pip_is_refused_with_the_mend(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments_there, "bundled_pips", lambda: [])
    monkeypatch.setattr(environments_there, "has_module", lambda module: module != "pip")
    with pytest.raises(Refused, match="there is no pip") as refused:
        list(environments_there.make_environment(user, "key", "wheels/x.whl", [], None, ""))
    assert "apt-get install python3-venv" in refused.value.mend and "wheel of pip" in refused.value.mend
    assert list((user / "environments").iterdir()) == [], "nothing half is left"
    found = {"disk_free_mb": 9999, "calibench": None, "has_venv": True, "has_pip": False}
    assert [cause for cause, _, _ in facts_there._faults(user, found)] == ["pip"]


def test_a_pip_in_the_folder_of_wheels_goes_first(user: Path) -> None:
    (user / "pip-99.0-py3-none-any.whl").touch()
    assert environments_there._pip("python", user) == ["python", "-I", f"{user}/pip-99.0-py3-none-any.whl/pip"]
