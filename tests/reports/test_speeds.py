import math

import pytest
from report_samples import speed

from calibench.evaluation.both_models import Performance
from calibench.inference.profile import LayerTime
from calibench.reports.report import SQNR_CAP_DB, LayerRow, TimedLayer
from calibench.reports.speeds import performance_fields, reproduce_snippet, speed_fields, with_performance


def test_the_headline_is_against_what_would_be_deployed() -> None:
    fields = speed_fields({"fp32": speed(100, 1), "default": speed(200, 1), "int8": speed(300, 1)})
    assert (fields["fp32_fps"], fields["default_fps"], fields["int8_fps"]) == (100, 200, 300)
    assert fields["speedup"] == pytest.approx(1.5)
    assert fields["speedup_fp32"] == pytest.approx(3.0)


def test_without_another_default_fp32_is_the_default() -> None:
    fields = speed_fields({"fp32": speed(100, 1), "int8": speed(300, 1)})
    assert (fields["default_fps"], fields["speedup"]) == (100, pytest.approx(3.0))


def test_what_was_not_measured_is_none() -> None:
    fields = speed_fields({})
    assert fields.pop("speeds") == {}
    assert set(fields.values()) == {None}


def layer_time(name: str, originals: tuple[str, ...], time_ms: float, precision: str) -> LayerTime:
    return LayerTime(name, "Convolution", "brgconv", time_ms, precision, precision, originals)


def test_a_layer_finds_its_time_by_its_name_among_the_fused() -> None:
    rows = (
        LayerRow(name="conv", type="Convolution", precision="int8"),
        LayerRow(name="gone", type="MatMul", precision="float"),
    )
    profiles = {
        "fp32": (layer_time("fused", ("conv", "relu"), 2.0, "F32"),),
        "int8": (layer_time("conv", ("conv",), 0.5, "U8"),),
    }
    timed = with_performance(rows, Performance(profiles=profiles, output_db={"conv": math.inf}))
    assert (timed[0].fp32_ms, timed[0].int8_ms) == (2.0, 0.5)
    assert (timed[0].runtime_precision, timed[0].output_precisions) == ("U8", "U8")
    assert timed[0].output_db == SQNR_CAP_DB
    assert (timed[1].fp32_ms, timed[1].int8_ms, timed[1].output_db) == (None, None, None)
    assert timed[1].runtime_precision == "not executed"


def test_without_times_nothing_is_said_of_how_a_layer_ran() -> None:
    (row,) = with_performance((LayerRow(name="conv", type="Convolution", precision="int8"),), Performance())
    assert row.runtime_precision is None


def test_a_product_finds_its_time_under_the_names_that_the_runtime_gives_it() -> None:
    profiles = {
        "fp32": (layer_time("logits", ("logits",), 2.0, "F32"),),
        "int8": (layer_time("fc/DequantizationMultiply", ("fc/DequantizationMultiply", "logits"), 0.5, "U8"),),
    }
    rows = (LayerRow(name="fc", type="MatMul", precision="int8"),)
    (row,) = with_performance(rows, Performance(profiles=profiles, biases={"fc": "logits"}))
    assert (row.fp32_ms, row.int8_ms, row.runtime_precision) == (2.0, 0.5, "U8")


def test_a_layer_of_its_own_goes_before_one_that_it_is_fused_into() -> None:
    profiles = {"int8": (layer_time("conv", ("conv",), 0.5, "U8"), layer_time("add", ("conv", "add"), 0.1, "F32"))}
    rows = (LayerRow(name="conv", type="Convolution", precision="int8"),)
    assert with_performance(rows, Performance(profiles=profiles))[0].int8_ms == 0.5


def test_the_layers_of_the_runtime_are_kept_as_they_ran() -> None:
    fields = performance_fields(Performance(profiles={"int8": (layer_time("a", ("a", "b"), 0.5, "U8"),)}))
    (kept,) = fields["runtime_layers"]["int8"]
    assert kept == TimedLayer(
        **{"name": "a", "type": "Convolution", "exec_type": "brgconv", "time_ms": 0.5, "precision": "U8"},
        **{"output_precisions": "U8", "original_names": ("a", "b")},
    )


def test_memory_is_rounded_and_may_be_unknown() -> None:
    fields = performance_fields(Performance(memory_mb={"int8": 36.26}))
    assert (fields["fp32_memory_mb"], fields["int8_memory_mb"]) == (None, 36.3)


@pytest.mark.parametrize("precision", ["bf16", "f32"])
def test_the_snippet_is_python_that_names_the_hint(precision: str) -> None:
    snippet = reproduce_snippet("CPU", precision)
    compile(snippet, "snippet", "exec")
    assert f'{{"INFERENCE_PRECISION_HINT": "{precision}"}}' in snippet
