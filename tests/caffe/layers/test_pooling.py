import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_layer import layer_of, run_layer

from calibench.caffe.layers.pooling import pooling, windows
from calibench.errors import ModelError


def run(text: str, image: np.ndarray, tops: int = 1) -> list[np.ndarray]:
    made = " ".join(f'top: "t{number}"' for number in range(tops))
    return run_layer(pooling, layer_of(f'type: "Pooling" {made} pooling_param {{ {text} }}'), [image])


def by_definition(image: np.ndarray, is_max: bool, kernel: int, stride: int, pad: int) -> np.ndarray:
    """Caffe's loop, one plane: rounds up; the average counts the padding."""
    size = image.shape[0]
    count = int(np.ceil((size + 2 * pad - kernel) / stride)) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    found = np.zeros((count, count))
    for y in range(count):
        for x in range(count):
            begins = [y * stride - pad, x * stride - pad]
            ends = [min(begin + kernel, size + pad) for begin in begins]
            area = (ends[0] - begins[0]) * (ends[1] - begins[1])
            part = image[max(begins[0], 0) : min(ends[0], size), max(begins[1], 0) : min(ends[1], size)]
            found[y, x] = part.max() if is_max else part.sum() / area
    return found


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(4, 11),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    pad=st.integers(0, 3),
    is_max=st.booleans(),
    seed=st.integers(0, 999),
)
def test_windows_lie_where_caffe_lays_them(
    size: int, kernel: int, stride: int, pad: int, is_max: bool, seed: int
) -> None:
    pad, stride = min(pad, kernel - 1), min(stride, kernel)  # a longer stride leaves windows empty: a test of its own
    image = np.random.default_rng(seed).normal(0, 1, (size, size)).astype(np.float32)
    text = f"pool: {'MAX' if is_max else 'AVE'} kernel_size: {kernel} stride: {stride} pad: {pad}"
    (found,) = run(text, image[None, None])
    np.testing.assert_allclose(found[0, 0], by_definition(image, is_max, kernel, stride, pad), atol=1e-6)


def test_the_average_of_an_empty_window_is_not_a_number() -> None:
    (found,) = run("pool: AVE kernel_h: 2 kernel_w: 1 stride_h: 5 stride_w: 1", np.ones((1, 1, 5, 1), np.float32))
    assert found.shape == (1, 1, 2, 1)
    assert found[0, 0, 0, 0] == 1
    assert np.isnan(found[0, 0, 1, 0])


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_a_global_pooling_takes_the_whole_plane(pool: str) -> None:
    image = np.random.default_rng(0).normal(0, 1, (2, 3, 4, 5)).astype(np.float32)
    (found,) = run(f"pool: {pool} global_pooling: true", image)
    expected = image.max((2, 3), keepdims=True) if pool == "MAX" else image.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("word", ["round_mode: FLOOR", "ceil_mode: false"])
def test_forks_can_round_down(word: str) -> None:
    image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    (found,) = run(f"pool: MAX kernel_size: 3 stride: 2 {word}", image)
    np.testing.assert_array_equal(found, [[[[10]]]])


def test_intels_average_can_leave_the_padding_out() -> None:
    image = np.ones((1, 1, 4, 4), np.float32)
    (found,) = run("pool: AVE kernel_size: 3 stride: 1 pad: 1 avg_include_pad: false", image)
    np.testing.assert_allclose(found, np.ones((1, 1, 4, 4)))


def test_a_second_top_says_where_the_maximum_was() -> None:
    image = np.array([[1, 2, 0, 9], [4, 3, 0, 0], [0, 0, 5, 1], [0, 7, 1, 1]], np.float32)
    largest, places = run("pool: MAX kernel_size: 2 stride: 2", np.stack([image, image.T])[None], tops=2)
    np.testing.assert_array_equal(largest[0], [[[4, 9], [7, 5]], [[4, 7], [9, 5]]])
    np.testing.assert_array_equal(places[0], [[[4, 3], [13, 10]], [[1, 7], [12, 10]]])


def test_rows_and_columns_are_clipped_if_either_is_padded() -> None:
    # stride 3 lets the last column begin behind the input; without any padding Caffe keeps it
    image = np.ones((1, 1, 6, 6), np.float32)
    (found,) = run("pool: MAX kernel_h: 2 kernel_w: 1 stride: 3 pad_h: 1 pad_w: 0", image)
    assert found.shape[3] == 2


@pytest.mark.parametrize(
    ("size", "kernel", "pad", "message"),
    [
        (5, 2, 2, "pad 2 has to be smaller than the kernel of 2 pixels"),
        (2, 9, 0, "the kernel of 9 pixels does not fit"),
    ],
)
def test_windows_that_are_not_possible_are_refused(size: int, kernel: int, pad: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        windows(size, kernel, 2, pad)


def test_stochastic_pooling_is_refused() -> None:
    with pytest.raises(ModelError, match="stochastic pooling cannot be converted"):
        run("pool: STOCHASTIC kernel_size: 2", np.ones((1, 1, 4, 4), np.float32))
