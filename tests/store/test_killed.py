"""A process that is killed while it keeps files or changes things: what is there is whole, the rest is swept."""

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from filled_folder import files

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import Job, KeptModel

KEEPING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import Job, KeptModel

folder = DataFolder(Path(sys.argv[1]))
store, trees = Store(folder.url), Trees(folder)
print("begun", flush=True)
for number in range(10_000):
    source = folder.uploads / f"{number}"
    source.mkdir()
    for name in range(20):
        (source / f"{name}.bin").write_bytes(bytes([number % 256, name]) * 1000)
    kept = trees.keep(source, move=True)
    with store.together():
        store.add(KeptModel(created=datetime.now(UTC), name=f"{number}", tree=kept.hash, size_bytes=kept.size_bytes))
        store.add(Job(created=datetime.now(UTC), kind="import-model", title=f"{number}"))
    if number % 3 == 2:
        trees.drop(store.get(KeptModel, number).tree)
        store.delete(KeptModel, number)
"""


@pytest.mark.parametrize("seed", range(4))
def test_what_is_there_after_a_kill_is_whole(tmp_path, seed):
    folder = DataFolder(tmp_path / "data")
    folder.make()
    process = subprocess.Popen([sys.executable, "-c", KEEPING, folder.path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    time.sleep(random.Random(seed).uniform(0.05, 0.8))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store, trees = Store(folder.url), Trees(folder)
    models = store.all(KeptModel)
    assert len(store.all(Job)) >= len(models)
    used = {model.tree for model in models}
    for hash in trees.hashes():
        for file in trees.manifest(hash).files:
            content = (trees.path(hash) / file.path).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    # a tree that was just dropped may still be named: its thing is deleted after it
    assert len(used - set(trees.hashes())) <= 1
    shutil.rmtree(folder.uploads)  # a source that was to be moved may still share its files
    trees.sweep(used, older_than_s=0)
    assert set(trees.hashes()) <= used
    assert {path.name for path in folder.blobs.rglob("*") if path.is_file()} == {
        file.sha256 for hash in trees.hashes() for file in trees.manifest(hash).files
    }
    assert [name for name in files(folder.trees) if name.startswith((".new", ".gone"))] == []
    store.close()
