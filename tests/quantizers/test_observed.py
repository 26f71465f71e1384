import numpy as np
from calibrating import SYMMETRIC, prepared, random_samples
from graphs import conv, data, model, relu
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibench.quantizers.fit import fit
from calibench.quantizers.observed import BINS, count, histograms


def test_values_are_counted_in_bins_of_the_range() -> None:
    found = count(np.array([[0.0, 0.1], [3.95, 4.0]], np.float32), 0.0, 4.0)
    assert (found.low, found.high, len(found.counts)) == (0.0, 4.0, BINS)
    assert (found.counts[0], found.counts[1], found.counts[-1]) == (1, 1, 2)


def test_the_bins_reach_beyond_the_range_where_values_do() -> None:
    found = count(np.array([-2.0, 8.0], np.float32), -1.0, 1.0)
    assert (found.low, found.high) == (-2.0, 8.0)


def test_nothing_observed_leaves_the_range_empty() -> None:
    found = count(np.zeros((0, 3), np.float32), -1.0, 1.0)
    assert (found.low, found.high, sum(found.counts)) == (-1.0, 1.0, 0)


def test_what_is_not_finite_is_not_counted() -> None:
    assert sum(count(np.array([np.nan, np.inf, 0.5], np.float32), 0.0, 1.0).counts) == 1


@given(arrays(np.float32, st.integers(0, 50), elements=st.floats(-1e4, 1e4, width=32)))
def test_every_value_is_counted_once(values) -> None:
    assert sum(count(values, -1.0, 1.0).counts) == values.size


def test_every_quantized_tensor_has_one_that_holds_its_range() -> None:
    image = data(1, 3, 8, 8)
    network = model([conv(relu(conv(image, (4, 3, 3, 3), "first")), (5, 4, 3, 3), "second")], image)
    _, ready = prepared(network, random_samples(network))
    quantization = fit(ready, SYMMETRIC)
    found = histograms(ready.measured, quantization)
    assert found.keys() == {name for quantizer in quantization.quantizers for name in quantizer.site.points}
    for quantizer in quantization.quantizers:
        for name in quantizer.site.points:
            assert found[name].low <= quantizer.grid.low.min()
            assert found[name].high >= quantizer.grid.high.max()
            assert sum(found[name].counts) == ready.measured[name].rows.size > 0
