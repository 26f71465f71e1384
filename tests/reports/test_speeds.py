import pytest
from report_samples import speed

from calibench.inference.profile import LayerTime
from calibench.reports.report import LayerRow
from calibench.reports.speeds import reproduce_snippet, speed_fields, with_times


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
    timed = with_times(
        rows, [layer_time("fused", ("conv", "relu"), 2.0, "F32")], [layer_time("conv", ("conv",), 0.5, "U8")]
    )
    assert (timed[0].fp32_ms, timed[0].int8_ms) == (2.0, 0.5)
    assert (timed[0].runtime_precision, timed[0].output_precisions) == ("U8", "U8")
    assert (timed[1].fp32_ms, timed[1].int8_ms) == (None, None)


@pytest.mark.parametrize("precision", ["bf16", "f32"])
def test_the_snippet_is_python_that_names_the_hint(precision: str) -> None:
    snippet = reproduce_snippet("CPU", precision)
    compile(snippet, "snippet", "exec")
    assert f'{{"INFERENCE_PRECISION_HINT": "{precision}"}}' in snippet
