"""Broken networks, broken samples, broken places: the person gets one sentence, and nothing is left behind."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench import Arrays, Settings, calibrate, evaluate, inspect
from calibench.errors import CalibenchError, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.pipeline import inspect_dataset
from calibench.settings import make_settings

pytestmark = pytest.mark.models

RESNET = Path(__file__).parent / "data/networks/fashion-resnet8.onnx"
GRAY = {"inputs": {"": {"color": "gray"}}}


def arrays(count: int = 20, value: float | None = None) -> Arrays:
    random = np.random.default_rng(0)
    made = [random.normal(size=(1, 1, 28, 28)).astype(np.float32) for _ in range(count)]
    return Arrays([{"input": array if value is None else np.full_like(array, value)} for array in made])


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(random.integers(0, 255, (28, 28), np.uint8)).save(folder / f"{number}.png")
    return folder


def save(tmp_path: Path, kernel: Any, name: str = "model.xml") -> Path:
    node = ops.parameter([1, 1, 28, 28], np.float32, name="input")
    node.output(0).tensor.set_names({"input"})
    convolution = ops.convolution(node, ops.constant(kernel), [1, 1], [0, 0], [0, 0], [1, 1], name="first")
    path = tmp_path / name
    ov.save_model(ov.Model([ops.result(ops.relu(convolution))], [node]), path, compress_to_fp16=False)
    return path


def refused(kind: type[CalibenchError], sentence: str, *arguments: Any, **more: Any) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        calibrate(*arguments, benchmark=False, **more)
    assert "\n" not in str(caught.value)


def test_weights_that_are_nan_are_named(tmp_path: Path) -> None:
    kernel = np.ones((3, 1, 3, 3), np.float32)
    kernel[1, 0, 0, 0] = np.nan
    refused(ModelError, "Layer first has weights that are NaN or infinite", save(tmp_path, kernel), arrays())


def test_activations_that_are_nan_everywhere_are_named() -> None:
    sentence = "reads are NaN or infinite on every sample. Check the input settings"
    refused(ModelError, sentence, RESNET, arrays(20, np.nan), validation=arrays())


def test_constant_activations_can_be_calibrated() -> None:
    report = calibrate(RESNET, arrays(20, 0.0), validation=arrays(10), benchmark=False).report
    assert report.sqnr_db is not None


def test_weights_of_zero_can_be_calibrated(tmp_path: Path) -> None:
    found = calibrate(save(tmp_path, np.zeros((3, 1, 3, 3), np.float32)), arrays(), benchmark=False)
    assert found.report.drop_points == 0


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(DatasetError, "empty", RESNET, tmp_path / "empty", make_settings(GRAY))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    refused(DatasetError, "there is no such file or folder", RESNET, tmp_path / "nowhere", make_settings(GRAY))


def test_unreadable_pictures_are_counted_and_named_and_the_rest_is_used(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 40)
    (folder / "broken.png").write_bytes((folder / "3.png").read_bytes()[:60])
    (folder / "text.jpg").write_text("no picture")
    report = calibrate(RESNET, folder, make_settings(GRAY), benchmark=False).report
    assert report.dataset.samples == 40
    assert any("2 of 42" in note and "broken.png" in note and "text.jpg" in note for note in report.notes)


def test_when_no_picture_can_be_read_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/one.png").write_bytes(b"no picture")
    refused(DatasetError, "one.png", RESNET, tmp_path / "pictures", make_settings(GRAY))


def test_arrays_of_another_shape_are_refused_with_both_shapes(tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", input=np.zeros((8, 3, 28, 28), np.float32))
    refused(DatasetError, r"3, 28, 28.*1, 28, 28", RESNET, tmp_path / "wrong.npz")


def test_samples_of_python_callers_of_another_shape_are_refused() -> None:
    samples = Arrays([{"input": np.zeros((1, 1, 14, 14), np.float32)}] * 20)
    refused(
        DatasetError, r"input is \[1, 1, 14, 14\], the model takes \[\?,1,28,28\]", RESNET, samples, validation=arrays()
    )


def test_a_single_sample_cannot_be_split(tmp_path: Path) -> None:
    refused(DatasetError, "cannot be split.*--validation", RESNET, pictures(tmp_path / "one", 1), make_settings(GRAY))


def test_absurd_sizes_are_refused_before_anything_is_tried(tmp_path: Path) -> None:
    chosen = make_settings({"batch": 10**9, "inputs": {"": {"color": "gray"}}})
    refused(SettingsError, "GB of memory are free", RESNET, pictures(tmp_path / "pictures", 4), chosen)


def test_a_device_without_int8_is_refused_with_the_reason() -> None:
    refused(TargetError, "MYRIAD: has no INT8", RESNET, arrays(), Settings(device="MYRIAD"))


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    refused(SettingsError, "no such metric for classification. Known", RESNET, arrays(), Settings(metric="beauty"))


def test_a_file_where_the_result_should_go_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    refused(JobError, "is a file, not a folder", RESNET, arrays(), out=tmp_path / "out", force=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(JobError, "cannot be written", RESNET, arrays(), out=tmp_path / "file/out")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("calibench.reports.result.write_report", full)
    refused(JobError, "No space left on device", RESNET, arrays(), out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_folder_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Any, path: Path) -> None:
        raise JobError(f"{path}: cannot be written (No space left on device). Choose another place.")

    monkeypatch.setattr("calibench.reports.result.write_html", full)
    refused(JobError, f"^{tmp_path}/out/report.html: cannot be written", RESNET, arrays(), out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
def test_a_really_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        refused(JobError, "cannot be written", RESNET, arrays(), out=small / "out")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_samples_of_many_sizes_can_be_calibrated(tmp_path: Path) -> None:
    node = ops.parameter(ov.PartialShape([-1, 3, -1, -1]), np.float32, name="input")
    node.output(0).tensor.set_names({"input"})
    random = np.random.default_rng(0)
    kernel = ops.constant(random.normal(size=(8, 3, 3, 3)).astype(np.float32) / 5)
    first = ops.relu(ops.convolution(node, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name="first"))
    second = ops.constant(random.normal(size=(4, 8, 1, 1)).astype(np.float32) / 3)
    last = ops.convolution(first, second, [1, 1], [0, 0], [0, 0], [1, 1], name="second")
    ov.save_model(ov.Model([ops.result(last)], [node]), tmp_path / "free.xml", compress_to_fp16=False)
    sizes = [20] * 30 + list(range(16, 46))
    samples = Arrays([{"input": random.normal(size=(1, 3, size, size + 3)).astype(np.float32)} for size in sizes])
    chosen = make_settings({"exact_subset": True})
    report = calibrate(tmp_path / "free.xml", samples, chosen, validation=samples, benchmark=False).report
    assert report.sqnr_db is not None and report.sqnr_db > 25
    assert {row.precision for row in report.layers if row.type == "Convolution"} == {"int8"}


def test_an_output_that_the_model_does_not_have_is_refused_by_every_task() -> None:
    chosen = make_settings({"task": {"kind": "classification", "outputs": {"boxes": "nope"}}})
    refused(SettingsError, "boxes is to be output 'nope', which the model does not have", RESNET, arrays(), chosen)


@pytest.mark.parametrize("wanted", ["arrays", "text"])
def test_a_folder_of_pictures_holds_no_arrays_and_no_texts(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(DatasetError, match=r"in this folder|holds no table"):
        inspect_dataset(pictures(tmp_path / "pictures", 2), make_settings({"data": {"format": wanted}}))


def test_a_sheet_is_not_drawn_into_the_dataset(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 2)
    before = (folder / "0.png").read_bytes()
    for name in ("0.png", "sheet.png"):
        with pytest.raises(SettingsError, match="lies in the dataset"):
            inspect_dataset(folder, Settings(), folder / name)
    assert (folder / "0.png").read_bytes() == before and not (folder / "sheet.png").exists()


def boxes_and_scores(path: Path) -> Path:
    """A detector of two classes with 16 boxes, for pictures of 32 x 32."""
    random = np.random.default_rng(0)
    node = ops.parameter([1, 3, 32, 32], np.float32, name="input")
    node.output(0).tensor.set_names({"input"})
    results = []
    for name, width in (("boxes", 4), ("scores", 2)):
        kernel = ops.constant(random.normal(size=(width, 3, 8, 8)).astype(np.float32) / 50)
        cells = ops.convolution(node, kernel, [8, 8], [0, 0], [0, 0], [1, 1], name=f"cells_{name}")
        rows = ops.transpose(ops.reshape(cells, [1, width, 16], False), [0, 2, 1])
        result = ops.sigmoid(rows)
        result.output(0).tensor.set_names({name})
        results.append(ops.result(result))
    ov.save_model(ov.Model(results, [node]), path, compress_to_fp16=False)
    return path


def test_a_detector_on_pictures_without_objects_is_calibrated_and_its_score_is_no_number(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    images = [{"id": number, "file_name": f"{number}.png", "width": 32, "height": 32} for number in range(8)]
    for image in images:
        pixels = random.integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / str(image["file_name"]))
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    file = {"images": images, "annotations": [], "categories": categories}
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_val.json").write_text(json.dumps(file))
    report = calibrate(boxes_and_scores(tmp_path / "m.xml"), folder, out=tmp_path / "out", benchmark=False).report
    assert report.task == "detection" and np.isnan(report.baseline or 0.0)
    assert any("coco cannot be told: none of the 4 samples has anything annotated" in note for note in report.notes)
    assert "cannot be told" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out/report.json").read_text())["baseline"] is None


def test_an_array_that_no_input_takes_is_named() -> None:
    samples = Arrays([{**sample, "more": sample["input"]} for sample in arrays().samples])
    refused(DatasetError, "has an array more, the model takes input", RESNET, samples)


def test_a_model_in_memory_and_settings_that_are_a_dict_are_refused() -> None:
    model: Any = ov.Core().read_model(RESNET)
    refused(ModelError, "given as the path of its file, not as Model", model, arrays())
    refused(SettingsError, "settings are dict", RESNET, arrays(), {"preset": "mixed"})


def test_paths_may_be_text_and_settings_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("0", "1"):
        pictures(folder / name, 2)
    assert evaluate(str(RESNET), str(folder), make_settings(GRAY)).score.metric == "top1"
    assert inspect(str(RESNET)).placement.layers


def test_a_batch_that_the_model_cannot_take_is_refused_before_the_work(tmp_path: Path) -> None:
    fixed = save(tmp_path, np.ones((3, 1, 3, 3), np.float32))
    refused(SettingsError, r"--batch 7: input input is \[1,1,28,28\]", fixed, arrays(), Settings(batch=7))
