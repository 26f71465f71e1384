"""Embeddings of one class lie together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.truth import Truth
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.nearest_class import nearest_class

METRIC = nearest_class(lambda outputs, frame: outputs["y"][0].astype(np.float32))
POINTS = st.lists(
    st.tuples(st.integers(0, 2), st.tuples(*[st.integers(-3, 3)] * 2).filter(any)), min_size=2, max_size=9
)


def observe(label, vector, reference=None):
    own = {"y": np.array([vector], np.float32)}
    other = own if reference is None else {"y": np.array([reference], np.float32)}
    return METRIC.observe(Observation(own, other, Truth(label=label)))


def scored(*samples):
    return METRIC.score([observe(label, vector) for label, vector in samples])


def at(degrees):
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def test_the_mean_of_the_class_is_that_of_the_others_in_it():
    # 60 degrees: the other sample of its class stands at 0, that of class 1 at 100: taken for class 1.
    # With itself in the mean, at 30 degrees, it would have been right.
    summary = scored((0, at(0)), (0, at(60)), (1, at(100)), (1, at(101)))
    assert summary.score == 75
    assert [(row.label, row.score, row.count) for row in summary.classes] == [(0, 50, 2), (1, 100, 2)]


def test_length_does_not_count():
    long = tuple(1000 * each for each in at(90))
    assert scored((3, at(0)), (3, at(10)), (7, long), (7, at(80))).score == 100


def test_a_sample_alone_in_its_class_is_not_judged_but_can_be_taken():
    summary = scored((0, at(0)), (0, at(20)), (5, at(30)), (1, at(-90)))
    assert summary.score == 50
    assert summary.details == {"alone in their class": 50}
    assert [(row.label, row.score) for row in summary.classes] == [(0, 50), (1, None), (5, None)]
    assert math.isnan(scored((0, at(0)), (1, at(5))).score)


def test_a_model_that_gives_everything_the_same_embedding_finds_nothing():
    assert scored(*((label, (0.3, 0.1)) for label in (0, 0, 1, 1))).score == 0


def test_an_embedding_of_zeros_or_nan_is_wrong():
    broken = scored((0, (math.nan, 1)), (0, at(10)), (0, at(12)), (1, at(90)), (1, at(95)), (1, (0, 0)))
    assert [row.score for row in broken.classes] == [pytest.approx(200 / 3)] * 2


def test_the_value_of_a_sample_is_its_likeness_to_fp32():
    assert METRIC.value(observe(0, at(33))) == 100
    assert METRIC.value(observe(0, at(60), at(0))) == pytest.approx(50)
    assert METRIC.value(observe(0, (math.nan, 0), at(0))) == 0
    assert METRIC.higher_is_better


def test_a_missing_label_is_said():
    with pytest.raises(DatasetError, match="Metric nearest needs labels"):
        observe(None, at(0))


@given(POINTS)
def test_the_order_of_samples_changes_nothing(samples):
    one, other = scored(*samples), scored(*reversed(samples))
    assert one.score == pytest.approx(other.score, nan_ok=True)
    assert one.classes == other.classes


@given(POINTS, st.floats(0, 360))
def test_turning_all_embeddings_changes_nothing(samples, degrees):
    c, s = at(degrees)
    turned = [(label, (c * x - s * y, s * x + c * y)) for label, (x, y) in samples]
    assert scored(*turned).score == pytest.approx(scored(*samples).score, nan_ok=True)
