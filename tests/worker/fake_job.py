"""A job for tests: does what the entry of its bundle says, as JSON, and leaves a line for each process started.

steps, wait_s: how many events it writes, and the time between them
end: done, failed, cancelled, or none: leaves without a word
die_until: attempts before this one end by kill -9
stubborn: takes no notice of SIGTERM
noise: bytes that it prints
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

folder = Path(sys.argv[-1])


def tell(kind: str, **values: object) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"time": time.time(), "type": kind, **values}) + "\n")


def end(state: str, **values: object) -> None:
    (folder / ".end").write_text(json.dumps({"state": state, **values}))
    (folder / ".end").replace(folder / "end.json")


def main() -> None:
    with (folder / "starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
    attempt = len((folder / "starts").read_text().split())
    plan = {"steps": 3, "wait_s": 0.03, "end": "done"} | json.loads(
        json.loads((folder / "bundle.json").read_text())["entry"] or "{}"
    )
    if plan.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: (end("cancelled"), os._exit(0)))
    print("x" * plan.get("noise", 5), flush=True)
    for step in range(plan["steps"]):
        stage = "first" if step < plan["steps"] / 2 else "second"
        tell("progress", stage=stage, step="s", done=step, total=9, progress=step / plan["steps"], eta_s=[1, 2])
        tell("trial", number=step, drop=0.1 * step, left=1)
        time.sleep(plan["wait_s"])
        if attempt < plan.get("die_until", 0):
            os.kill(os.getpid(), signal.SIGKILL)
    failure = {"kind": "ModelError", "message": "m.xml: is no model."} if plan["end"] == "failed" else None
    if plan["end"] != "none":
        end(plan["end"], failure=failure, result={"answer": 42})


main()
