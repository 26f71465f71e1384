"""Normalize and Permute: by hand, and against what a genuine Caffe returned (`test_reference_cases`)."""

import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.normalize import normalize, permute
from calibench.errors import ModelError


def test_every_place_gets_length_one_times_the_factor_of_its_channel() -> None:
    layer = layer_of("norm_param { across_spatial: false channel_shared: false }", [[10, 100]])
    found = run_layer(normalize, layer, [[[[[3, 0]], [[4, 5]]]]], [(-1, 2, 1, 2)])[0]
    np.testing.assert_allclose(found, [[[[6, 0]], [[80, 100]]]], rtol=1e-6)


def test_across_spatial_the_whole_sample_gets_length_one() -> None:
    layer = layer_of("norm_param { }", [2])  # a scalar blob, as Caffe writes a shared factor
    found = run_layer(normalize, layer, [[[[[3]], [[4]]]] * 1 + [[[[0]], [[2]]]]])[0]
    np.testing.assert_allclose(found, [[[[1.2]], [[1.6]]], [[[0]], [[2]]]], rtol=1e-6)


def test_zeros_stay_zeros() -> None:
    layer = layer_of("norm_param { across_spatial: false }", [20])
    np.testing.assert_array_equal(run_layer(normalize, layer, [np.zeros((1, 3, 2, 2))])[0], 0)


def test_a_factor_for_another_number_of_channels_is_refused() -> None:
    layer = layer_of("norm_param { channel_shared: false }", [[1, 2, 3]])
    with pytest.raises(ModelError, match=r"blob 0 has the shape \[3\].*asks for \[2\]"):
        run_layer(normalize, layer, [np.zeros((1, 2, 1, 1))])


def test_axes_that_order_does_not_name_follow() -> None:
    values = np.arange(24).reshape(1, 2, 3, 4)
    found = run_layer(permute, layer_of("permute_param { order: 0 order: 3 }"), [values], [(-1, 2, 3, 4)])[0]
    np.testing.assert_array_equal(found, values.transpose(0, 3, 1, 2))


def test_an_axis_named_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="names an axis twice: 0, 1, 1"):
        run_layer(permute, layer_of("permute_param { order: 0 order: 1 order: 1 }"), [np.zeros((1, 2, 3, 4))])
