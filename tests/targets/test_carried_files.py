"""What travels to a target, and that a job there has all that it needs."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from closed_links import done, local
from told_events import INPUTS

from calibench.errors import CalibenchError
from calibench.reports.report import decided_view, read_report
from calibench.settings import make_settings
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import write_bundle
from calibench.targets.carried_files import KINDS, Carried, carried
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def file_at(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def of(**values: Any) -> Carried:
    settings = make_settings(values.pop("settings", {}))
    return carried(Bundle(**{"kind": "evaluate", "settings": settings, **values}))


def laid_out(found: Carried, tmp_path: Path) -> Path:
    """The folder of the job as the target has it."""

    (tmp_path / "user").mkdir(exist_ok=True)
    there = RemoteMachine(local(tmp_path / "user"), TargetSpec(kind="ssh", host="lab", python=sys.executable))

    async def lay() -> str:
        await there.send(found.contents, lambda count: None)
        return await there.lay("j1", found.laid)

    folder = Path(done(lay()))
    write_bundle(found.bundle, folder)
    return folder


def test_an_ir_travels_with_its_weights_and_nothing_that_lies_beside(tmp_path: Path) -> None:
    model = file_at(tmp_path / "m/net.xml")
    for name in ("net.bin", "other.bin", "notes.txt"):
        file_at(tmp_path / "m" / name, name)
    found = of(model=model)
    assert sorted(found.files) == ["in/model/net.bin", "in/model/net.xml"]
    assert found.bundle.model == Path("in/model/net.xml")


def test_a_saved_model_travels_as_a_folder(tmp_path: Path) -> None:
    for name in ("saved_model.pb", "variables/variables.index"):
        file_at(tmp_path / "saved" / name)
    found = of(model=tmp_path / "saved")
    assert sorted(found.files) == ["in/model/saved/saved_model.pb", "in/model/saved/variables/variables.index"]
    assert found.bundle.model == Path("in/model/saved")


def test_an_onnx_model_travels_with_the_weights_that_lie_in_other_files(tmp_path: Path) -> None:
    model = file_at(tmp_path / "net.onnx", "\n\x08location\x12\x09sub/w.bin")
    file_at(tmp_path / "sub/w.bin")
    assert sorted(of(model=model).files) == ["in/model/net.onnx", "in/model/sub/w.bin"]


def test_weights_of_a_caffe_network_travel_from_wherever_they_lie(tmp_path: Path) -> None:
    text = """input: "in" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4
    layer { name: "relu" type: "ReLU" bottom: "in" top: "relu" }"""
    model, weights = file_at(tmp_path / "a/net.prototxt", text), file_at(tmp_path / "b/w.caffemodel", "w")
    found = of(model=model, settings={"weights": weights})
    assert sorted(found.files) == [f"in/paths{model}", f"in/paths{weights}"]
    assert found.bundle.model == Path(f"in/paths{model}")
    assert found.bundle.settings.weights == Path(f"in/paths{weights}")


def test_a_paddle_model_travels_with_its_parameters(tmp_path: Path) -> None:
    model = file_at(tmp_path / "inference.pdmodel")
    file_at(tmp_path / "inference.pdiparams")
    assert sorted(of(model=model).files) == ["in/model/inference.pdiparams", "in/model/inference.pdmodel"]


def test_folders_of_a_dataset_keep_their_names_and_hidden_files_stay(tmp_path: Path) -> None:
    for name in ("train/0_a/1.jpg", "labels.txt", ".DS_Store", ".hidden/x", "__MACOSX/x"):
        file_at(tmp_path / "set" / name)
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set")
    file_at(tmp_path / "elsewhere/2.jpg")
    (tmp_path / "set/linked").symlink_to(tmp_path / "elsewhere")
    found = of(dataset=tmp_path / "set")
    names = [f"in/dataset/set/{name}" for name in ("labels.txt", "linked/2.jpg", "train/0_a/1.jpg")]
    assert sorted(found.files) == names
    assert found.bundle.dataset == Path("in/dataset/set")


def test_a_table_of_texts_travels_with_the_tokenizer_beside_it(tmp_path: Path) -> None:
    table = file_at(tmp_path / "texts.csv")
    file_at(tmp_path / "tokenizer.json")
    assert sorted(of(dataset=table).files) == ["in/dataset/texts.csv", "in/dataset/tokenizer.json"]


def test_files_that_settings_name_travel_and_what_was_not_set_stays_open(tmp_path: Path) -> None:
    labels, names = file_at(tmp_path / "a/names.txt", "1"), file_at(tmp_path / "b/names.txt", "2")
    timings = file_at(tmp_path / "timings.json")
    settings = {
        "data": {"labels": labels},
        "task": {"class_names": names},
        "accuracy": {"timings": timings},
        "cache_dir": tmp_path,
    }
    found = of(settings=settings)
    there = found.bundle.settings
    assert there.data.labels == Path("in/settings/data.labels/names.txt")
    assert there.task.class_names == Path("in/settings/task.class_names/names.txt")
    assert there.accuracy.timings == Path("in/settings/accuracy.timings/timings.json")
    assert there.cache_dir is None
    said = found.bundle.model_dump(mode="json", exclude_unset=True)["settings"]
    assert set(said["task"]) == {"class_names"} and set(said) == {"data", "task", "accuracy", "cache_dir"}
    assert {found.files[path].path for path in found.files} == {labels, names, timings}


def test_samples_that_are_held_out_travel(tmp_path: Path) -> None:
    file_at(tmp_path / "held/1.jpg")
    accuracy = {"holdout": str(tmp_path / "held")}
    found = of(settings={"method": "accuracy-aware", "accuracy": accuracy})
    assert found.bundle.settings.accuracy.holdout == "in/holdout/held"
    assert sorted(found.files) == ["in/holdout/held/1.jpg"]
    share = of(settings={"method": "accuracy-aware", "accuracy": {"holdout": "20%"}})
    assert share.bundle.settings.accuracy.holdout == "20%"


def test_a_metric_of_the_current_folder_travels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_at(tmp_path / "mine.py")
    monkeypatch.chdir(tmp_path)
    assert sorted(of(settings={"metric": "mine:score"}).files) == ["mine.py"]
    assert of(settings={"metric": "math:floor"}).files == {}


def test_the_same_content_travels_once(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "b/1.jpg"):
        file_at(tmp_path / name)
    found = of(dataset=tmp_path / "a", validation=tmp_path / "b")
    assert len(found.files) == 2 and len(found.contents) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"model": Path("gone.onnx")}, "gone.onnx: there is no such file"),
        ({"dataset": Path("gone")}, "gone: there is no such file or folder"),
        ({"dataset": Path("net.prototxt")}, r"net\.prototxt: there is no such file or folder"),
        ({"settings": {"data": {"labels": "gone.txt"}}}, r"data\.labels: there is no file gone\.txt"),
        ({"kind": "import-model"}, "is done on this machine"),
    ],
)
def test_what_cannot_travel_is_said_before_anything_does(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CalibenchError, match=sentence):
        of(**values)


def test_a_machine_is_looked_at_without_any_file() -> None:
    assert "machine" in KINDS
    assert of(kind="machine").files == {}


def names_only(found: Carried) -> set[str]:
    return {name for name, file in found.files.items() if not file.is_needed}


@pytest.fixture
def two_sets(clothes: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A folder for calibration, and one with other pictures for validation."""
    for number, path in enumerate(sorted(clothes.rglob("*.png"))):
        place = tmp_path / ("validation" if number % 4 == 0 else "calibration") / path.relative_to(clothes)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return tmp_path / "calibration", tmp_path / "validation"


