"""A Workbench without a running queue, with a model, datasets and projects in it, and a client that knows the token."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from calibench.api.token_file import TokenFile
from calibench.server import make_app
from calibench.things.kept import KeptDataset, KeptModel, Port, Project
from calibench.workbench.door import Workbench, make_workbench

ADDRESS = "http://127.0.0.1:8642"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """Ids of what is there: an FP32 model, a dataset, an INT8 child, and the project of each model."""

    model: int
    dataset: int
    child: int
    project: int
    int8_project: int


def make_client(workbench: Workbench, **headers: str) -> TestClient:
    tokens = TokenFile(workbench.folder.token)
    app = make_app(workbench, tokens, wrong_try_s=0, with_pages=False)
    known = {"authorization": f"Bearer {tokens.token}", **headers}
    return TestClient(app, ADDRESS, headers=known, raise_server_exceptions=False)


def keep_tree(workbench: Workbench, folder: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    tree = workbench.trees.keep(folder, move=True)
    return tree.hash


def keep_things(workbench: Workbench, folder: Path) -> Kept:
    """Put things into the store as finished jobs would have left them."""
    ports: dict[str, Any] = {
        "inputs": (Port(name="input", shape="[1,3,8,8]", type="f32"),),
        "outputs": (Port(name="logits", shape="[1,10]", type="f32"),),
    }
    model_tree = keep_tree(workbench, folder / "a", {"net.xml": b"<net/>", "net.bin": bytes(5000)})
    child_tree = keep_tree(workbench, folder / "b", {"model.xml": b"<net int8/>", "model.bin": bytes(900)})
    data_tree = keep_tree(workbench, folder / "c", {"daisy/1.png": b"1", "rose/2.png": b"2"})
    workbench.targets.local()
    add = workbench.store.add
    known = {"created": NOW, "state": "ready", **ports}
    model = add(KeptModel(name="net", tree=model_tree, entry="net.xml", int8_layers=3, **known))
    child = add(
        KeptModel(
            name="net INT8",
            tree=child_tree,
            entry="model.xml",
            parent_id=model.id,
            is_quantized=True,
            method="default",
            preset="performance",
            **known,
        )
    )
    dataset = add(
        KeptDataset(
            created=NOW,
            name="flowers",
            state="ready",
            tree=data_tree,
            format="imagenet",
            samples=200,
            annotated=("label",),
            has_pictures=True,
        )
    )
    own = {"created": NOW, "dataset_id": dataset.id, "target_id": workbench.targets.local().id, "state": "done"}
    project = add(Project(name="net on flowers", model_id=model.id, **own))
    int8 = add(Project(name="net INT8 on flowers", model_id=child.id, parent_id=project.id, **own))
    return Kept(model.id, dataset.id, child.id, project.id, int8.id)


@pytest.fixture
def workbench(tmp_path):
    """Jobs that are submitted wait for ever: its queue is not started."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    bench = make_workbench(tmp_path / "data", allowed=(allowed,))
    yield bench
    bench.store.close()


@pytest.fixture
def kept(workbench, tmp_path):
    return keep_things(workbench, tmp_path / "made")


@pytest.fixture
def client(workbench):
    return make_client(workbench)
