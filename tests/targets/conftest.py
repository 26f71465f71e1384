"""What tests of jobs share: a small network, pictures that it knows, and bundles of both."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from PIL import Image, ImageDraw
from slurm_cluster import SlurmCluster, slurm, slurm_cluster
from ssh_server import SshServer, running_ssh_server

from calibench.targets.bundle import Bundle, End
from calibench.targets.bundle_files import write_bundle
from calibench.targets.run_bundle import run_bundle

__all__ = ["slurm", "slurm_cluster"]

RESNET = Path(__file__).parents[1] / "data/networks/fashion-resnet8.onnx"
DRAWN = 600
PICTURES = 60


@pytest.fixture(scope="session")
def resnet() -> Path:
    """A classifier of clothes in ten classes, 28 x 28 gray."""
    return RESNET


@pytest.fixture(scope="session")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn clothes of a sort, in the folder of the class that the network sees in them: FP32 is always right.

    It is barely so, so that INT8 costs accuracy on any processor.
    """
    folder = tmp_path_factory.mktemp("clothes") / "set"
    random = np.random.default_rng(0)
    network = ov.Core().compile_model(RESNET, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    drawn = []
    for _ in range(DRAWN):
        image = Image.new("L", (28, 28))
        draw = ImageDraw.Draw(image)
        left, top, right, bottom = (int(v) for v in (*random.integers(1, 10, 2), *random.integers(16, 27, 2)))
        draw.rectangle((left, top, right, bottom), fill=int(random.integers(80, 255)))
        draw.line((left, bottom, right, top), fill=int(random.integers(0, 80)), width=2)
        scores = np.asarray(network((np.asarray(image, np.float32)[None, None] - 72.9) / 90.0)[0]).ravel()
        second, first = np.sort(scores)[-2:]
        drawn.append((first - second, int(scores.argmax()), image))
    for number, (_, label, image) in enumerate(sorted(drawn, key=lambda each: each[0])[:PICTURES]):
        place = folder / f"{label:02d}_kind"
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="session")
def the_ssh_server() -> Iterator[SshServer]:
    """A real sshd whose only user is an ordinary one."""
    with running_ssh_server() as server:
        yield server


@pytest.fixture
def ssh_server(the_ssh_server: SshServer) -> Iterator[SshServer]:
    """The sshd of the session, undisturbed before and after each test, its folder empty."""
    the_ssh_server.reset()
    yield the_ssh_server
    the_ssh_server.reset()


@pytest.fixture
def login_node(ssh_server: SshServer, slurm: SlurmCluster) -> Iterator[SshServer]:
    """The sshd as the login node of the cluster: its user, an ordinary one, has the cluster's commands."""
    with ssh_server.environment(slurm.environment):
        yield ssh_server


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., End]:
    """Run a bundle of these values in `tmp_path/job`."""

    def _run(**values: Any) -> End:
        write_bundle(Bundle.model_validate(values), tmp_path / "job")
        return run_bundle(tmp_path / "job")

    return _run


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The folder in which `run` runs."""
    return tmp_path / "job"
