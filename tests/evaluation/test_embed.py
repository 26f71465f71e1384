"""Outputs read as embeddings."""

import numpy as np
import pytest

from calibench.datasets.truth import Pair, Truth
from calibench.errors import SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.compare_faces import FACES
from calibench.evaluation.tasks.embed import EMBEDDING
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

TOKENS = np.array([[[1, 2], [3, 4], [50, 60]]], np.float32)


def context(shapes, annotated=("label",), **settings):
    return Context(shapes, annotated=frozenset(annotated), settings=TaskSettings(**settings))


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1, 1), (1, 1, 4), (1, 1, 1, 4)])
def test_one_vector_is_taken_as_it_is(shape):
    made = EMBEDDING.make(context({"y": shape}))
    vector = made.predict({"y": np.arange(4.0).reshape(shape)}, None)
    assert vector.dtype == np.float32
    assert vector.tolist() == [0, 1, 2, 3]
    assert made.notes == ("embedding from output y",)


def test_tokens_become_their_mean():
    made = EMBEDDING.make(context({"y": (1, -1, 2)}))
    assert made.predict({"y": TOKENS}, None).tolist() == [18, 22]
    assert made.notes == ("embedding from output y, the mean over all tokens, padding too",)


def test_a_mask_leaves_padding_out():
    made = EMBEDDING.make(context({"y": (1, -1, 2), "m": (1, -1)}, outputs={"embedding": "y", "mask": "m"}))
    assert made.predict({"y": TOKENS, "m": np.array([[1, 1, 0]])}, None).tolist() == [2, 3]
    assert made.predict({"y": TOKENS, "m": np.array([[0, 0, 0]])}, None).tolist() == [0, 0]
    with pytest.raises(SettingsError, match="the mask has 2 tokens, the embedding 3"):
        made.predict({"y": TOKENS, "m": np.array([[1, 1]])}, None)


@pytest.mark.parametrize(
    ("outputs", "chosen"),
    [
        ({"token_embeddings": (1, 9, 8), "sentence_embedding": (1, 8)}, "sentence_embedding"),
        ({"last_hidden_state": (1, 9, 8), "pooler_output": (1, 8)}, "last_hidden_state"),
        ({"age": (1, 1), "face_embedding": (1, 8)}, "face_embedding"),
        ({"a": (1, 9, 8), "b": (1, 8)}, "b"),
        ({"a": (1, 3, 32, 32), "b": (1, 9, 8)}, "b"),
    ],
)
def test_the_output_is_found_by_name_then_by_shape(outputs, chosen):
    assert EMBEDDING.make(context(outputs)).notes[0].startswith(f"embedding from output {chosen}")


def test_the_settings_say_which_output():
    made = EMBEDDING.make(context({"embedding": (1, 8), "b": (1, 9)}, outputs={"embedding": "b"}))
    assert made.notes == ("embedding from output b",)


def test_metrics_follow_what_is_annotated():
    assert list(EMBEDDING.make(context({"y": (1, 8)})).metrics) == ["nearest", "cosine"]
    assert list(EMBEDDING.make(context({"y": (1, 8)}, ())).metrics) == ["cosine"]
    assert list(FACES.make(context({"y": (1, 8)}, ("pairs",))).metrics) == ["pairs", "cosine"]


@pytest.mark.parametrize(
    ("outputs", "annotated", "fits"),
    [
        ({"embeddings": (1, 384)}, ["label"], True),
        ({"last_hidden_state": (-1, -1, 384)}, [], True),
        ({"logits": (1, 384)}, ["label"], False),
        ({"features": (1, 512, 7, 7)}, ["label"], False),
        ({"embeddings": (1, 384)}, ["pairs"], False),
        ({"embeddings": (1, 384)}, ["label", "text"], False),
    ],
)
def test_an_embedding_is_guessed_by_the_name_of_the_output_only(outputs, annotated, fits):
    assert EMBEDDING.fits(context(outputs, annotated)) == fits


def test_faces_are_guessed_where_pairs_are_annotated():
    assert FACES.fits(context({"y": (1, 512)}, ["pairs", "label"]))
    assert not FACES.fits(context({"y": (1, 512)}, ["label"]))
    assert not FACES.fits(context({"y": (1, 3, 64, 64)}, ["pairs"]))


def test_model_and_truth_meet_in_the_metric():
    made = FACES.make(context({"y": (1, 2, 1, 1)}, ("pairs",)))
    metric = made.metrics["pairs"]
    evidence = []
    for number, (one, other) in enumerate([((1, 0), (2, 0.1)), ((1, 0), (0, 1))]):
        for vector in (one, other):
            outputs = {"y": np.float32(vector).reshape(1, 2, 1, 1)}
            truth = Truth(pairs=(Pair(number, number == 0),))
            evidence.append(metric.observe(Observation(outputs, outputs, truth)))
    assert metric.score(evidence).score == 100


def test_outputs_that_do_not_fit_are_said():
    with pytest.raises(SettingsError, match=r"such as \[1, length\]; it gives y \[1, 3, 8, 8\]"):
        EMBEDDING.make(context({"y": (1, 3, 8, 8)}))
