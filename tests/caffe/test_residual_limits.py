from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given
from hypothesis import strategies as st
from int8_chains import conv, data, kinds, max_pool, model, named, relu, run, scales

from calibench.caffe.int8_graph import apply_scales
from calibench.caffe.residual_limits import BYTE_LEVELS, LIMIT_LEVELS
from calibench.inference.profile import profile
from calibench.quantizers.read_back import found_quantizers, is_int8

OUT = np.float32(30)
IMAGE = np.random.default_rng(5).normal(0, 2, (1, 16, 12, 12)).astype(np.float32)


def block(*, pooled: bool = False, slope: float = 0.0, is_output: bool = False) -> tuple[ov.Model, dict[str, Any]]:
    """Two convolutions and what goes round them: read by the first convolution and by the addition."""
    source = data(1, 16, 12, 12)
    start = relu(conv(source, "a", 16), "ra")
    start = max_pool(start, "pool") if pooled else start
    inner = conv(relu(conv(start, "b", 16), "rb"), "c", 16, kernel=1)
    added = named(ops.add(start, inner), "sum", "sum")
    leaky = ops.constant(np.array([slope], np.float32))
    end = named(ops.prelu(added, leaky), "rs", "rs") if slope else relu(added, "rs")
    graph = model(conv(end, "d", 8), *[end] * is_output, source=source)
    out = None if is_output else float(OUT)
    ranges = {"a": (15.0, True, 20.0), "b": (20.0, False, 25.0), "c": (25.0, False, out)}
    own = {name: scales(graph, name, *values) for name, values in ranges.items()}
    return graph, own | {"d": scales(graph, "d", float(OUT), bool(slope))}


def limits(graph: ov.Model) -> list[str]:
    return [name for name in kinds(graph, "FakeQuantize") if name.endswith("/limit")]


def without_limits(int8: ov.Model) -> ov.Model:
    bare = int8.clone()
    for op in bare.get_ops():
        if op.get_friendly_name().endswith("/limit"):
            for reader in op.output(0).get_target_inputs():
                reader.replace_source_output(op.input_value(0))
    return bare


def steps_of_the_sum(int8: ov.Model) -> Any:
    """What everything behind the addition reads, as integers; every operation runs alone and as it is written."""
    tapped = int8.clone()
    index = {op.get_friendly_name(): op for op in tapped.get_ops()}
    tapped.add_outputs([index[name].output(0) for name in ("rs.0/quantizer", "sum")])
    return np.rint(run(tapped, IMAGE)[1] * OUT)


def test_the_addition_is_part_of_the_convolution() -> None:
    for pooled in (False, True):
        graph, own = block(pooled=pooled)
        times = profile(apply_scales(graph, own), {"data": IMAGE}, precision="f32", threads=1, runs=1)
        (time,) = [time for time in times if "sum" in time.original_names]
        assert time.type == "Convolution" and time.name == "c" and time.output_precisions == "U8"
        assert not [
            time
            for time in times
            if time.type == "Convolution" and time.name != "d" and "F32" in time.output_precisions
        ]


def test_without_the_limit_it_is_not() -> None:
    """Should this fail, the runtime has learnt it, and limits can go."""
    graph, own = block()
    times = profile(without_limits(apply_scales(graph, own)), {"data": IMAGE}, precision="f32", threads=1, runs=1)
    (time,) = [time for time in times if "sum" in time.original_names]
    assert time.type == "Subgraph"


def test_a_limit_cuts_off_what_the_grid_behind_the_addition_cuts_off() -> None:
    graph, own = block()
    int8 = apply_scales(graph, own)
    index = {op.get_friendly_name(): op for op in int8.get_ops()}
    low, high = (index["c/bias.0/limit"].input_value(i).get_node().data.item() for i in (1, 2))
    assert low == np.float32(-255 / np.float32(20)) and high == np.float32(255 / OUT)
    assert LIMIT_LEVELS > 1000 * BYTE_LEVELS


@given(st.floats(-1e4, 1e4, width=32), st.integers(0, 255), st.floats(0.5, 50), st.floats(0.5, 50))
def test_no_value_between_the_limits_or_beyond_gives_another_integer(
    value: float, shortcut: int, scale_in: float, scale_out: float
) -> None:
    low, high = -255 / scale_in, 255 / scale_out

    def integer(value: float) -> float:
        return float(np.clip((value + shortcut / scale_in) * scale_out, 0, 255))

    assert abs(integer(value) - integer(np.clip(value, low, high))) < 1e-6


def test_the_sum_is_the_same_with_and_without() -> None:
    graph, own = block()
    int8 = apply_scales(graph, own)
    with_limit, without = steps_of_the_sum(int8), steps_of_the_sum(without_limits(int8))
    assert without.max() == 255 and without.min() == 0 and len(np.unique(without)) > 100
    assert np.abs(with_limit - without).max() <= 1 and (with_limit != without).mean() < 1e-3


def test_a_limit_is_no_quantizer_in_a_report() -> None:
    graph, own = block()
    index = {op.get_friendly_name(): op for op in apply_scales(graph, own).get_ops()}
    assert [each.input for each in found_quantizers(index["sum"])] == [0] and is_int8(index["sum"])


@pytest.mark.parametrize(
    "case", [{"is_output": True}, {"slope": 0.1}], ids=["the sum leaves in float", "a ReLU with slope follows"]
)
def test_no_limit_where_it_would_change_the_result(case: dict[str, Any]) -> None:
    graph, own = block(**case)
    assert limits(apply_scales(graph, own)) == []


def test_no_limit_where_the_layer_runs_in_float() -> None:
    graph, own = block()
    del own["c"]
    assert limits(apply_scales(graph, own)) == []


def test_no_limit_where_another_layer_hands_its_bytes_to_the_addition_alone() -> None:
    source = data(1, 16, 12, 12)
    added = named(ops.add(conv(source, "a", 16), conv(source, "b", 16)), "sum", "sum")
    graph = model(conv(relu(added, "rs"), "d", 8), source=source)
    ranges = {"a": (15.0, True, 20.0), "b": (15.0, True, 9.0), "d": (9.0, False)}
    int8 = apply_scales(graph, {name: scales(graph, name, *values) for name, values in ranges.items()})
    assert kinds(int8, "FakeQuantize") == ["a/bias.0/quantizer", "data.0/quantizer", "rs.0/quantizer"]
