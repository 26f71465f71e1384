from collections.abc import Callable

import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.activations import LAYERS

VALUES = np.array([[-7.0, -1.5, -0.25, 0.0, 0.5, 2.0, 8.0]], np.float32)

FORMULAS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "ReLU": ("", lambda x: np.maximum(x, 0)),
    "ReLU with a slope": ("relu_param { negative_slope: 0.25 }", lambda x: np.where(x > 0, x, 0.25 * x)),
    "ReLU6": ("", lambda x: np.clip(x, 0, 6)),
    "ReLU6 with a slope": ("relu6_param { negative_slope: 0.5 }", lambda x: np.minimum(np.where(x > 0, x, 0.5 * x), 6)),
    "ELU": ("elu_param { alpha: 0.5 }", lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    "Clip": ("clip_param { min: -1 max: 3 }", lambda x: np.clip(x, -1, 3)),
    "Swish": ("swish_param { beta: 2 }", lambda x: x / (1 + np.exp(-2 * x))),
    "Mish": ("", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "Sigmoid": ("", lambda x: 1 / (1 + np.exp(-x))),
    "TanH": ("", np.tanh),
    "AbsVal": ("", np.abs),
    "BNLL": ("", lambda x: np.log1p(np.exp(x))),
    "Threshold": ("threshold_param { threshold: 0.5 }", lambda x: (x > 0.5).astype(np.float32)),
    "Power": ("", lambda x: x),
    "Power of 3": ("power_param { power: 3 scale: -0.5 shift: 0.25 }", lambda x: (0.25 - 0.5 * x) ** 3),
    "Exp": ("exp_param { scale: 0.5 shift: 1 }", lambda x: np.exp(1 + 0.5 * x)),
    "Exp to the base of 2": ("exp_param { base: 2 scale: 0.5 shift: 1 }", lambda x: 2 ** (1 + 0.5 * x)),
    "Log": ("log_param { scale: 2 shift: 15 }", lambda x: np.log(15 + 2 * x)),
    "Log to the base of 10": ("log_param { base: 10 shift: 8 }", lambda x: np.log10(8 + x)),
    "Dropout": ("dropout_param { dropout_ratio: 0.9 }", lambda x: x),
    "Dropout that scales": ("dropout_param { dropout_ratio: 0.75 scale_train: false }", lambda x: 0.25 * x),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_function_of_each_value(name: str) -> None:
    text, formula = FORMULAS[name]
    layer = layer_of(f'type: "{name.split()[0]}" {text}')
    (found,) = run_layer(LAYERS[layer.type], layer, [VALUES])
    np.testing.assert_allclose(found, formula(VALUES.astype(np.float64)), rtol=2e-6, atol=1e-6)


def test_prelu_has_a_slope_for_each_channel() -> None:
    values = np.array([[[[-2.0, 4.0]], [[-2.0, 4.0]]]], np.float32)
    (found,) = run_layer(LAYERS["PReLU"], layer_of('type: "PReLU"', [[0.5, 0.25]]), [values])
    np.testing.assert_array_equal(found.ravel(), [-1.0, 4.0, -0.5, 4.0])


def test_a_shared_prelu_has_one_slope() -> None:
    values = np.array([[[[-2.0, 4.0]], [[-4.0, 4.0]]]], np.float32)
    (found,) = run_layer(
        LAYERS["PReLU"], layer_of('type: "PReLU" prelu_param { channel_shared: true }', [[0.5]]), [values]
    )
    np.testing.assert_array_equal(found.ravel(), [-1.0, 4.0, -2.0, 4.0])
