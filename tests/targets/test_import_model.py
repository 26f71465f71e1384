"""Importing a model: which file it is, what is kept of it, what is known of it, and what is refused."""

import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

import made_models as made
from calibench.settings import make_settings
from calibench.targets.bundle import End
from calibench.targets.find_model import LOCATION, model_files
from calibench.things.kept import KeptModel

Run = Callable[..., End]


def saved(graph: ov.Model, place: Path, *, is_fp16: bool = False) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(graph, place, compress_to_fp16=is_fp16)
    return place


def zipped(place: Path, **files: Path | bytes) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else content.read_bytes())
    return place


def reason(end: End) -> str:
    assert end.state == "failed"
    assert end.failure is not None
    return f"{end.failure.kind}: {end.failure.message}"


def test_an_onnx_file_is_kept_and_described(run: Run, job: Path, resnet: Path) -> None:
    end = run(kind="import-model", sources=[resnet])
    assert end.state == "done"
    model = KeptModel(created=datetime.now(UTC), name="m", **end.result)
    assert (model.entry, model.format, model.is_quantized) == (resnet.name, "ONNX", False)
    assert (model.int8_layers, model.float_layers) == (10, 0)
    assert [port.shape for port in model.inputs] == ["[?,1,28,28]"]
    assert model.multiply_adds is not None
    assert (job / "out/tree" / resnet.name).read_bytes() == resnet.read_bytes()
    make_settings(model.accuracy_settings)


def test_a_second_attempt_begins_anew(run: Run, resnet: Path) -> None:
    assert run(kind="import-model", sources=[resnet]).state == "done"
    assert run(kind="import-model", sources=[resnet]).state == "done"


def test_uploaded_files_of_one_model_come_together(run: Run, job: Path, tmp_path: Path) -> None:
    model = saved(made.with_a_number(), tmp_path / "made/net.xml")
    for number, name in enumerate(("net.xml", "net.bin")):
        (tmp_path / f"upload{number}").mkdir()
        shutil.copy(model.with_name(name), tmp_path / f"upload{number}" / name)
    sources = [tmp_path / "upload0/net.xml", tmp_path / "upload1/net.bin"]
    end = run(kind="import-model", sources=sources, is_copied=False)
    assert end.result["entry"] == "net.xml"
    assert sorted(path.name for path in (job / "out/tree").iterdir()) == ["net.bin", "net.xml"]


def test_of_a_folder_only_the_files_of_the_model_are_copied(run: Run, job: Path, tmp_path: Path) -> None:
    saved(made.two_inputs(), tmp_path / "there/net.xml")
    (tmp_path / "there/film.mkv").write_bytes(b"large")
    (tmp_path / "there/0001.xml").write_text("<annotation><object/></annotation>")
    end = run(kind="import-model", sources=[tmp_path / "there"])
    assert end.result["entry"] == "net.xml"
    assert sorted(path.name for path in (job / "out/tree").iterdir()) == ["net.bin", "net.xml"]
    assert (tmp_path / "there/net.bin").exists()


def test_an_archive_is_unpacked(run: Run, job: Path, tmp_path: Path, resnet: Path) -> None:
    archive = zipped(tmp_path / "a.zip", **{"net/m.onnx": resnet, "README.md": b"read me", "__MACOSX/x": b"litter"})
    end = run(kind="import-model", sources=[archive])
    assert end.result["entry"] == "net/m.onnx"
    assert not (job / "out/tree/__MACOSX").exists()


def test_one_of_several_models_must_be_named(run: Run, tmp_path: Path, resnet: Path) -> None:
    archive = zipped(tmp_path / "a.zip", **{"a.onnx": resnet, "b/b.onnx": resnet})
    assert "2 models were given: a.onnx, b/b.onnx. Say which" in reason(run(kind="import-model", sources=[archive]))
    assert run(kind="import-model", sources=[archive], entry="b/b.onnx").result["entry"] == "b/b.onnx"
    assert run(kind="import-model", sources=[archive], entry="a.onnx").result["entry"] == "a.onnx"
    assert "no model that was given" in reason(run(kind="import-model", sources=[archive], entry="../a.onnx"))


def test_of_a_result_with_further_models_the_chosen_one_is_taken(run: Run, tmp_path: Path) -> None:
    for place in (".", "front/3", "front/12"):
        saved(made.finder(), tmp_path / "out" / place / "model.xml")
    assert "3 models were given" in reason(run(kind="import-model", sources=[tmp_path / "out"]))
    (tmp_path / "out/report.json").write_text("{}")
    assert run(kind="import-model", sources=[tmp_path / "out"]).result["entry"] == "model.xml"


