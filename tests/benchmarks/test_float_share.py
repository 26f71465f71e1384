"""Which layers of a graph run in float, in ours and in the peer's; and what a run asks of the runtime."""

import numpy as np
import openvino as ov
import pytest
from benchmarks.conv_chain import BAD, make_chain
from benchmarks.counted import counted
from benchmarks.float_share import float_layers, float_share
from openvino import opset13 as ops

from calibench.datasets.inputs import plan_inputs
from calibench.inference.runner import compile_for_samples
from calibench.progress import silent
from calibench.quantizers.insert import insert
from calibench.quantizers.quantize import quantize
from calibench.quantizers.restrict import without
from calibench.settings import Settings

SAMPLE = {"x": np.zeros((1, 4), np.float32)}


def _rounded(node: ov.Node) -> ov.Node:
    low, high = ops.constant(np.float32(-1)), ops.constant(np.float32(1))
    return ops.fake_quantize(node, low, high, low, high, 256)


def _stored(shape: tuple[int, int]) -> ov.Node:
    """Weights as both tools store them: integers, converted, scaled."""
    return ops.multiply(ops.convert(ops.constant(np.ones(shape, np.int8)), "f32"), ops.constant(np.float32(0.1)))


def _network(*, rounded: bool, stored: bool, between: bool = False) -> ov.Model:
    """Two products: 4 x 6, and 6 x 1 with `rounded` input and `stored` weights."""
    x = ops.parameter([1, 4], np.float32, name="x")
    x.output(0).get_tensor().set_names({"x"})
    first = ops.matmul(_rounded(x), _stored((4, 6)), False, False, name="first")
    inner = _rounded(first) if rounded else first
    inner = ops.reshape(inner, ops.constant([1, 6]), False) if between else inner
    weights = _stored((6, 1)) if stored else ops.constant(np.ones((6, 1), np.float32))
    return ov.Model([ops.result(ops.matmul(inner, weights, False, False, name="second"))], [x], "net")


@pytest.mark.parametrize(("rounded", "stored", "share"), [(True, True, 0), (True, False, 20), (False, True, 20)])
def test_a_product_is_in_int8_only_where_both_operands_are(rounded: bool, stored: bool, share: float) -> None:
    network = _network(rounded=rounded, stored=stored)
    assert float_share(network, SAMPLE) == pytest.approx(share)
    assert float_layers(network) == (frozenset() if share == 0 else {"second"})


def test_moving_data_between_the_rounding_and_the_layer_changes_nothing() -> None:
    assert float_share(_network(rounded=True, stored=True, between=True), SAMPLE) == 0


def test_layers_given_back_are_in_float_and_no_others() -> None:
    chain, settings = make_chain(8, (8, 8)), Settings()
    plan = plan_inputs(chain.graph, settings, images=False)
    quantized = quantize(chain.graph, chain.calibration, settings, plan, 1, silent)
    refused = {layer.name for layer in quantized.quantization.placement.left_float} & set(chain.bad)
    assert float_layers(quantized.graph) == refused
    fewer = without(quantized.quantization, chain.graph, dict.fromkeys(chain.bad, "asked for"))
    assert float_layers(insert(chain.graph, fewer, quantized.options)) == set(chain.bad)


def test_bad_layers_change_nothing_in_fp32_and_are_there_whatever_the_length() -> None:
    for layers in (8, 30):
        chain = make_chain(layers, (8, 40))
        assert len(set(chain.bad)) == BAD
        assert len(set(chain.validation.labels or ())) > 4, "the answer depends on the sample"


def test_compiled_graphs_and_inferences_are_counted_within_the_block_only() -> None:
    network = _network(rounded=False, stored=False)
    with counted() as counts:
        compiled = compile_for_samples(network, "CPU", 1)
        compiled(SAMPLE)
        compiled.create_infer_request().start_async(SAMPLE)
    compiled(SAMPLE)
    assert (counts.compiles, counts.inferences) == (1, 2)
