import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report_samples import full_report, small_report

from calibench.errors import JobError
from calibench.machine import describe_machine
from calibench.reports.report import (
    SQNR_CAP_DB,
    LayerRow,
    Report,
    as_json,
    decided_view,
    read_report,
    schema,
    write_report,
)


@pytest.mark.parametrize("report", [small_report(), full_report()])
def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_the_machine_survives_the_file(tmp_path: Path) -> None:
    report = small_report().model_copy(update={"machine": describe_machine()})
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json").machine == report.machine


def test_the_file_fits_its_schema_and_has_one_line_a_layer(tmp_path: Path) -> None:
    report = full_report()
    write_report(report, tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), schema())
    assert sum(line.startswith('    {"name": ') for line in text.splitlines()) == len(report.layers)


def test_every_field_has_a_description_and_a_kind() -> None:
    found = schema()
    parts = ("ModelFile", "DatasetFiles", "SubsetUse", "QuantizerRange", "LayerRow", "TriedRecipe")
    for fields in (found["properties"], *(found["$defs"][name]["properties"] for name in parts)):
        for name, field in fields.items():
            assert field.get("description"), name
            assert field.get("kind") in ("decided", "measured"), name


def test_the_schema_is_versioned() -> None:
    assert schema()["properties"]["schema_version"]["const"] == 2


def test_measured_fields_may_be_absent() -> None:
    for name, field in Report.model_fields.items():
        extra: Any = field.json_schema_extra
        assert extra["kind"] == "decided" or not field.is_required(), name


def test_runs_that_differ_in_time_paths_and_threads_decide_the_same() -> None:
    one = full_report()
    other = one.model_copy(
        update={
            "model": one.model.model_copy(update={"path": "/elsewhere/lite0.xml"}),
            "settings": one.settings.model_copy(update={"threads": 7, "cache_dir": Path("x"), "keep_cache": True}),
            "seconds": {"read": 9.0},
            "int8_fps": 1.0,
            "speeds": {},
            "layers": tuple(layer.model_copy(update={"int8_ms": 1.0}) for layer in one.layers),
        }
    )
    assert decided_view(one) == decided_view(other)


def test_another_range_is_another_decision() -> None:
    one = full_report()
    layers = (one.layers[0].model_copy(update={"quantizers": ()}), *one.layers[1:])
    assert decided_view(one) != decided_view(one.model_copy(update={"layers": layers}))


def test_the_decided_view_is_plain_json() -> None:
    view = decided_view(full_report())
    assert json.loads(json.dumps(view)) == view
    assert "int8_fps" not in view
    assert "fp32_ms" not in view["layers"][0]


def test_outputs_without_noise_are_capped_and_no_number_becomes_null() -> None:
    values = {**small_report().model_dump(), "sqnr_db": math.inf, "baseline": math.nan}
    report = Report.model_validate(values)
    assert report.sqnr_db == SQNR_CAP_DB
    assert as_json(report)["baseline"] is None
    assert Report.model_validate({**values, "sqnr_db": -math.inf}).sqnr_db == -SQNR_CAP_DB


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        LayerRow.model_validate({"name": "a", "type": "b", "precision": "int8", "colour": "red"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read (No such file or directory). Give the report.json of a calibration."),
        ("{", "is no JSON. Give the report.json of a calibration."),
        ("[]", "has schema version None, this Calibench reads 2. Calibrate again."),
        ('{"schema_version": 9}', "has schema version 9, this Calibench reads 2. Calibrate again."),
        ('{"schema_version": 2}', "model: Field required. The file was changed; calibrate again."),
    ],
)
def test_a_file_that_is_no_report_is_said(text: str | None, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(JobError) as error:
        read_report(path)
    assert str(error.value) == f"{path}: {sentence}"
