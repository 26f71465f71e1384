"""What the report says of single layers: the weights per channel by hand, the rest from a small calibration."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.models.graph import WeightedLayer
from calibench.models.normalise import normalise
from calibench.progress import silent
from calibench.quantizers.integers import quantize_weights
from calibench.quantizers.quantize import Quantized, quantize
from calibench.reports.layer_rows import MOST_CHANNELS, describe_channels, layer_rows
from calibench.reports.report import SQNR_CAP_DB, LayerRow, WeightChannels
from calibench.settings import Settings, make_settings

CONV = WeightedLayer("conv", "Convolution", (0,), 1, (1, 2, 3), False)


def described(weights: np.ndarray, axes: tuple[int, ...], layer: WeightedLayer = CONV) -> WeightChannels:
    exact = weights.astype(np.float32)
    integers, scale = quantize_weights(exact, axes)
    return describe_channels(layer, exact, integers * scale, scale)


def test_weights_are_described_per_output_channel() -> None:
    weights = np.array([[3.0, -4.0], [0.5, 0.5]]).reshape(2, 2, 1, 1)
    found = described(weights, (1, 2, 3))
    assert (found.channels, found.largest) == (2, (4.0, 0.5))
    assert found.rms == pytest.approx((np.sqrt(12.5), 0.5), rel=1e-4)
    assert found.step == pytest.approx((4 / 127, 0.5 / 127), rel=1e-4)
    assert found.error_db[1] > 100  # 0.5 is the 127th step: nothing but float noise is lost
    error = 3 - 95 * 4 / 127
    assert found.error_db[0] == pytest.approx(10 * np.log10(25 / error**2), abs=0.05)


def test_one_scale_for_all_is_one_step() -> None:
    weights = np.array([[3.0, -4.0], [0.5, 0.5]]).reshape(2, 2, 1, 1)
    found = described(weights, (0, 1, 2, 3))
    assert found.step == pytest.approx((4 / 127,), rel=1e-4)
    assert found.error_db[1] < 45  # its own step would leave nothing of the error


def test_a_channel_of_zeros_loses_nothing() -> None:
    found = described(np.zeros((3, 2, 1, 1)), (1, 2, 3))
    assert found.error_db == (SQNR_CAP_DB,) * 3


def test_the_channels_of_a_deconvolution_lie_on_its_second_axis() -> None:
    layer = WeightedLayer("deconv", "ConvolutionBackpropData", (0,), 1, (0, 2, 3), False)
    weights = np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1)
    assert described(weights, (0, 2, 3), layer).largest == (3.0, 4.0, 5.0)


def test_of_very_many_channels_some_are_chosen_evenly() -> None:
    weights = np.arange(1, 5001, dtype=np.float32).reshape(5000, 1, 1, 1)
    found = described(weights, (1, 2, 3))
    assert found.channels == 5000
    assert len(found.largest) == len(found.step) == len(found.error_db) == MOST_CHANNELS
    assert (found.largest[0], found.largest[-1]) == (1.0, 5000.0)


def calibrated(settings: Settings) -> tuple[ov.Model, Quantized]:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(4, 3, 3, 3)).astype(np.float32)
    image = ops.parameter([1, 3, 8, 8], name="image")
    image.output(0).tensor.set_names({"image"})
    first = ops.relu(ops.convolution(image, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name="first"))
    flat = ops.reshape(first, np.array([1, 256]), False)
    last = ops.matmul(flat, random.normal(size=(256, 5)).astype(np.float32), False, False, name="last")
    graph = normalise(ov.Model([ops.result(last)], [image], "small"))
    samples = Arrays([{"image": random.normal(size=(1, 3, 8, 8)).astype(np.float32)} for _ in range(8)])
    plan = plan_inputs(graph, settings, images=False)
    return graph, quantize(graph, samples, settings, plan, 1, silent)


def rows(**settings: object) -> dict[str, LayerRow]:
    graph, found = calibrated(make_settings(dict(settings)))
    return {row.name: row for row in layer_rows(graph, found.quantization, found.histograms, found.options)}


def test_a_quantized_layer_shows_what_its_quantizer_saw() -> None:
    quantizer = rows()["first"].quantizers[0]
    assert quantizer.values is not None
    assert sum(quantizer.values.counts) > 0
    assert quantizer.values.low <= quantizer.low[0] and quantizer.values.high >= quantizer.high[0]
    assert quantizer.step == pytest.approx(((quantizer.high[0] - quantizer.low[0]) / 255,), rel=1e-5)


def test_a_quantized_layer_shows_its_weights() -> None:
    found = rows()
    assert {name: row.weights.channels for name, row in found.items() if row.weights} == {"first": 4, "last": 5}


def test_weights_of_seven_bits_lose_more() -> None:
    plain, guarded = (rows(overflow_guard=guard)["first"].weights for guard in ("off", "on"))
    assert plain is not None and guarded is not None
    assert np.mean(plain.error_db) > np.mean(guarded.error_db) + 3


def test_a_layer_left_in_float_shows_the_reason_and_no_weights() -> None:
    row = rows(ignored={"names": ["last"]})["last"]
    assert (row.precision, row.weights, row.quantizers) == ("float", None, ())
    assert row.reason
