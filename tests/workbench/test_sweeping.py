"""What nobody needs is removed beside the server's work."""

import os
import threading

from calibench.errors import JobError
from calibench.workbench.sweeping import Sweeping


def test_forgotten_uploads_and_files_go(bench):
    upload, tree = bench.uploads.begin("old.onnx", 5).id, bench.tree({"a": "b"})
    for path in (*(bench.folder.uploads / upload).rglob("*"), bench.trees.path(tree)):
        os.utime(path, (1, 1))
    Sweeping(bench.users, bench.uploads, bench.jobs).sweep()
    assert bench.uploads.all() == ()
    assert bench.trees.hashes() == ()


def test_a_sweep_that_fails_does_not_end_the_server(bench, monkeypatch, caplog):
    tried = threading.Event()

    def fail():
        tried.set()
        raise JobError("The disk refuses.")

    monkeypatch.setattr(bench.users, "sweep", fail)
    sweeping = Sweeping(bench.users, bench.uploads, bench.jobs)
    sweeping.start()
    assert tried.wait(10)
    sweeping.stop()
    for thread in threading.enumerate():
        if thread.name == "sweeping":
            sweeping._stopping.set()
            thread.join(10)
    assert "The disk refuses" in caplog.text
