"""Proposal against the definition of Faster R-CNN, in plain NumPy; also as its Python layer."""

import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.proposals import Anchors, proposal, python_layer
from calibench.errors import ModelError

HEIGHT, WIDTH = 6, 8  # places of 16 pixels: a picture of 96 x 128


def _anchors(rules: Anchors) -> np.ndarray:
    """Corners [ratios * scales, 4] in pixels around the middle of the first place."""
    found = []
    for ratio in rules.ratios:
        width = np.round(np.sqrt(rules.base_size**2 / ratio))
        height = np.round(width * ratio)
        for scale in rules.scales:
            half = (np.array([width, height]) * scale - 1) / 2
            found.append(np.concatenate([(rules.base_size - 1) / 2 - half, (rules.base_size - 1) / 2 + half]))
    return np.array(found)


def _by_hand(rules: Anchors, scores: np.ndarray, offsets: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Boxes and scores [M, 5]."""
    places = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).reshape(-1, 1, 2) * rules.stride
    anchors = (np.tile(places, 2) + _anchors(rules)[None]).reshape(-1, 4)
    chances = scores[0, scores.shape[1] // 2 :].transpose(1, 2, 0).reshape(-1)
    moves = offsets[0].transpose(1, 2, 0).reshape(-1, 4)
    side = anchors[:, 2:] - anchors[:, :2] + 1
    middle = anchors[:, :2] + side / 2 + moves[:, :2] * side
    half = np.exp(moves[:, 2:]) * side / 2
    limit = np.tile(picture[0, [1, 0]], 2) - 1
    boxes = np.concatenate([middle - half, middle + half], axis=1).clip(0, limit)
    is_large = (boxes[:, 2:] - boxes[:, :2] + 1 >= rules.min_size * picture[0, 2]).all(axis=1)
    rows = np.concatenate([boxes, chances[:, None]], axis=1)[is_large]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")][: rules.before]
    kept: list[np.ndarray] = []
    for row in rows:
        if len(kept) < rules.after and all(_overlap(row, other) <= rules.overlap for other in kept):
            kept.append(row)
    return np.array(kept)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = (np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2]) + 1).clip(0)
    areas = [float(np.prod(box[2:4] - box[:2] + 1)) for box in (one, other)]
    return float(np.prod(sides)) / (sum(areas) - float(np.prod(sides)))


def _inputs(anchors: int) -> list[np.ndarray]:
    numbers = np.random.default_rng(0)
    scores = numbers.random((1, 2 * anchors, HEIGHT, WIDTH)).astype(np.float32)
    offsets = numbers.normal(0, 0.3, (1, 4 * anchors, HEIGHT, WIDTH)).astype(np.float32)
    return [scores, offsets, np.array([[96, 128, 1.5]], np.float32)]


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (Anchors(16), ""),
        (Anchors(16, min_size=40), "min_size: 40"),
        (Anchors(16, before=100, after=20), "pre_nms_topn: 100 post_nms_topn: 20"),
        (
            Anchors(16, ratios=(0.5, 1.0), scales=(1.0, 2.0, 4.0), min_size=8, overlap=0.5),
            "min_size: 8 nms_thresh: 0.5 ratio: 0.5 ratio: 1 scale: 1 scale: 2 scale: 4",
        ),
    ],
)
def test_proposals_are_those_of_the_paper(rules: Anchors, text: str) -> None:
    inputs = _inputs(len(rules.ratios) * len(rules.scales))
    layer = layer_of(f"top: 'rois' top: 'scores' proposal_param {{ feat_stride: 16 {text} }}")
    boxes, scores = run_layer(proposal, layer, inputs)
    expected = _by_hand(rules, *inputs)
    assert boxes.shape == (rules.after, 5)
    np.testing.assert_allclose(boxes[: len(expected), 1:], expected[:, :4], atol=1e-4)
    np.testing.assert_allclose(scores[: len(expected)], expected[:, 4], atol=1e-6)
    assert not boxes[: len(expected), 0].any()
    assert not scores[len(expected) :].any()  # what Caffe would not return
    assert (boxes[len(expected) :, 0] < 0).sum() == (len(expected) < rules.after)  # one row ends them


@pytest.mark.parametrize(
    ("written", "scales"),
    [
        ("'feat_stride': 16", (8.0, 16.0, 32.0)),
        ("{'feat_stride': 16, 'scales': [1, 2]}", (1.0, 2.0)),
        ("'feat_stride': 16\n'scales': !!python/tuple [4, 8, 16]", (4.0, 8.0, 16.0)),
    ],
)
def test_the_python_layer_is_the_same(written: str, scales: tuple[float, ...]) -> None:
    inputs = _inputs(3 * len(scales))
    layer = layer_of("top: 'rois' python_param { module: 'rpn.proposal_layer' layer: 'ProposalLayer' }")
    layer.params.python_param.param_str = written
    (boxes,) = run_layer(python_layer, layer, inputs)
    expected = _by_hand(Anchors(16, scales=scales), *inputs)
    np.testing.assert_allclose(boxes[: len(expected), 1:], expected[:, :4], atol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module: 'mine' layer: 'Own'", "Python layer mine.Own cannot be read; known is rpn.proposal_layer.Prop"),
        ("module: 'rpn.proposal_layer' layer: 'ProposalLayer'", "param_str '' cannot be read"),
        ("module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: '{x: 1}'", "names no feat_stride"),
        ("module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: '{x'", "cannot be read"),
        ("module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: 'x: 2026-99-99'", "cannot be read"),
    ],
)
def test_another_python_layer_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        run_layer(python_layer, layer_of(f"python_param {{ {text} }}"), _inputs(9))


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ModelError, match="9 anchors need 18 channels of scores, but there are 12"):
        run_layer(proposal, layer_of("proposal_param { }"), _inputs(6))
