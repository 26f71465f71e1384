"""Five small trained networks: plain, depthwise with hard-swish and SE, swish, a transformer."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from calibrating import ASYMMETRIC, SYMMETRIC, decibels, quantize, runtime_precisions

NETWORKS = sorted((Path(__file__).parent.parent / "data" / "networks").glob("*.onnx"))


def samples(count, seed):
    values = np.random.default_rng(seed)
    return [{"input": values.uniform(0, 1, (1, 1, 28, 28)).astype(np.float32)} for _ in range(count)]


CASES = [(path, SYMMETRIC) for path in NETWORKS] + [
    (path, ASYMMETRIC) for path in NETWORKS if path.stem == "fashion-mbv3"
]


@pytest.mark.parametrize(("path", "recipe"), CASES, ids=lambda value: getattr(value, "stem", None) or value.name)
def test_a_network_runs_in_int8_close_to_fp32_and_as_free_in_its_batch(path, recipe):
    fp32 = ov.Core().read_model(path)
    int8, quantization = quantize(fp32, samples(32, 0), recipe)
    assert decibels(fp32, int8, samples(16, 1)) > 25
    layers = [layer for layer in quantization.placement.layers if layer.weight_port is not None]
    ran = [precision for _, precision in runtime_precisions(int8) if precision in ("u8", "i8")]
    assert len(ran) >= len(layers)
    assert [(port.any_name, str(port.partial_shape)) for port in (*int8.inputs, *int8.outputs)] == [
        ("input", "[?,1,28,28]"),
        ("logits", "[?,10]"),
    ]
    batch = {"input": np.concatenate([sample["input"] for sample in samples(3, 2)])}
    compiled = ov.Core().compile_model(int8, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    together = compiled(batch)[0].copy()
    assert together.shape == (3, 10)
    for i, sample in enumerate(samples(3, 2)):
        np.testing.assert_allclose(together[i], compiled(sample)[0][0], atol=0.05 * np.abs(together).max())
