"""A prototxt travels with all that its paths lead to, and the job there gives what it gives here."""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibench.caffe_tool.calibrator import calibrate_caffe
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.placed_files import BESIDE
from calibench.errors import DatasetError, ModelError
from calibench.reports.report import read_report
from calibench.settings import make_settings
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import write_bundle
from calibench.targets.carried_files import Carried, carried
from calibench.targets.local_link import LocalLink
from calibench.targets.paths_here import name_files_here
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec
from tiny_project import INPUT, SIDE, TinyProject, pictures, write_tiny
from written_data import write_mean


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """A project whose TRAIN data has a whole path, and whose TEST data is named from `work`, where it is started."""
    project = write_tiny(tmp_path / "here/nets")
    (tmp_path / "here/work").mkdir()
    text = project.prototxt.read_text()
    text = text.replace('"train_lmdb"', f'"{project.prototxt.parent}/train_lmdb"')
    project.prototxt.write_text(text.replace('"test_lmdb"', '"../nets/test_lmdb"'))
    monkeypatch.chdir(tmp_path / "here/work")
    return project


def bundle_of(job: CaffeJob) -> Bundle:
    settings = job.settings.model_copy(update={"weights": job.weights, "method": "accuracy-aware"})
    given = {"kind": "calibrate", "model": job.model, "dataset": job.dataset, "started_in": Path.cwd()}
    return Bundle.model_validate({**given, "settings": settings, "caffe": job.options, "benchmark": False})


def data_of(project: TinyProject, kind: str, **more: object) -> Bundle:
    """A job whose network and dataset are one prototxt."""
    given = {"model": project.prototxt, "dataset": project.prototxt, "started_in": Path.cwd()}
    return Bundle.model_validate({"kind": kind, **given, **more})


@pytest.fixture
def laid_out(tmp_path: Path) -> Callable[[Carried], Path]:
    """Make the folder of a job as the target has it, and take away what lies here."""

    def lay_out(found: Carried) -> Path:
        (tmp_path / "user").mkdir()
        there = RemoteMachine(LocalLink(tmp_path / "user"), TargetSpec(kind="ssh", host="lab", python=sys.executable))

        async def lay() -> str:
            await there.send(found.contents, lambda count: None)
            return await there.lay("j1", found.laid)

        folder = Path(asyncio.run(lay()))
        write_bundle(found.bundle, folder)
        (tmp_path / "here").rename(tmp_path / "gone")
        return folder

    return lay_out


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_job_of_the_calibrator_travels_with_whole_paths(project: TinyProject) -> None:
    found = carried(bundle_of(project.job()))
    home = f"in/paths{project.prototxt.parent}"
    assert {f"{home}/{name}" for name in ("net.prototxt", "net.caffemodel", "train_lmdb/data.mdb")} <= set(found.files)
    assert f"{home}/test_lmdb/data.mdb" in found.files and all(name.startswith(f"{home}/") for name in found.files)
    assert found.bundle.started_in == Path(f"in/paths{Path.cwd()}")
    assert (found.bundle.model, found.bundle.settings.weights) == (
        Path(f"{home}/net.prototxt"),
        Path(f"{home}/net.caffemodel"),
    )


