"""What is done on a target beyond a line of shell: this text is sent over standard input to a Python there.

One file of the standard library, in the syntax of Python 3.8. It is installed nowhere and nothing of it stays: it
answers requests line by line, each for one thing below the home folder, and ends when nobody can ask any more.
Everything there is private to the user:

    environments/<key>/    Calibench and what it needs; there whole or not at all
    blobs/ab/<sha256>      contents of files, read-only; `<sha256>.<sender>.partial` while one arrives
    packs/<name>           small contents on their way, many in one file
    lists/<sha256>         lists of files, so that they travel once
    wheels/<name>/         ours, and those that were given to install from
    jobs/<id>/             folders of jobs; what lies in their in/ are hard links to blobs
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import select
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "calibench-answer: "
"""What the line of the answer begins with; greetings of a shell stand before it."""
OLDEST = (3, 11)
"""Python that Calibench needs."""
ENVIRONMENTS, BLOBS, PACKS, JOBS, WHEELS, LISTS = "environments", "blobs", "packs", "jobs", "wheels", "lists"
ASIDE, PARTIAL, WHOLE = ".new-", ".partial", "calibench-whole.json"
LINKED = "in"
"""Folder of a job whose files are hard links to blobs. What a job writes to is a copy."""
STALE_S = 60.0
"""Seconds without a byte after which another sender's partial file is taken over."""
LEFT_S = 6 * 3600.0
"""Seconds after which an environment that was never finished is removed."""
UNUSED_S = 90 * 86400.0
"""Seconds after which one that no job was started in is removed, when another one is made."""
QUIET_S = 120.0
"""Seconds without a word after which a job that has ended is not being fetched any more, and one whose process is
not there is not about to be started."""
REMOVED_WITHIN_S = 4.0
"""Seconds in which a folder must be gone; a job that is at its end may write its last files in them."""
LISTS_S = 30 * 86400.0
"""Seconds that a list of files is kept after it was used last."""
BEAT_S = 3.0
"""Seconds after which who follows a job is told that nothing is new: so the connection is known to be well."""
LOOK_S = 0.25
"""Between two looks at the files and the process of a job."""
WAITS_S = 14 * 86400.0
"""Seconds that a job may wait or run in a queue without a word before it is taken for dead."""
ROOM_MB, JOB_ROOM_MB = 2048, 256
"""Megabytes that an environment and a small job take; the job alone."""
MB = 1024 * 1024
BLOCK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
"""As in calibench.machine."""
PROCESSORS = ("x86_64", "AMD64", "aarch64", "arm64")
"""For which there are wheels of OpenVINO."""


