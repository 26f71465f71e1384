"""What a machine over SSH costs beside this one: seconds of a calibration, bytes of a second run, speed of an upload.

    python -m benchmarks.ssh_target [--rounds 5] [--scenes 60] [--upload-mb 300] [--follow-s 60] [--out FILE]

A real sshd on the loopback, with an ordinary user where this runs as root, and the demo's network. The same command
runs here and there in turns, after one run there that does not count: it made the environment and brought the files.
Bytes are counted by a relay in front of sshd; those of a job that is followed for a while and tells nothing are what a
longer one costs more. The upload is measured beside scp, in turns, without the relay.
Aims: less than 5 s more than here; less than 100 kB sent; 80 % of the speed of scp.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/targets"))

from shared_python import shared_python
from ssh_server import SshServer, running_ssh_server

from benchmarks.default_ptq import _commit, _versions
from calibench.demo.files import DemoFiles, prepare
from calibench.machine import describe_machine
from calibench.targets.opened_link import open_link
from calibench.targets.remote_machine import RemoteMachine

OUT = Path("benchmarks/results/ssh-target.json")
CACHE = Path(".cache/workbench")
INPUT = ("--color", "rgb", "--resize", "crop", "--mean", "127", "--scale", "128")
MB = 10**6

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=60, help="pictures in each of the two datasets")
    parser.add_argument("--upload-mb", type=int, default=300)
    parser.add_argument("--follow-s", type=float, default=60.0, help="seconds that a job is followed which is quiet")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    files = prepare(CACHE, options.scenes, print)
    with running_ssh_server() as server, shared_python() as python, tempfile.TemporaryDirectory() as place:
        rows = {"calibration": calibration(server, python, files, Path(place), options.rounds)}
        print(json.dumps(rows["calibration"], indent=1), flush=True)
        rows["followed"] = asyncio.run(followed(server, python, options.follow_s))
        print(json.dumps(rows["followed"], indent=1), flush=True)
        rows["upload"] = asyncio.run(upload(server, Path(place), options.upload_mb, options.rounds))
        print(json.dumps(rows["upload"], indent=1), flush=True)
    result = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.ssh_target", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def calibration(server: SshServer, python: Path, files: DemoFiles, place: Path, rounds: int) -> Row:
    """The same calibration here and there, in turns; the first run there does not count."""
    spec = server.spec()
    data = ["--data-dir", str(place / "data")]
    address = f"ssh://{spec.user}@{spec.host}:{spec.port}"
    _run("target", "add", "lab", address, "--key", spec.key, "--host-key", spec.host_key, "--python", python,
         "--home", spec.home, *data)  # fmt: skip
    command = ["calibrate", files.model, "--dataset", files.calibration, "--validation", files.validation, *INPUT]
    first = _run(*command, "-o", place / "first", "--target", "lab", *data)
    here, there, sent, got = [], [], [], []
    for number in range(rounds):
        here.append(_run(*command, "-o", place / f"here{number}"))
        before = dict(server.relay.passed)
        there.append(_run(*command, "-o", place / f"there{number}", "--target", "lab", *data))
        sent.append(server.relay.passed["up"] - before["up"])
        got.append(server.relay.passed["down"] - before["down"])
    same = {(place / f"{where}{rounds - 1}/model.bin").read_bytes() for where in ("here", "there")}
    more = [b - a for a, b in zip(here, there, strict=True)]
    return {
        "first_there_s": first,
        "here_s": here,
        "there_s": there,
        "more_s": {"median": statistics.median(more), "least": min(more), "greatest": max(more)},
        "sent_bytes": sent,
        "fetched_bytes": got,
        "same_model": len(same) == 1,
    }


async def followed(server: SshServer, python: Path, seconds: float) -> Row:
    """Bytes for a job that does not say anything."""
    spec = server.spec(python=str(python))
    link = await open_link(spec)
    try:
        machine = RemoteMachine(link, spec)
        await machine.lay("quiet", {})
        before = dict(server.relay.passed)
        async for _ in machine.follow("quiet", 0, 0, for_s=seconds):
            pass
        moved = {way: passed - before[way] for way, passed in server.relay.passed.items()}
        await machine.remove_job("quiet")
    finally:
        await link.close()
    return {"seconds": seconds, "sent_bytes": moved["up"], "fetched_bytes": moved["down"]}


def _run(*words: object) -> float:
    """Seconds of a command of ours."""
    command = [str(Path(sys.executable).parent / "calibench"), *map(str, words)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - start


async def upload(server: SshServer, place: Path, size_mb: int, rounds: int) -> Row:
    """A file of noise by our link and by scp, in turns."""
    source = place / "noise"
    with source.open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(MB))
    ours, scp = [], []
    link = await open_link(server.spec(port=server.direct_port))
    try:
        for _ in range(rounds):
            start = time.perf_counter()
            await link.put(source, f"{server.here}/ours", lambda _: None)
            ours.append(size_mb / (time.perf_counter() - start))
            start = time.perf_counter()
            await asyncio.to_thread(_scp, server, source)
            scp.append(size_mb / (time.perf_counter() - start))
    finally:
        await link.close()
    ratios = sorted(one / other for one, other in zip(ours, scp, strict=True))
    return {
        "mb": size_mb,
        "ours_mb_s": ours,
        "scp_mb_s": scp,
        "over_scp": {"median": statistics.median(ratios), "least": ratios[0], "greatest": ratios[-1]},
    }


def _scp(server: SshServer, source: Path) -> None:
    """With its connection, as a person runs it."""
    known = server.place / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.direct_port} {server.host_key}\n")
    options = ["-q", "-i", str(server.key), "-o", f"UserKnownHostsFile={known}", "-o", "IdentitiesOnly=yes"]
    target = f"{server.user}@127.0.0.1:{server.here}/scp"
    subprocess.run(["scp", *options, "-P", str(server.direct_port), str(source), target], check=True)


if __name__ == "__main__":
    main()