@pytest.mark.models
@pytest.mark.parametrize("has_mean_image", [False, True])
def test_the_job_there_writes_what_the_command_writes_here(
    has_mean_image: bool, project: TinyProject, laid_out: Callable[[Carried], Path], tmp_path: Path
) -> None:
    if has_mean_image:
        write_mean(project.prototxt.with_name("mean.binaryproto"), np.full((3, SIDE, SIDE), 120, np.float32))
        text = project.prototxt.read_text()
        project.prototxt.write_text(text.replace(INPUT, '  mean_file: "mean.binaryproto"\n'))
    job = project.job(loss=0.1, force_u8=True, repair=True)
    here = calibrate_caffe(replace(job, out=tmp_path / "out", beside=project.prototxt.parent), benchmark=False)
    made = [path for path in here.written.paths.values() if path is not None]
    made += project.prototxt.parent.glob("mean_force_u8*")
    written = {path.name: path.read_bytes() for path in made}
    for path in made:
        path.unlink()
    assert ("mean_force_u8.binaryproto" in written) == has_mean_image
    folder = laid_out(carried(bundle_of(job)))
    end = run_bundle(folder)
    assert end.state == "done", end
    assert end.result["notes"] == list(here.notes)
    assert sorted(end.result["written"]) == sorted(
        name for name, path in here.written.paths.items() if path is not None
    )
    assert {path.name: path.read_bytes() for path in (folder / "out" / BESIDE).iterdir()} == written
    for name in ("model.xml", "model.bin"):
        assert (folder / "out" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    name_files_here(folder / "out", str(folder), tmp_path / "job", bundle_of(job))
    assert str(folder) not in (folder / "out/report.json").read_text() + (folder / "out/report.html").read_text()
    reports = [read_report(path / "report.json") for path in (folder / "out", tmp_path / "out")]
    assert reports[0].notes == reports[1].notes
    assert (reports[0].model, reports[0].dataset, reports[0].int8) == (
        reports[1].model,
        reports[1].dataset,
        reports[1].int8,
    )


@pytest.mark.models
def test_a_prototxt_is_the_dataset_of_other_jobs_too(
    project: TinyProject, laid_out: Callable[[Carried], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings({"threads": 1, "weights": project.weights})
    bundle = data_of(project, "evaluate", settings=settings)
    write_bundle(bundle, tmp_path / "job")
    before, found = run_bundle(tmp_path / "job"), carried(bundle)
    assert before.state == "done", before
    assert not any("train_lmdb" in name for name in found.files)  # TEST decides alone
    monkeypatch.chdir(folder := laid_out(found))
    after = run_bundle(folder)
    assert after.state == "done", after
    assert after.result["score"] == before.result["score"]


def test_a_sentence_from_there_names_the_paths_of_here(
    project: TinyProject, laid_out: Callable[[Carried], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (project.prototxt.parent / "test_lmdb").rename(tmp_path / "here/data")
    sized = project.prototxt.read_text().replace("transform_param {", "transform_param { crop_size: 16")
    project.prototxt.write_text(sized.replace("../nets/test_lmdb", "../data"))
    settings = make_settings({"weights": project.weights})
    monkeypatch.chdir(folder := laid_out(carried(data_of(project, "evaluate", settings=settings))))
    shutil.rmtree(folder / f"in/paths{data}")
    end = run_bundle(folder)
    assert end.failure is not None and end.failure.kind == "DatasetError"
    assert f"there is no LMDB ../data, at {data}. Correct" in end.failure.message


def test_both_phases_of_a_prototxt_travel_for_a_calibration(project: TinyProject) -> None:
    alone = carried(data_of(project, "calibrate"))
    assert any("train_lmdb" in name for name in alone.files) and any("test_lmdb" in name for name in alone.files)
    assert alone.bundle.model == alone.bundle.dataset == Path(f"in/paths{project.prototxt}")
    other = carried(data_of(project, "calibrate", validation=project.prototxt))
    assert not any("train_lmdb" in name for name in other.files)


def with_pictures(project: TinyProject, count: int) -> TinyProject:
    """TEST reads a list of ten pictures, of which so many are there."""
    folder = project.prototxt.parent
    shown = list(pictures(10, 1))
    for number, (picture, _) in enumerate(shown[:count]):
        Image.fromarray(picture[::-1].transpose(1, 2, 0)).save(folder / f"{number}.png")
    (folder / "list.txt").write_text("".join(f"{number}.png {label}\n" for number, (_, label) in enumerate(shown)))
    text = project.prototxt.read_text()
    start = text.index('source: "../nets/test_lmdb"')
    head, tail = text[:start], text[start:]
    place = head.rindex("data_param")
    end = tail.index("}")
    param = 'image_data_param { source: "list.txt" batch_size: 2 '
    kind = head[:place].rindex('"Data"')
    project.prototxt.write_text(f'{head[:kind]}"ImageData"{head[kind + 6 : place]}{param}{tail[end:]}')
    return project


def test_of_a_list_only_the_pictures_travel_that_the_iterations_read(project: TinyProject) -> None:
    job = with_pictures(project, count=4).job(iterations=2)
    assert [Path(name).name for name in carried(bundle_of(job)).files if name.endswith(".png")] == [
        *("0.png", "1.png", "2.png", "3.png")
    ]
    only_quantized = carried(bundle_of(replace(job, quantize_only=True, blob=None)))
    assert [Path(name).name for name in only_quantized.files if name.endswith(".png")] == ["0.png"]  # tried always


def test_a_picture_that_is_not_there_is_said_before_anything_is_sent(project: TinyProject) -> None:
    job = with_pictures(project, count=4).job(iterations=3)
    with pytest.raises(DatasetError, match=r"list\.txt, line 5: there is no picture 4\.png, looked for in .*work and "):
        carried(bundle_of(job))
    with pytest.raises(DatasetError, match=r"line 5: there is no picture 4\.png"):
        carried(data_of(project, "evaluate"))


def test_two_files_that_only_links_tell_apart_are_refused(project: TinyProject, tmp_path: Path) -> None:
    for name in ("a/b", "x/y"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a/link").symlink_to(tmp_path / "x/y")
    for name in ("a/1.png", "x/1.png"):
        (tmp_path / name).write_text(name)
    with_pictures(project, count=0)
    listed = f"{tmp_path}/a/b/../1.png 0\n{tmp_path}/a/link/../1.png 1\n"
    (project.prototxt.parent / "list.txt").write_text(listed)
    sized = project.prototxt.read_text().replace("transform_param {", "transform_param { crop_size: 16")
    project.prototxt.write_text(sized)
    with pytest.raises(DatasetError, match=r"1\.png: lie in the same place but for links"):
        carried(bundle_of(project.job(iterations=1)))


def test_data_that_is_not_there_is_said_with_all_places(project: TinyProject) -> None:
    project.prototxt.write_text(project.prototxt.read_text().replace("test_lmdb", "lost"))
    with pytest.raises(ModelError, match=r"there is no \.\./nets/lost \(source\) to take height and width from"):
        carried(bundle_of(project.job()))
    sized = project.prototxt.read_text().replace("transform_param {", "transform_param { crop_size: 16")
    project.prototxt.write_text(sized)
    with pytest.raises(DatasetError, match=r"there is no LMDB \.\./nets/lost, at .*work/\.\./nets/lost nor"):
        carried(bundle_of(project.job()))


def test_a_prototxt_of_a_server_takes_nothing_along_from_outside_of_its_folder(
    project: TinyProject, tmp_path: Path
) -> None:
    assert carried(data_of(project, "evaluate", started_in=None)).bundle.started_in == Path(f"in/paths{Path.cwd()}")
    secret = (project.prototxt.parent / "test_lmdb").rename(tmp_path / "here/secret")
    project.prototxt.write_text(project.prototxt.read_text().replace("../nets/test_lmdb", str(secret)))
    with pytest.raises(ModelError, match=r"net\.prototxt: leads out of its folder, to /.*/here/secret\. "):
        carried(data_of(project, "evaluate", started_in=None))


def test_a_job_of_the_calibrator_without_weights_is_refused(project: TinyProject) -> None:
    bundle = bundle_of(project.job()).model_copy(update={"settings": make_settings({})})
    with pytest.raises(ModelError, match="needs a prototxt"):
        carried(bundle)


def test_the_options_of_the_calibrator_stand_in_the_bundle(project: TinyProject, tmp_path: Path) -> None:
    write_bundle(bundle_of(project.job(loss=0.02)), tmp_path / "job")
    assert json.loads((tmp_path / "job/bundle.json").read_text())["caffe"]["accuracy_loss"] == 0.02