class Refused(Exception):  # noqa: N818 - as faces call it
    """It cannot be done: what is wrong, and its mend."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(says)
        self.says, self.mend = says, mend


def converse() -> None:
    """Answer line after line, until nobody asks any more."""
    os.umask(0o077)
    for asked in iter(sys.stdin.buffer.readline, b""):
        answer(asked.decode())


def answer(asked: str) -> None:
    """Do what a line of JSON asks for: {"command", "home", further arguments}; print the answer, or several, of which
    the last one is not {"more"}.

    A long argument is kept here under its hash: the next time {"kept": its hash} stands for all of them.
    """
    request = json.loads(asked)
    home = Path.home() / request.pop("home")
    try:
        long = _long_arguments(home, request.pop("kept", None), request.pop("long", None))
        told: dict[str, Any]
        if long is None:
            told = {"unknown": True}
        else:
            done = COMMANDS[request.pop("command")](home, **request, **long)
            if isinstance(done, types.GeneratorType):
                for each in done:
                    _tell({"more": each})
                done = None
            told = {"done": done}
    except Refused as refused:
        told = {"refused": [refused.says, refused.mend]}
    except OSError as error:
        told = {"refused": _of_system(error, home)}
    _tell(told)


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write("\n" + MARK + json.dumps(told) + "\n")
    sys.stdout.flush()


def _long_arguments(home: Path, kept: str | None, text: str | None) -> dict[str, Any] | None:
    """The arguments that are sent once only; None: they are not known here, send them."""
    if kept is None:
        return {}
    place = home / LISTS / kept
    if text is None:
        if not place.exists():
            return None
        text = place.read_text(encoding="utf-8")
        place.touch()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        for old in place.parent.iterdir():
            if time.time() - old.stat().st_mtime > LISTS_S:
                old.unlink()
        aside = place.with_name(f"{kept}.{os.getpid()}{PARTIAL}")
        aside.write_text(text, encoding="utf-8")
        aside.rename(place)
    if hashlib.sha256(text.encode()).hexdigest() != kept:
        place.unlink()
        return None
    arguments: dict[str, Any] = json.loads(text)
    return arguments


def _of_system(error: OSError, home: Path) -> list[str]:
    where = error.filename or home
    if error.errno in FULL:
        return [f"the disk of {home} is full.", "Free some room there, run `target clean`, or name another home."]
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return [f"{where} may not be written ({error.strerror}).", "Name another home, or change its permissions."]
    return [f"{where}: {error.strerror or error}.", "Look at it there, and try again."]


# What the machine is


def facts(home: Path) -> dict[str, Any]:
    """The machine in the words of calibench.machine, and what hinders: faults, each with its mend."""
    memory = _memory()
    found = {
        "home": str(home),
        "cpu": _cpuinfo().get("model name") or platform.processor() or platform.machine() or "unknown",
        "flags": [flag for flag in FLAGS if flag in _cpuinfo().get("flags", "").split()],
        "physical_cores": _cores(),
        "logical_cores": os.cpu_count() or 1,
        "memory_mb": memory.get("MemTotal", 0) // 1024,
        "memory_free_mb": memory.get("MemAvailable", 0) // 1024,
        "disk_free_mb": shutil.disk_usage(str(_existing(home))).free // MB,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": list(os.getloadavg()) if hasattr(os, "getloadavg") else [],
        "has_venv": _has("venv"),
        "has_pip": _has("pip") or bool(_bundled_pips()),
        "calibench": (_installed() or {}).get("version"),
    }
    found["faults"] = [{"cause": cause, "says": says, "mend": mend} for cause, says, mend in _faults(home, found)]
    return found


def _faults(home: Path, found: dict[str, Any]) -> list[tuple[str, str, str]]:
    faults = []
    if sys.version_info < OLDEST:
        faults.append(("python", f"its Python is {found['python']}, too old.", newer()))
    if not _is_writable(home):
        faults.append(("home", f"{home} cannot be written.", "Name another home, or change its permissions."))
    is_made = any((home / ENVIRONMENTS).glob(f"*/{WHOLE}"))
    room = JOB_ROOM_MB if is_made or found["calibench"] else ROOM_MB
    if found["disk_free_mb"] < room:
        says = f"{found['disk_free_mb']} MB of disk are free at {home}, at least {room} are needed."
        faults.append(("disk", says, "Free some room there, run `target clean`, or name a home on another disk."))
    if platform.machine() not in PROCESSORS:
        faults.append(("cpu", f"there is no OpenVINO for its processor {platform.machine()}.", "Take another machine."))
    if hasattr(os, "ST_NOEXEC") and os.statvfs(str(_existing(home))).f_flag & os.ST_NOEXEC:
        says = f"the disk of {home} is mounted so that no program runs from it (noexec)."
        faults.append(("home", says, "Name a home on another disk."))
    if is_made or found["calibench"] is not None:
        return faults
    if not found["has_venv"]:
        faults.append(("venv", "its Python cannot make environments.", _with_venv()))
    elif not found["has_pip"]:
        mend = f"{_with_venv()[:-1]}, or put a wheel of pip into the folder of wheels."
        faults.append(("pip", "there is no pip.", mend))
    return faults


def newer() -> str:
    """The mend of a Python that is too old."""
    wanted = ".".join(map(str, OLDEST))
    return f"Install Python {wanted} or newer there, or name another program: --python python{wanted}."


def _with_venv() -> str:
    return "Install it there (Debian: apt-get install python3-venv), or name another Python."


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _is_writable(home: Path) -> bool:
    folder = _existing(home)
    return folder.is_dir() and os.access(str(folder), os.W_OK | os.X_OK)


def _cpuinfo() -> dict[str, str]:
    pairs = (line.partition(":") for line in _text("/proc/cpuinfo").partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory() -> dict[str, int]:
    """Kilobytes by name; empty where the system does not say."""
    pairs = (line.split(":", 1) for line in _text("/proc/meminfo").splitlines() if ":" in line)
    return {name: int(value.split()[0]) for name, value in pairs}


def _cores() -> int:
    """Physical cores that this process may use, as calibench.machine counts them."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    siblings = {_text(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") for cpu in allowed}
    cores = len(allowed) if "" in siblings else len(siblings)
    quota = _text("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0] != "max":
        cores = min(cores, int(int(quota[0]) / int(quota[1]) + 0.5))
    return max(1, cores)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


# Environments


def installed(home: Path) -> dict[str, str] | None:
    """What this Python itself has: {"version", "print", "python"}; None where Calibench or OpenVINO is missing."""
    return _installed()


def _installed() -> dict[str, str] | None:
    from importlib import metadata
    from importlib.util import find_spec

    spec = find_spec("calibench")
    if spec is None or not spec.submodule_search_locations or not _has("openvino"):
        return None
    try:
        version = metadata.version("calibench")
    except metadata.PackageNotFoundError:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {"version": version, "print": package_print(folder), "python": sys.executable}


def package_files(folder: Path) -> list[str]:
    """Relative paths of a package's files, sorted, without what Python compiles."""
    found = []
    for place, folders, names in os.walk(str(folder)):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(place, name).relative_to(folder).as_posix() for name in names if not name.endswith(".pyc")]
    return sorted(found)


