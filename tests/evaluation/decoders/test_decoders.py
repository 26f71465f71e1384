"""The list of decoders as a whole."""

import re
from pathlib import Path

import numpy as np
import pytest
from known_objects import context_of

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import DECODERS, choose_decoder, guess_decoder

PAGE = (Path(__file__).parents[3] / "docs/reference/decoders.md").read_text(encoding="utf-8")


def test_names_are_unique_and_stand_on_the_page_in_their_order():
    names = [decoder.name for decoder in DECODERS]
    assert len(set(names)) == len(names)
    first_columns = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(first_columns))) == set(names)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
@pytest.mark.parametrize("shape", [(1, 1000), (1, 21, 64, 64), (1, 3, 320, 320), (1, 512), (1, 26, 97), (1,), ()])
def test_outputs_of_other_tasks_fit_no_decoder(decoder, shape):
    assert not decoder.fits(context_of({"out": np.zeros(shape, np.float32)}, (320, 320)))


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_a_model_without_outputs_or_size_fits_none(decoder):
    assert not decoder.fits(context_of({}, (320, 320)))
    assert not decoder.fits(context_of({}, None))


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_outputs_of_unknown_rank_fit_none(decoder):
    outputs = {name: np.zeros(()) for name in ("boxes", "scores", "labels", "masks")}
    assert not decoder.fits(context_of(outputs, (320, 320)))


def test_every_decoder_can_be_named():
    for decoder in DECODERS:
        assert choose_decoder(context_of({}, None, settings={"decoder": decoder.name})) is decoder


def test_what_fits_nothing_is_answered_with_names_and_shapes():
    context = context_of({"prob": np.zeros((1, 1000))}, (224, 224))
    assert guess_decoder(context) is None
    with pytest.raises(
        SettingsError, match=r"outputs prob \[1, 1000\]\. Set task\.decoder to one of model-api, .*raw-boxes"
    ):
        choose_decoder(context)
