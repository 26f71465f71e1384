"""A job that is played: it writes what a real one writes, and takes no time. Run as a program it is the job itself.

The dataset of the bundle is a folder with plan.json: how many `trials` it tells, with a `pause` in seconds after each;
a file to `wait_for` before it ends; `size` of its result in bytes; whether it is killed (`vanishes`), keeps a journal
as a `search` does, and is killed the first time with such a `journal`.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def play() -> None:
    plan = json.loads(next(Path().glob("in/dataset/*/plan.json")).read_text())
    journal = Path("out/search/journal.jsonl")
    print("started", "with a journal" if journal.exists() else "anew", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: leave("cancelled", 130))
    journal.parent.mkdir(parents=True, exist_ok=True)
    if plan.get("search"):
        for name in ("run.json", "journal.jsonl"):
            write(f"out/search/{name}", b"{}\n")
    for number in range(plan.get("trials", 0)):
        tell({"type": "trial", "number": number, "left": 0})
        tell({"type": "progress", "stage": "search", "step": "search", "done": 1, "total": 2, "progress": 0.5})
        time.sleep(plan.get("pause", 0.0))
    if plan.get("journal") and not journal.exists():
        for name in ("run.json", "journal.jsonl"):
            write(f"out/search/{name}", b"{}\n")
        os.kill(os.getpid(), signal.SIGKILL)
    while plan.get("wait_for") and not Path(plan["wait_for"]).exists():
        time.sleep(0.01)
    if plan.get("vanishes"):
        os.kill(os.getpid(), signal.SIGKILL)
    write("out/model.bin", bytes(range(256)) * (plan.get("size", 256) // 256))
    tell({"type": "progress", "stage": "done", "step": "done", "done": 1, "total": 1, "progress": 1.0})
    leave("done", 0)


def tell(event: "dict[str, Any]") -> None:
    with Path("events.jsonl").open("ab") as file:
        file.write(json.dumps({"time": time.time(), "eta_s": None, **event}).encode() + b"\n")


def leave(state: str, code: int) -> None:
    write("end.json", json.dumps({"state": state, "failure": None, "result": {"played": True}}).encode())
    os._exit(code)


def write(path: str, content: bytes) -> None:
    aside = Path(f"{path}.new")
    aside.write_bytes(content)
    aside.rename(path)


if __name__ == "__main__" and sys.argv[1:] == ["run", "."]:
    play()
