"""Jobs that measure: what they write is whole, plain JSON with the fields that the pages draw."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from told_events import INPUTS

from calibench.settings import make_settings
from calibench.targets.bundle import End

pytestmark = pytest.mark.models

Run = Callable[..., End]
POINTS = {"batches": [1, 2], "streams": [1], "seconds": 0.02, "rounds": 2}
POINT_FIELDS = {
    "series", "batch", "streams", "requests", "fps", "fps_low", "fps_high", "latency_ms", "latency_p95_ms",
}  # fmt: skip


def read(job: Path, name: str) -> Any:
    return json.loads((job / "out" / name).read_text(), parse_constant=lambda text: pytest.fail(text))


def bare(clothes: Path, place: Path) -> Path:
    """The same pictures without their classes."""
    place.mkdir()
    for picture in clothes.rglob("*.png"):
        shutil.copy(picture, place / f"{picture.parent.name}-{picture.name}")
    return place


def test_a_baseline_has_a_score_speeds_layers_and_points(run: Run, job: Path, resnet: Path, clothes: Path) -> None:
    end = run(kind="baseline", model=resnet, dataset=clothes, settings=INPUTS, points=POINTS)
    found = read(job, "baseline.json")
    assert end.result["score"] == found["score"]["score"] > 95
    assert found["score"]["metric"] == "top1"
    assert found["score"]["model"] == resnet.name
    assert found["why_no_score"] == ""
    assert {"fp32", "default"} == found["speeds"].keys()
    assert all(speed["fps"] > 0 and speed["latency_ms"]["raw"] for speed in found["speeds"].values())
    assert any(layer["type"] == "Convolution" and layer["time_ms"] >= 0 for layer in found["layers"])
    assert found["default_layers"]
    assert {(p["series"], p["batch"]) for p in found["points"]} >= {("fp32", 1), ("fp32", 2)}
    assert all(point.keys() == POINT_FIELDS for point in found["points"])
    assert found["machine"]["openvino"]


def test_without_annotations_a_baseline_says_why_it_has_no_score(
    run: Run, job: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    plain = bare(clothes, tmp_path / "plain")
    assert run(kind="baseline", model=resnet, dataset=plain, settings=INPUTS).state == "done"
    found = read(job, "baseline.json")
    assert found["score"] is None
    assert found["why_no_score"].startswith("Nothing in this dataset is annotated")
    assert found["points"] == []
    assert found["speeds"]["fp32"]["fps"] > 0


def test_a_benchmark_measures_every_point(run: Run, job: Path, resnet: Path, clothes: Path) -> None:
    run(kind="benchmark", model=resnet, dataset=clothes, settings=INPUTS, points=POINTS)
    points = [point for point in read(job, "points.json") if point["series"] == "fp32"]
    assert [(point["batch"], point["streams"]) for point in points] == [(1, 1), (2, 1)]
    for point in points:
        assert 0 < point["fps_low"] <= point["fps"] <= point["fps_high"]
        assert 0 < point["latency_ms"] <= point["latency_p95_ms"]


def test_an_evaluation_gives_the_score(run: Run, job: Path, resnet: Path, clothes: Path) -> None:
    end = run(kind="evaluate", model=resnet, dataset=clothes, settings=INPUTS)
    assert end.result["score"] == read(job, "evaluation.json")["score"] > 95
    assert end.result["metric"] == "top1"


def test_tried_settings_show_answers_on_pictures(run: Run, job: Path, resnet: Path, clothes: Path) -> None:
    run(kind="try-settings", model=resnet, dataset=clothes, settings=INPUTS, samples=10, pictures=4)
    tried = read(job, "try.json")
    assert (tried["samples"], len(tried["rows"]), tried["score"]["samples"]) == (10, 4, 10)
    assert (tried["task"], tried["metric"]) == ("classification", "top1")
    for row in tried["rows"]:
        assert row["picture"].startswith("data:image/jpeg;base64,")
        assert row["truth"]["text"]
        assert row["baseline"]["text"].startswith(row["truth"]["text"])
    assert make_settings(tried["settled"]).input("").mean == (72.9,)


def test_a_likely_mistake_is_named_with_the_settings_that_mend_it(
    run: Run, job: Path, resnet: Path, clothes: Path
) -> None:
    wrong = {"inputs": INPUTS["inputs"], "task": {"label_offset": 1}}
    run(kind="try-settings", model=resnet, dataset=clothes, settings=wrong)
    tried = read(job, "try.json")
    assert [each["cause"] for each in tried["findings"]] == ["labels"]
    assert len(tried["rows"]) == 8
    assert tried["findings"][0]["after"] > tried["findings"][0]["before"]
    assert tried["warnings"]
    assert make_settings(tried["mended"]).task.label_offset == 0
    assert make_settings(tried["settled"]).task.label_offset == 1


def test_settings_are_tried_without_annotations_too(
    run: Run, job: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    run(kind="try-settings", model=resnet, dataset=bare(clothes, tmp_path / "plain"), settings=INPUTS, pictures=2)
    tried = read(job, "try.json")
    assert tried["score"] is None
    assert tried["why_no_score"]
    assert [row["truth"] for row in tried["rows"]] == [None, None]
    assert all(row["baseline"]["text"] for row in tried["rows"])


def test_a_sample_that_cannot_be_read_is_left_out_and_said(
    run: Run, job: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    shutil.copytree(clothes, tmp_path / "set")
    (tmp_path / "set/00_kind/0000a.png").write_bytes(b"no picture")
    run(kind="try-settings", model=resnet, dataset=tmp_path / "set", settings=INPUTS, samples=200)
    tried = read(job, "try.json")
    assert tried["samples"] == tried["total"] - 1
    assert any("left out" in note for note in tried["notes"])
    assert str(tmp_path) not in json.dumps(tried)
