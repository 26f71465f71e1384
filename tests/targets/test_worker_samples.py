"""What workers on other machines read beside the models that they are sent."""

import asyncio
from pathlib import Path

import numpy as np

from calibench.caffe.written_paths import whole_path
from calibench.targets.bundle import Bundle
from calibench.targets.local_link import LocalLink
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.worker_samples import Bringing, Brought, samples_of
from calibench.things.target_spec import TargetSpec
from written_data import data_layer, datum, noise, write_lmdb, write_prototxt

MODEL = Path(__file__).parent.parent / "data/networks/fashion-resnet8.onnx"


def brought(bundle: Bundle, home: Path, seen: list[tuple[int, int]], told: list[str]) -> Brought:
    spec = TargetSpec(kind="ssh", host="lab", home=str(home))

    async def bring() -> Brought:
        link = LocalLink()
        samples = samples_of(bundle, lambda done, total: seen.append((done, total)))
        return await Bringing(samples).to(RemoteMachine(link, spec), link, told.append)

    return asyncio.run(bring())


def test_a_machine_that_has_something_at_all_places_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"picture")
    bundle = Bundle(kind="calibrate", model=MODEL, dataset=tmp_path / "set")
    seen: list[tuple[int, int]] = []
    assert brought(bundle, tmp_path / "home", seen, []) == Brought()
    assert (seen, (tmp_path / "home").exists()) == ([], False)


def test_the_samples_of_both_datasets_travel_and_the_model_does_not(tmp_path: Path) -> None:
    for name in ("set", "val"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(name.encode())
    bundle = Bundle(kind="calibrate", model=MODEL, dataset=tmp_path / "set", validation=tmp_path / "val")
    samples = samples_of(bundle, lambda done, total: None)
    assert sorted(samples.files) == ["in/dataset/set/1.png", "in/validation/val/1.png"]
    assert samples.places == {tmp_path / "set": Path("in/dataset/set"), tmp_path / "val": Path("in/validation/val")}


def test_what_a_prototxt_names_lies_below_one_folder_with_its_whole_path(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "data", [datum(noise(3, 6, 6).astype(np.uint8), 0)])
    net = write_prototxt(tmp_path / "net.prototxt", data_layer(tmp_path / "data"))
    samples = samples_of(Bundle(kind="calibrate", model=MODEL, dataset=net), lambda done, total: None)
    assert samples.places[Path("/")] == Path("in/paths")
    assert f"in/paths/{whole_path(tmp_path / 'data/data.mdb')}" in samples.files
