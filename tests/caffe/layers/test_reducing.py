import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.reducing import LAYERS
from calibench.errors import ModelError

IMAGE = np.random.default_rng(10).normal(0, 2, (2, 6, 4, 5)).astype(np.float32)


def run(text: str, image: np.ndarray = IMAGE) -> np.ndarray:
    layer = layer_of(text)
    (found,) = run_layer(LAYERS[layer.type], layer, [image])
    return found


def test_argmax_of_an_axis_gives_places_or_values() -> None:
    found = run('type: "ArgMax" argmax_param { axis: 1 }')
    np.testing.assert_array_equal(found, IMAGE.argmax(1)[:, None])
    found = run('type: "ArgMax" argmax_param { axis: 1 top_k: 2 out_max_val: true }')
    np.testing.assert_array_equal(found, np.sort(IMAGE, 1)[:, ::-1][:, :2])


def test_argmax_without_an_axis_looks_at_the_whole_sample() -> None:
    order = np.argsort(-IMAGE.reshape(2, -1), 1)[:, :3]
    found = run('type: "ArgMax" argmax_param { top_k: 3 }')
    assert found.shape == (2, 1, 3, 1)
    np.testing.assert_array_equal(found[:, 0, :, 0], order)
    found = run('type: "ArgMax" argmax_param { top_k: 3 out_max_val: true }', IMAGE.reshape(2, -1))
    assert found.shape == (2, 2, 3)
    np.testing.assert_array_equal(found[:, 0], order)
    np.testing.assert_array_equal(found[:, 1], np.take_along_axis(IMAGE.reshape(2, -1), order, 1))


def test_of_equal_values_the_later_comes_first() -> None:
    found = run('type: "ArgMax" argmax_param { axis: 1 top_k: 3 }', np.array([[1, 5, 5, 0, 5]], np.float32))
    np.testing.assert_array_equal(found, [[4, 2, 1]])


def test_more_than_all_values_are_refused() -> None:
    with pytest.raises(ModelError, match="top_k 7 has to lie between 1 and the 6 values"):
        run('type: "ArgMax" argmax_param { axis: 1 top_k: 7 }')


REDUCED = {
    "SUM": lambda x: x.sum((2, 3)),
    "ASUM": lambda x: np.abs(x).sum((2, 3)),
    "SUMSQ": lambda x: (x**2).sum((2, 3)),
    "MEAN": lambda x: x.mean((2, 3)),
}


@pytest.mark.parametrize("operation", REDUCED)
def test_a_reduction_takes_all_axes_from_its_own_on(operation: str) -> None:
    found = run(f'type: "Reduction" reduction_param {{ operation: {operation} axis: 2 coeff: 0.5 }}')
    assert found.shape == (2, 6)
    np.testing.assert_allclose(found, 0.5 * REDUCED[operation](IMAGE.astype(np.float64)), rtol=1e-5, atol=1e-5)
