"""A job for tests: does what the entry of its bundle says, as JSON, and leaves a line for each process started.

steps, wait_s: how many events it writes, and the time between them
waits_at: the step at which it stands still until the file `go` is in its folder
end: done, failed, cancelled, or none: leaves without a word
die_until: attempts before this one end by kill -9
stubborn: takes no notice of SIGTERM
noise: bytes that it prints
carried: as one that another machine does: SIGTERM without a cancel leaves there what remote.json tells of
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


def remote(phase: str) -> None:
    (folder / "remote.json").write_text(json.dumps({"job_id": "r1", "phase": phase, "handle": "7 0"}))


def let_go() -> None:
    """As the process that carries a job, told to end."""
    if (folder / "cancel").exists():
        remote("new")
        end("cancelled")
    else:
        end("cancelled", failure={"kind": "TargetError", "message": "lab: the job goes on there."})
    os._exit(0)


def main() -> None:
    plan = {"steps": 3, "wait_s": 0.03, "end": "done"} | json.loads(
        json.loads((folder / "bundle.json").read_text())["entry"] or "{}"
    )
    if plan.get("carried"):
        signal.signal(signal.SIGTERM, lambda *_: let_go())
    elif plan.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: (end("cancelled"), os._exit(0)))
    with (folder / "starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
    attempt = len((folder / "starts").read_text().split())
    if plan.get("carried"):
        if (folder / "cancel").exists():
            let_go()
        remote("started")
    print("x" * plan.get("noise", 5), flush=True)
    for step in range(plan["steps"]):
        stage = "first" if step < plan["steps"] / 2 else "second"
        tell("progress", stage=stage, step="s", done=step, total=9, progress=step / plan["steps"], eta_s=[1, 2])
        tell("trial", number=step, drop=0.1 * step, left=1)
        while step == plan.get("waits_at") and not (folder / "go").exists():
            time.sleep(0.01)
        time.sleep(plan["wait_s"])
        if attempt < plan.get("die_until", 0):
            os.kill(os.getpid(), signal.SIGKILL)
    failure = {"kind": "ModelError", "message": "m.xml: is no model."} if plan["end"] == "failed" else None
    if plan["end"] != "none":
        end(plan["end"], failure=failure, result={"answer": 42})


main()