def package_print(folder: Path) -> str:
    """SHA-256 of the names and contents of a package: the same for the same code, however it was installed."""
    digest = hashlib.sha256()
    for name in package_files(folder):
        digest.update(f"{name}\n{_sha256(folder / name)}\n".encode())
    return digest.hexdigest()


def environment(home: Path, key: str) -> str | None:
    """The Python of an environment that is there and works; None: it is to be made."""
    place = home / ENVIRONMENTS / f"{key}-{platform.python_version()}"
    python = place / "bin" / "python"
    if not (place / WHOLE).is_file():
        return None
    if subprocess.call([str(python), "-I", "-c", "import calibench"], stdin=subprocess.DEVNULL, stderr=sys.stderr):
        shutil.rmtree(str(place), ignore_errors=True)  # such as after an update of the system's Python
        return None
    (place / WHOLE).touch()  # used now
    return str(python)


def make_environment(home: Path, key: str, wheel: str, pins: list[str], wheels: str | None, extras: str) -> str:
    """Make an environment aside and rename it when it is whole.

    Args:
        wheel: file of our wheel below home.
        pins: versions of what it needs, such as "numpy==2.1.0".
        wheels: folder below home to install from; None: from the index that pip knows.
        extras: such as "datasets,caffe".

    Returns:
        Its Python.
    """
    if sys.version_info < OLDEST:
        raise Refused(f"its Python is {platform.python_version()}, too old.", newer())
    try:
        import venv
    except ImportError:
        raise Refused("its Python cannot make environments.", _with_venv()) from None
    folder = home / ENVIRONMENTS
    folder.mkdir(parents=True, exist_ok=True)
    _remove_left(folder)
    aside = folder / f"{ASIDE}{os.getpid()}-{time.time_ns()}"
    try:
        venv.create(str(aside), symlinks=True)
        (aside / "pins.txt").write_text("\n".join(pins) + "\n")
        given = None if wheels is None else home / wheels
        _install(aside, f"{home / wheel}[{extras}]" if extras else str(home / wheel), given)
        (aside / WHOLE).write_text(json.dumps({"wheel": wheel, "python": platform.python_version()}) + "\n")
        place = folder / f"{key}-{platform.python_version()}"
        try:
            aside.rename(place)
        except OSError:  # another job made the same meanwhile
            if not (place / WHOLE).is_file():
                raise
    finally:
        shutil.rmtree(str(aside), ignore_errors=True)
    return str(place / "bin" / "python")