def test_of_pictures_that_are_not_chosen_only_the_names_travel(two_sets: tuple[Path, Path]) -> None:
    calibration, validation = two_sets
    file_at(calibration / "labels.txt", "\n".join(sorted(path.name for path in calibration.iterdir())))
    total = len(list(calibration.rglob("*.png")))
    found = of(kind="calibrate", dataset=calibration, validation=validation, settings={"subset": "10"})
    assert len(names_only(found)) == total - 10
    assert all(name.startswith("in/dataset/") and name.endswith(".png") for name in names_only(found))
    assert all(found.files[name].sha256 == "" and found.laid[name] is None for name in names_only(found))


def test_a_picture_that_cannot_be_read_travels_and_so_does_the_one_in_its_place(two_sets: tuple[Path, Path]) -> None:
    values = {"kind": "calibrate", "dataset": two_sets[0], "validation": two_sets[1], "settings": {"subset": "10"}}
    before = of(**values)
    chosen = [name for name in before.files if name.startswith("in/dataset/") and before.files[name].is_needed]
    before.files[chosen[0]].path.write_bytes(b"damaged")
    after = of(**values)
    assert len(names_only(after)) == len(names_only(before)) - 1
    assert names_only(after) < names_only(before)


@pytest.mark.parametrize(
    "changed",
    [
        {"validation": None},
        {"kind": "evaluate"},
        {"settings": {}},
        {"settings": {"subset": "10", "subset_by": "class"}},
        {"settings": {"subset": "10", "inputs": {"": {"resize": "none"}}}},
    ],
)
def test_all_contents_travel_where_it_is_not_certain_which_are_read(
    two_sets: tuple[Path, Path], changed: dict[str, Any]
) -> None:
    values = {"kind": "calibrate", "dataset": two_sets[0], "validation": two_sets[1], "settings": {"subset": "10"}}
    assert names_only(of(**values | changed)) == set()


