import numpy as np
from conv_models import conv_relu, quantized_conv_relu

from calibench.inference.profile import profile

SAMPLE = {"data": np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)}


def test_a_quantized_convolution_with_relu_gives_u8() -> None:
    layers = {layer.name: layer for layer in profile(quantized_conv_relu(), SAMPLE, precision="f32", runs=2)}
    first = layers["first"]
    assert (first.type, first.output_precisions) == ("Convolution", "U8")
    assert first.precision in ("U8", "I8")
    assert "first" in first.original_names
    assert first.exec_type
    assert all(layer.time_ms >= 0 for layer in layers.values())


def test_json_has_the_names_of_the_runtime() -> None:
    row = profile(quantized_conv_relu(), SAMPLE, precision="f32", runs=1)[0].as_json()
    assert {"outputPrecisions", "originalLayersNames", "time_ms", "exec_type"} <= set(row)


def test_a_float_model_computes_in_the_precision_asked_for() -> None:
    sample = {"data": SAMPLE["data"][:, :, :8, :8]}
    layers = profile(conv_relu(), sample, precision="f32", threads=1, runs=1)
    conv = next(layer for layer in layers if layer.type == "Convolution")
    assert (conv.precision, conv.output_precisions) == ("F32", "F32")
    assert {"conv", "relu"} <= set(conv.original_names)


def test_layers_that_take_no_time_are_left_out() -> None:
    types = {layer.type for layer in profile(quantized_conv_relu(), SAMPLE, runs=1)}
    assert not types & {"Const", "Input", "Output"}