def _install(aside: Path, what: str, wheels: Path | None) -> None:
    """Let a pip from anywhere install into the environment, which needs none itself."""
    python, temporary = str(aside / "bin" / "python"), aside / "tmp"
    pip = _pip(python, wheels)
    source = [] if wheels is None else ["--no-index", "--find-links", str(wheels)]
    options = ["--no-input", "--no-cache-dir", "--disable-pip-version-check", "--constraint", str(aside / "pins.txt")]
    temporary.mkdir()
    environ = dict(os.environ, TMPDIR=str(temporary), PIP_REQUIRE_VIRTUALENV="0")
    done = subprocess.run(
        [*pip, "install", "--progress-bar=off", *options, *source, what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        check=False,
    )
    shutil.rmtree(str(temporary), ignore_errors=True)
    if done.returncode:
        told = telling_line(done.stdout.decode(errors="replace"))
        where = "from the folder of wheels" if wheels is not None else "from the package index"
        raise Refused(
            f"Calibench could not be installed {where}: {told}",
            "Complete the folder of wheels."
            if wheels is not None
            else "Mend the network there, or give a folder of wheels: --wheels DIR.",
        )


def telling_line(output: str) -> str:
    """The line of pip's output that says what is wrong: its last error, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    unmet = [line.partition("(constraint) ")[2] for line in lines if "(constraint) " in line]
    if unmet:
        return f"{unmet[0]} is not there, or does not fit."
    errors = [line for line in lines if line.startswith("ERROR:")]
    disk = [line for line in lines if "No space left" in line]
    line = (disk or errors or lines or ["pip said nothing"])[-1]
    return line.replace("ERROR: ", "").rstrip(".")[:300] + "."


def _pip(python: str, wheels: Path | None) -> list[str]:
    """How pip is called for an environment: by a wheel of pip that runs where it lies, or from outside."""
    given = [] if wheels is None else sorted(str(path) for path in wheels.glob("pip-*.whl"))
    for wheel in (*given[-1:], *_bundled_pips()[-1:]):
        return [python, "-I", f"{wheel}/pip"]
    if _has("pip"):
        return [sys.executable, "-m", "pip", "--python", python]
    raise Refused("there is no pip.", f"{_with_venv()[:-1]}, or put a wheel of pip into the folder of wheels.")


def _bundled_pips() -> list[str]:
    """Wheels of pip that came with this Python, or with Debian's packages for it."""
    folders = [Path("/usr/share/python-wheels")]
    try:
        import ensurepip

        folders.append(Path(ensurepip.__file__).parent / "_bundled")
    except ImportError:
        pass
    return [str(path) for folder in folders for path in sorted(folder.glob("pip-*.whl"))]


def _remove_left(folder: Path) -> None:
    """Remove environments that a cut left unfinished, and those of versions that nobody uses any more."""
    for path in folder.iterdir():
        marker = path / WHOLE
        is_left = not marker.exists() and time.time() - path.stat().st_mtime > LEFT_S
        if is_left or (marker.exists() and time.time() - marker.stat().st_mtime > UNUSED_S):
            shutil.rmtree(str(path), ignore_errors=True)


# Files by content


def missing(home: Path, blobs: list[tuple[str, int]], sender: str) -> dict[str, int]:
    """Bytes that are there of each content that is not there whole; the folders that they go to are made."""
    listed: dict[str, list[str]] = {}
    found = {}
    for sha256, size in blobs:
        place = blob(home, sha256)
        if _is_whole(place, size):
            continue
        names = listed.get(sha256[:2])
        if names is None:
            place.parent.mkdir(parents=True, exist_ok=True)
            names = listed[sha256[:2]] = [path.name for path in place.parent.iterdir()]
        partial = _claimed(place, names, sender)
        if partial.exists() and partial.stat().st_size >= size and _settled(partial, place):
            continue
        found[sha256] = partial.stat().st_size if partial.exists() else 0
    return found


def blob(home: Path, sha256: str) -> Path:
    """Where a content lies."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise Refused(f"{sha256!r} is no hash.", "This is a fault of Calibench.")
    return home / BLOBS / sha256[:2] / sha256


def partial_name(sha256: str, sender: str) -> str:
    """Of a content while it arrives."""
    return f"{sha256}.{sender}{PARTIAL}"


def _is_whole(place: Path, size: int) -> bool:
    try:
        return place.stat().st_size == size
    except FileNotFoundError:
        return False


def _claimed(place: Path, names: list[str], sender: str) -> Path:
    """The partial file of this sender; what another one left long ago becomes it."""
    own = place.parent / partial_name(place.name, sender)
    if not own.exists():
        for name in names:
            other = place.parent / name
            try:
                if name.startswith(place.name + ".") and time.time() - other.stat().st_mtime > STALE_S:
                    other.rename(own)
                    break
            except FileNotFoundError:  # it has arrived meanwhile, or somebody else took it over
                continue
    return own


def _settled(partial: Path, place: Path) -> bool:
    """Whether what arrived is what it should be; it is a blob then, else it is removed."""
    if _sha256(partial) != place.name:
        partial.unlink()
        return False
    partial.chmod(0o400)
    partial.rename(place)
    return True


def settle(home: Path, blobs: list[str], sender: str) -> list[str]:
    """Verify contents that arrived; those that are damaged are removed and named."""
    damaged = []
    for sha256 in blobs:
        place = blob(home, sha256)
        partial = place.parent / partial_name(sha256, sender)
        if not (_settled(partial, place) if partial.exists() else place.exists()):
            damaged.append(sha256)
    return damaged


def pack(home: Path, name: str) -> int:
    """Bytes that are there of a pack; its folder is made."""
    place = home / PACKS / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.stat().st_size if place.exists() else 0


def unpack(home: Path, name: str, blobs: list[tuple[str, int]]) -> list[str]:
    """Make blobs of the contents that lie one after the other in a pack; names the damaged ones."""
    damaged = []
    place = home / PACKS / name
    with place.open("rb") as file:
        for sha256, size in blobs:
            content, target = file.read(size), blob(home, sha256)
            if hashlib.sha256(content).hexdigest() != sha256:
                damaged.append(sha256)
            elif not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                aside = target.parent / partial_name(sha256, f"pack{os.getpid()}")
                aside.write_bytes(content)
                aside.chmod(0o400)
                aside.rename(target)
    place.unlink()
    return damaged


def lay(home: Path, folder: str, files: dict[str, str | None], texts: dict[str, str] | None = None) -> str:
    """Make a folder of files out of blobs; None: an empty placeholder. What is there already is replaced.

    Args:
        texts: files that are written last.

    Returns:
        Its absolute path.
    """
    root = _below(home, folder)
    gone = [name for name, sha256 in files.items() if sha256 is not None and not blob(home, sha256).exists()]
    if gone:
        raise Refused(f"{len(gone)} files are not there, such as {gone[0]}.", "Try again: they are sent anew.")
    root.mkdir(parents=True, exist_ok=True)
    for name, sha256 in files.items():
        place = _below(root, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            place.unlink()
        if sha256 is None:
            place.touch()
        elif name.split("/")[0] == LINKED or folder.split("/")[0] == WHEELS:
            _link(blob(home, sha256), place)
        else:
            shutil.copyfile(str(blob(home, sha256)), str(place))
    for name, text in (texts or {}).items():
        _below(root, name).write_text(text, encoding="utf-8")
    return str(root)


def _below(root: Path, name: str) -> Path:
    """A path in a folder.

    Raises:
        Refused: it leads out.
    """
    parts = name.split("/")
    if name.startswith("/") or "" in parts or "." in parts or ".." in parts or "\0" in name:
        raise Refused(f"{name!r} leads out of its folder.", "Name the file otherwise.")
    return root.joinpath(*parts)


def _link(source: Path, place: Path) -> None:
    try:
        os.link(str(source), str(place))
    except OSError as error:
        if error.errno in FULL:
            raise
        shutil.copyfile(str(source), str(place))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK)
            if not block:
                return digest.hexdigest()
            digest.update(block)


# Jobs


def follow(
    home: Path, job_id: str, events: int, log: int, process: str, for_s: float | None
) -> Iterator[dict[str, Any]]:
    """What a job writes, as it comes, until it has ended, or nobody listens.

    Args:
        events, log: bytes of its files that are known.
        process: number of its group, and when that began; '': nobody looks at it.
        for_s: seconds that it is followed at most; None: to its end.
    """
    job = _job(home, job_id)
    begun = told = time.monotonic()
    while True:
        _inside(job)  # makes a shared disk look for files that are new
        is_gone = bool(process) and not _is_at_work(process)  # before the files: whatever it wrote, it wrote before
        end = _text(str(job / "end.json"))  # as well
        news, logged = _lines(job / "events.jsonl", events), _bytes(job / "log.txt", log)
        events, log = events + len(news), log + len(logged)
        is_all = len(logged) < BLOCK
        is_over = is_all and (is_gone or bool(end))
        now = time.monotonic()
        if news or logged or is_over or now - told >= BEAT_S:
            told = now
            yield {"events": news, "log": logged, "end": end if is_over else "", "is_gone": is_over and is_gone}
        if is_over or (is_all and for_s is not None and now - begun >= for_s):
            return
        if is_all and select.select([sys.stdin], [], [], LOOK_S)[0]:
            return  # whoever asked is gone


def _is_at_work(process: str) -> bool:
    """Whether a process group is there, and began when it says."""
    number, _, began = process.partition(" ")
    if not Path("/proc/self").exists():
        return _lives(-int(number))
    return bool(began) and _began(number) == began


def _lines(path: Path, at: int) -> str:
    """The whole lines of a file from a byte on, each byte a letter."""
    text = _bytes(path, at, -1)
    return text[: text.rfind("\n") + 1]


def _bytes(path: Path, at: int, size: int = BLOCK) -> str:
    """What stands in a file from a byte on, each byte a letter; '' where it is not there (yet)."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(size).decode("latin-1")
    except FileNotFoundError:
        return ""


def manifest(home: Path, job_id: str, below: list[str]) -> dict[str, tuple[str, int]]:
    """Hash and size of every file in folders of a job."""
    root = _job(home, job_id)
    found = {}
    for part in below:
        for place, _, names in os.walk(str(root / part)):
            for name in names:
                path = Path(place, name)
                if path.is_file() and not path.is_symlink():
                    found[path.relative_to(root).as_posix()] = (_sha256(path), path.stat().st_size)
    return found


def remove_job(home: Path, job_id: str) -> int:
    """Remove the folder of a job, which does not run; gives the bytes freed."""
    return _removed([_job(home, job_id)])


def submitted(home: Path) -> list[tuple[str, str]]:
    """Name and folder of the jobs that were given to a queue, and did not say that they ended."""
    found = [job for job in _inside(home / JOBS) if (job / "submitted").exists() and not _has_ended(job)]
    return [(job.name, str(job)) for job in found]


def clean(home: Path, running: list[str], over: list[str]) -> dict[str, int]:
    """Remove environments, blobs and jobs; but no job that goes on, and nothing that it needs.

    Args:
        running, over: jobs of which it is known that they go on, or that their queue has ended them.

    Returns:
        freed: bytes; kept: jobs that go on.
    """
    paths, kept = _cleanable(home, running, over)
    freed = _removed([path for each in paths.values() for path in each])
    for path in (home / JOBS, home):
        if path.is_dir() and not _inside(path):
            path.rmdir()
    return {"freed": freed, "kept": kept}


def would_clean(home: Path, running: list[str], over: list[str]) -> dict[str, int]:
    """Bytes that `clean` would free, by kind; what a job shares with other files counts as files. `kept` as there."""
    paths, kept = _cleanable(home, running, over)
    found = {kind: _held(paths[kind]) for kind in ("environments", "jobs")}
    files = _held([path for each in paths.values() for path in each]) - sum(found.values())
    return {**found, "files": files, "kept": kept}


def _cleanable(home: Path, running: list[str], over: list[str]) -> tuple[dict[str, list[Path]], int]:
    """What may go, by kind; and how many jobs go on. One whose files arrive just now has no folder yet."""
    jobs = _inside(home / JOBS)
    dead = [job for job in jobs if job.name not in running and not _goes_on(job, job.name in over)]
    arrives = _arrives(home)
    kept = len(jobs) - len(dead) + (arrives or _is_being_made(home))
    return {
        "jobs": dead,
        "files": [] if arrives else [home / BLOBS, home / PACKS, home / LISTS, *([] if kept else [home / WHEELS])],
        "environments": [] if kept else [home / ENVIRONMENTS],
    }, kept


def _is_being_made(home: Path) -> bool:
    """Whether an environment is being made here."""
    numbers = [path.name[len(ASIDE) :].partition("-")[0] for path in (home / ENVIRONMENTS).glob(f"{ASIDE}*")]
    return any(_lives(int(number)) for number in numbers if number.isdigit())


def _arrives(home: Path) -> bool:
    """Whether files of a job arrive here that has no folder yet."""
    coming = [*(home / BLOBS).glob(f"*/*{PARTIAL}"), *(home / PACKS).glob("*")]
    return any(_age_s(path) < STALE_S for path in coming)


def _job(home: Path, job_id: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", job_id):
        raise Refused(f"{job_id!r} is no name of a job.", "This is a fault of Calibench.")
    return home / JOBS / job_id


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _goes_on(job: Path, is_over: bool) -> bool:
    """Whether a job may be at work here or on another node, wait in a queue, be laid or started or fetched just now."""
    quiet_s = min(map(_age_s, (job, *job.iterdir())), default=0.0)
    if quiet_s < QUIET_S:
        return True
    if is_over or _has_ended(job):
        return False
    if (job / "submitted").exists():
        return quiet_s < WAITS_S
    group, host, began = (_text(str(job / name)) for name in ("pgid", "pgid.host", "pgid.began"))
    if host not in ("", platform.node()):  # another login node of the same home: who knows
        return quiet_s < LEFT_S
    if not group.isdigit() or not _lives(-int(group)):
        return False
    now = _began(group)
    return not began or not now or now == began


def _has_ended(job: Path) -> bool:
    return (job / "end.json").exists() or (job / "exit_code").exists()


def _age_s(path: Path) -> float:
    """Since it was written; one that is gone meanwhile is very old."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _lives(number: int) -> bool:
    """Whether a process of this user is there; of a group its number is negative."""
    try:
        os.kill(number, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _began(number: str) -> str:
    """When a process began, as direct_start.py has it; '' where that cannot be known."""
    fields = _text(f"/proc/{number}/stat").rpartition(")")[2].split()
    boot = _text("/proc/sys/kernel/random/boot_id")
    return "" if not fields or fields[0] in "ZX" else f"{fields[19]}-{boot}"


def _removed(paths: list[Path]) -> int:
    """Remove folders; gives the bytes freed."""
    freed = _held(paths)
    until = time.monotonic() + REMOVED_WITHIN_S
    for root in paths:
        shutil.rmtree(str(root), ignore_errors=True)
        while root.exists():
            if time.monotonic() > until:
                raise Refused(f"{root} could not be removed whole.", "Look at its permissions there.")
            time.sleep(0.1)
            shutil.rmtree(str(root), ignore_errors=True)
    return freed


def _held(paths: list[Path]) -> int:
    """Bytes of the contents in folders that no name outside of them holds."""
    names: dict[tuple[int, int], list[int]] = {}
    for root in paths:
        for place, _, inside in os.walk(str(root)):
            for name in inside:
                try:
                    state = Path(place, name).lstat()
                except FileNotFoundError:
                    continue
                seen = names.setdefault((state.st_dev, state.st_ino), [0, state.st_nlink, state.st_size])
                seen[0] += 1
    return sum(size for count, links, size in names.values() if count == links)


COMMANDS: dict[str, Any] = {
    "facts": facts,
    "installed": installed,
    "environment": environment,
    "make_environment": make_environment,
    "missing": missing,
    "settle": settle,
    "pack": pack,
    "unpack": unpack,
    "lay": lay,
    "follow": follow,
    "manifest": manifest,
    "remove_job": remove_job,
    "submitted": submitted,
    "clean": clean,
    "would_clean": would_clean,
}
