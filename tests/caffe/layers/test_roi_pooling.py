"""Pooling within boxes against the definitions of the papers, in plain loops."""

from collections.abc import Iterator

import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.roi_pooling import psroi_pooling, roi_pooling
from calibench.errors import ModelError

Box = tuple[int, slice, slice, int, int]


def _away(values: np.ndarray) -> np.ndarray:
    """Rounded, halves away from 0, as C rounds."""
    return np.sign(values) * np.floor(np.abs(values) + np.float32(0.5))


def _parts(start: np.ndarray, side: np.ndarray, parts: tuple[int, int], limit: tuple[int, int]) -> Iterator[Box]:
    """Number, rows, columns, row and column of the part; `start` and `side` are (y, x) in places."""
    for i in range(parts[0]):
        for j in range(parts[1]):
            at, step = np.array([i, j], np.float32), np.asarray(side, np.float32) / np.array(parts, np.float32)
            low = np.floor(at * step + start).astype(int).clip(0, limit)
            high = np.ceil((at + 1) * step + start).astype(int).clip(0, limit)
            yield i * parts[1] + j, slice(low[0], high[0]), slice(low[1], high[1]), i, j


def _largest(features: np.ndarray, boxes: np.ndarray, parts: tuple[int, int], scale: float) -> np.ndarray:
    found = np.zeros((len(boxes), features.shape[1], *parts), np.float32)
    for n, box in enumerate(boxes):
        left, top, right, bottom = _away(box[1:] * np.float32(scale)).astype(int)
        side = np.maximum([bottom - top + 1, right - left + 1], 1)
        for _, rows, columns, i, j in _parts(np.zeros(2), side, parts, (10**6, 10**6)):
            part = features[
                int(box[0]),
                :,
                max(rows.start + top, 0) : max(rows.stop + top, 0),
                max(columns.start + left, 0) : max(columns.stop + left, 0),
            ]
            if part.size:
                found[n, :, i, j] = part.max(axis=(1, 2))
    return found


def _means(features: np.ndarray, boxes: np.ndarray, group: int, scale: float) -> np.ndarray:
    channels = features.shape[1] // group**2
    found = np.zeros((len(boxes), channels, group, group), np.float32)
    for n, box in enumerate(boxes):
        start = _away(box[[2, 1]]) * np.float32(scale)
        side = np.maximum((_away(box[[4, 3]]) + 1) * np.float32(scale) - start, np.float32(0.1))
        for number, rows, columns, i, j in _parts(start, side, (group, group), features.shape[2:]):
            part = features[int(box[0]), number :: group**2, rows, columns]
            if part[0].size:
                found[n, :, i, j] = part.mean(axis=(1, 2))
    return found


def _boxes(count: int, is_whole: bool) -> np.ndarray:
    """Boxes of two pictures of 224 x 288 pixels, some beyond the border; whole ones lie on halves of a place."""
    numbers = np.random.default_rng(3)
    start, side = numbers.uniform(-10, 260, (count, 2)), numbers.uniform(0, 150, (count, 2))
    corners = np.concatenate([start, start + side], axis=1)
    corners = np.round(corners / 8) * 8 if is_whole else corners
    return np.concatenate([numbers.integers(0, 2, (count, 1)), corners], axis=1).astype(np.float32)


@pytest.mark.parametrize("is_whole", [False, True])
def test_roi_pooling_takes_the_largest_of_each_part(is_whole: bool) -> None:
    features = np.random.default_rng(0).normal(size=(2, 5, 14, 18)).astype(np.float32)
    boxes = _boxes(60, is_whole)
    layer = layer_of("roi_pooling_param { pooled_h: 7 pooled_w: 6 spatial_scale: 0.0625 }")
    found = run_layer(roi_pooling, layer, [features, boxes], [(-1, 5, 14, 18), (-1, 5)])[0]
    np.testing.assert_array_equal(found, _largest(features, boxes, (7, 6), 1 / 16))


def test_roi_pooling_of_a_box_of_two_by_two_places_by_hand() -> None:
    features = np.arange(16).reshape(1, 1, 4, 4)
    layer = layer_of("roi_pooling_param { pooled_h: 1 pooled_w: 2 spatial_scale: 0.5 }")
    # pixels 2..4 are places 1..2 in both directions: 5 6 / 9 10
    np.testing.assert_array_equal(run_layer(roi_pooling, layer, [features, [[0, 2, 2, 4, 4]]])[0], [[[[9, 10]]]])


@pytest.mark.parametrize("is_whole", [False, True])
def test_psroi_pooling_takes_each_part_from_its_own_channels(is_whole: bool) -> None:
    features = np.random.default_rng(0).normal(size=(2, 4 * 9, 14, 18)).astype(np.float32)
    boxes = _boxes(60, is_whole)
    layer = layer_of("psroi_pooling_param { output_dim: 4 group_size: 3 spatial_scale: 0.0625 }")
    found = run_layer(psroi_pooling, layer, [features, boxes])[0]
    np.testing.assert_allclose(found, _means(features, boxes, 3, 1 / 16), atol=1e-6)


def test_boxes_with_four_axes_are_taken_too() -> None:
    features, boxes = np.random.default_rng(0).normal(size=(2, 9, 14, 18)).astype(np.float32), _boxes(5, is_whole=False)
    layer = layer_of("psroi_pooling_param { output_dim: 1 group_size: 3 spatial_scale: 0.0625 }")
    flat, deep = (run_layer(psroi_pooling, layer, [features, boxes.reshape(5, 5, *rest)])[0] for rest in ((), (1, 1)))
    np.testing.assert_array_equal(flat, deep)


def test_what_does_not_fit_is_said() -> None:
    layer = layer_of("psroi_pooling_param { output_dim: 4 group_size: 3 spatial_scale: 1 }")
    with pytest.raises(ModelError, match="output_dim 4 and group_size 3 need 36 channels, but the input has 9"):
        run_layer(psroi_pooling, layer, [np.zeros((1, 9, 4, 4)), np.zeros((1, 5))])
    with pytest.raises(ModelError, match="pooled_h and pooled_w have to be above 0"):
        run_layer(roi_pooling, layer_of("roi_pooling_param { }"), [np.zeros((1, 9, 4, 4)), np.zeros((1, 5))])
    layer = layer_of("roi_pooling_param { pooled_h: 1 pooled_w: 1 }")
    with pytest.raises(ModelError, match=r"boxes of shape \[1, 4\] are not known"):
        run_layer(roi_pooling, layer, [np.zeros((1, 9, 4, 4)), np.zeros((1, 4))])
