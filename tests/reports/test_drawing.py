import numpy as np

from calibench.reports.drawing import sample_pixels


def test_a_picture_is_drawn_as_it_is() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    drawn = sample_pixels({"x": picture, "more": np.zeros(3)}, is_blob=False)
    assert drawn is not None and (drawn == picture[0]).all()


def test_arrays_are_no_picture() -> None:
    assert sample_pixels({"x": np.zeros((1, 3, 4, 4), np.float32)}, is_blob=False) is None
    assert sample_pixels({"x": np.zeros((1, 10), np.float32)}, is_blob=True) is None


def test_a_blob_of_caffe_is_spread_over_the_bytes_with_red_first() -> None:
    blob = np.zeros((1, 3, 1, 2), np.float32)
    blob[0, 0, 0] = (-1, -1)  # blue
    blob[0, 2, 0] = (1, 0)  # red
    drawn = sample_pixels({"data": blob}, is_blob=True)
    assert drawn is not None and drawn.dtype == np.uint8
    assert drawn.tolist() == [[[255, 128, 0], [128, 128, 0]]]


def test_a_flat_or_broken_blob_is_drawn_all_the_same() -> None:
    blob = np.full((1, 1, 2, 2), 5, np.float32)
    blob[0, 0, 0, 0] = np.nan
    drawn = sample_pixels({"data": blob}, is_blob=True)
    assert drawn is not None and drawn.shape == (2, 2, 1)
    assert sample_pixels({"data": np.full((1, 1, 2, 2), 5, np.float32)}, is_blob=True).tolist() == [[[0], [0]]] * 2  # type: ignore[union-attr]
