"""Input settings that nobody gave."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.datasets.guess import guess_inputs
from calibench.datasets.listing import Listing
from calibench.datasets.truth import Truth
from calibench.settings import InputSettings


def _listing(sizes: Sequence[tuple[int, int]]) -> Listing:
    """Gray pictures of these heights and widths."""
    return Listing(
        folder=None,  # type: ignore[arg-type]
        format="test",
        names=tuple(map(str, sizes)),
        picture=lambda index: np.zeros((*sizes[index], 3), np.uint8),
        truth=lambda index: Truth(),
        annotated=frozenset(),
    )


def _model(shape: Sequence[int], steps: bool = False) -> ov.Model:
    """A network with one output, [1, channels] or [1, channels, 1]."""
    entry = ops.parameter(list(shape), np.float32, name="x")
    mean = ops.reduce_mean(entry, [2, 3], keep_dims=False)
    return ov.Model([ops.unsqueeze(mean, 2) if steps else mean], [entry])


def test_pictures_of_one_size_give_the_size_of_a_model_that_takes_any() -> None:
    found, note = guess_inputs(_model((1, 3, -1, -1)), InputSettings(), _listing([(30, 40)] * 3))
    assert (found.size, found.resize) == ((30, 40), "stretch")
    assert note == "Guessed from the size of the pictures: size 30,40."


def test_wide_pictures_of_many_sizes_are_taken_for_lines_of_text() -> None:
    found, note = guess_inputs(_model((1, 3, -1, -1)), InputSettings(), _listing([(20, 90), (30, 61), (24, 200)]))
    assert (found.size, found.resize, found.pad) == ((48, 192), "corner", 128)
    assert note is not None
    assert "text lines" in note


@pytest.mark.parametrize("sizes", [[(20, 20), (30, 40)], [(90, 20), (80, 30)], []])
def test_nothing_is_guessed_of_other_pictures_of_many_sizes(sizes: list[tuple[int, int]]) -> None:
    given = InputSettings()
    assert guess_inputs(_model((1, 3, -1, -1)), given, _listing(sizes)) == (given, None)


def test_a_model_of_fixed_size_keeps_it_whatever_the_pictures_are() -> None:
    given = InputSettings()
    assert guess_inputs(_model((1, 3, 48, 96)), given, _listing([(20, 90), (30, 61)])) == (given, None)


@pytest.mark.parametrize("steps", [True, False])
def test_characters_in_a_file_make_a_recogniser_only_where_there_are_steps(steps: bool) -> None:
    model = _model((1, 3, 48, -1), steps)
    model.set_rt_info("a\nb", ["framework", "character"])
    found, _ = guess_inputs(model, InputSettings(), _listing([(20, 20), (30, 40)]))
    assert found.size == ((48, 320) if steps else None)


@pytest.mark.parametrize(("channels", "color"), [(3, "bgr"), (1, "rgb")])
def test_a_caffe_network_of_three_channels_takes_blue_first(channels: int, color: str) -> None:
    model = _model((1, channels, 8, 8))
    model.set_rt_info("yes", ["caffe", "normal"])
    found, note = guess_inputs(model, InputSettings(), None)
    assert found.color == color
    assert (note == "Guessed from a Caffe network: color bgr.") == (channels == 3)