def test_where_there_is_no_model_it_says_what_was_found(run: Run, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", **{"notes.txt": b"x", "photo.jpg": b"y"})
    said = reason(run(kind="import-model", sources=[archive]))
    assert said.startswith("ModelError: No model was given, but notes.txt, photo.jpg. Give a model file: OpenVINO IR")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("m.pt", "torch.export.save"),
        ("m.h5", "keras.models.load_model"),
        ("m.pt2", "holds pickles, which run code"),
        ("m.onnx", "no readable ONNX model"),
        ("m.xml", "m.bin are missing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(run: Run, tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 nonsense <net")
    said = reason(run(kind="import-model", sources=[tmp_path / name], is_copied=False))
    assert said.startswith("ModelError: ")
    assert told in said
    assert str(tmp_path) not in said
    assert told in reason(run(kind="import-model", sources=[tmp_path / name]))


def test_an_empty_file_is_named_as_empty(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    assert "m.onnx: the file is empty" in reason(run(kind="import-model", sources=[tmp_path / "m.onnx"]))


def test_what_went_away_or_is_no_file_is_refused(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "neither a file nor a folder" in reason(run(kind="import-model", sources=[tmp_path / "pipe.onnx"]))
    assert "no such file" in reason(run(kind="import-model", sources=[tmp_path / "gone.onnx"]))
    assert "No file was given" in reason(run(kind="import-model"))


def test_a_model_with_a_quantizer_is_imported_and_marked(run: Run, tmp_path: Path) -> None:
    x = made.data([1, 8])
    ends = [ops.constant(np.float32(value)) for value in (-1, 1, -1, 1)]
    layer = made.dense(ops.fake_quantize(x, *ends, 256), 8, 4, "y")
    end = run(kind="import-model", sources=[saved(ov.Model([layer], [x], "q"), tmp_path / "q.xml")])
    assert end.result["is_quantized"]
    assert end.result["multiply_adds"] == 32


def test_stored_fp16_counts_as_fp32_and_is_said(run: Run, tmp_path: Path) -> None:
    end = run(kind="import-model", sources=[saved(made.two_inputs(), tmp_path / "h.xml", is_fp16=True)])
    assert (end.result["has_fp16_weights"], end.result["is_quantized"]) == (True, False)
    assert any("FP16" in note for note in end.result["notes"])
    assert end.result["multiply_adds"] is None  # its sequence has no length yet


def test_links_out_of_a_folder_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a").symlink_to(tmp_path)
    assert "a: is a link to a folder" in reason(run(kind="import-dataset", sources=[tmp_path / "other"]))
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/labels.txt").symlink_to(tmp_path / "secret")
    assert "leads out of the folder" in reason(run(kind="import-dataset", sources=[tmp_path / "there"]))


def test_weights_behind_a_link_out_of_a_folder_are_refused(run: Run, job: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    saved(made.two_inputs(), tmp_path / "there/m.xml")
    (tmp_path / "there/m.bin").rename(tmp_path / "secret")
    (tmp_path / "there/m.bin").symlink_to(tmp_path / "secret")
    for source in (tmp_path / "there/m.xml", tmp_path / "there"):
        assert "m.bin: is a link that leads out of the folder" in reason(run(kind="import-model", sources=[source]))
    assert not (job / "out/tree/m.bin").exists()


def onnx_with_weights_in(name: bytes, place: Path) -> Path:
    place.write_bytes(b"onnx" + LOCATION + bytes([len(name)]) + name + b"rest")
    return place


def test_weights_beside_an_onnx_file_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "w.bin").touch()
    model = onnx_with_weights_in(b"w.bin", tmp_path / "m.onnx")
    assert model_files(model) == (model, tmp_path / "w.bin")


@pytest.mark.parametrize("name", [b"../../etc/passwd", b"/etc/passwd", b"a/../../b", b"..\\b", b"C:\\b"])
def test_an_onnx_file_reads_nothing_outside_of_its_folder(run: Run, tmp_path: Path, name: bytes) -> None:
    model = onnx_with_weights_in(name, tmp_path / "m.onnx")
    assert "outside of its folder" in reason(run(kind="import-model", sources=[model]))