@pytest.mark.models
def test_a_calibration_with_placeholders_gives_the_same_model_and_report(
    resnet: Path, two_sets: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = make_settings({**INPUTS, "subset": "12", "seed": 7})
    bundle = Bundle(
        kind="calibrate", model=resnet, dataset=two_sets[0], validation=two_sets[1], settings=settings, benchmark=False
    )
    write_bundle(bundle, tmp_path / "here")
    found = carried(bundle)
    assert names_only(found)
    there = laid_out(found, tmp_path)
    for folder in (tmp_path / "here", there):
        end = run_bundle(folder)
        assert end.state == "done", end.failure
    for name in ("model.xml", "model.bin"):
        assert (tmp_path / "here/out" / name).read_bytes() == (there / "out" / name).read_bytes()
    here, away = (decided_view(read_report(folder / "out/report.json")) for folder in (tmp_path / "here", there))
    assert here == away


@pytest.mark.models
def test_a_calibration_out_of_carried_files_gives_the_same_model(resnet: Path, clothes: Path, tmp_path: Path) -> None:
    names = file_at(tmp_path / "names.txt", "\n".join(f"kind {number}" for number in range(10)))
    settings = make_settings({**INPUTS, "task": {"class_names": names}})
    bundle = Bundle(kind="calibrate", model=resnet, dataset=clothes, settings=settings, benchmark=False)
    write_bundle(bundle, tmp_path / "here")
    found = carried(bundle)
    there = laid_out(found, tmp_path)
    assert not json.loads((there / "bundle.json").read_text()).get("target")
    moved = tmp_path / "moved"
    shutil.copytree(there, moved)  # paths are relative: the folder may lie anywhere
    with pytest.MonkeyPatch.context() as patch:
        assert run_bundle(tmp_path / "here").state == "done"
        patch.chdir(moved)
        end = run_bundle(moved)
        assert end.state == "done", end.failure
    for name in ("model.xml", "model.bin"):
        assert (tmp_path / "here/out" / name).read_bytes() == (moved / "out" / name).read_bytes()
    views = [decided_view(read_report(folder / "out/report.json")) for folder in (tmp_path / "here", moved)]
    assert views[0].keys() == views[1].keys()
    for view in views:
        view["settings"]["task"].pop("class_names")
    assert views[0] == views[1]
