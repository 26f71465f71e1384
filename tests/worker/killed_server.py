"""A server for tests to kill: opens the worker of a data folder and serves until it is ended."""

import sys
import threading
from pathlib import Path

import worker_rig

from calibench.targets import local_process

if __name__ == "__main__":
    local_process.start = worker_rig.start_fake
    with worker_rig.Rig(Path(sys.argv[1])):
        print("open", flush=True)
        threading.Event().wait()
