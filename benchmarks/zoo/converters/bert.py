"""A BERT sentence encoder as an OpenVINO graph, from the tensors of its safetensors file.

Source: Devlin et al. 2018 (arXiv:1810.04805) with the tensor names of the transformers library; pooling as in Reimers
and Gurevych 2019 (arXiv:1908.10084).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import openvino as ov
from openvino import opset13 as op

from benchmarks.zoo.network import Array

MASKED = np.float32(-1e4)  # added to the scores of padding; larger values overflow in half precision


@dataclass(frozen=True)
class BertShape:
    """What the tensors do not say: layers, attention heads, tokens of an input, what LayerNorm adds to a variance."""

    layers: int
    heads: int
    tokens: int
    epsilon: float = 1e-12


def build_bert(weights: Mapping[str, Array], shape: BertShape) -> ov.Model:
    """The encoder with mean pooling.

    Args:
        weights: float32, by the names of the transformers library.
        shape: of this network.

    Returns:
        Inputs `input_ids` and `attention_mask` int64 [?, tokens]; output `embedding` float32 [?, width] of length 1.
    """
    ids, mask = (op.parameter(ov.PartialShape([-1, shape.tokens]), np.int64, name=name) for name in INPUTS)
    seen = op.convert(mask, "f32")
    hidden = _embed(ids.output(0), weights, shape)
    wide = op.unsqueeze(seen, np.array([1, 2], np.int64))
    bias = op.multiply(op.subtract(np.float32(1), wide), MASKED).output(0)
    for index in range(shape.layers):
        hidden = _layer(hidden, bias, weights, f"encoder.layer.{index}.", shape)
    embedding = _pool(hidden, seen.output(0))
    for node, name in zip((ids, mask), INPUTS, strict=True):
        node.output(0).get_tensor().set_names({name})
    embedding.get_tensor().set_names({"embedding"})
    return ov.Model([op.result(embedding)], [ids, mask], "bert")


INPUTS = ("input_ids", "attention_mask")


def _embed(ids: ov.Output, weights: Mapping[str, Array], shape: BertShape) -> ov.Output:
    """Word, position and (always the first) type, added and normalised."""
    words = op.gather(op.constant(weights["embeddings.word_embeddings.weight"]), ids, op.constant(np.int64(0)))
    places = weights["embeddings.position_embeddings.weight"][None, : shape.tokens]
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    return _norm(op.add(words, op.constant(places + kind)).output(0), weights, "embeddings.LayerNorm", shape)


def _layer(x: ov.Output, bias: ov.Output, weights: Mapping[str, Array], name: str, shape: BertShape) -> ov.Output:
    mixed = _dense(_attend(x, bias, weights, f"{name}attention.self.", shape), weights, f"{name}attention.output.dense")
    x = _norm(op.add(mixed, x).output(0), weights, f"{name}attention.output.LayerNorm", shape)
    wide = op.gelu(_dense(x, weights, f"{name}intermediate.dense"), "erf").output(0)
    narrow = _dense(wide, weights, f"{name}output.dense")
    return _norm(op.add(narrow, x).output(0), weights, f"{name}output.LayerNorm", shape)


def _attend(x: ov.Output, bias: ov.Output, weights: Mapping[str, Array], name: str, shape: BertShape) -> ov.Output:
    width = weights[f"{name}query.weight"].shape[0]
    split = np.array([0, 0, shape.heads, width // shape.heads], np.int64)
    order = np.array([0, 2, 1, 3], np.int64)
    query, key, value = (
        op.transpose(op.reshape(_dense(x, weights, name + part), split, True), order)
        for part in ("query", "key", "value")
    )
    scale = np.float32((width // shape.heads) ** -0.5)
    scores = op.add(op.multiply(op.matmul(query, key, False, True), scale), bias)
    mixed = op.transpose(op.matmul(op.softmax(scores, -1), value, False, False), order)
    return op.reshape(mixed, np.array([0, 0, width], np.int64), True).output(0)


def _dense(x: ov.Output, weights: Mapping[str, Array], name: str) -> ov.Output:
    product = op.matmul(x, op.constant(weights[f"{name}.weight"]), False, True, name=name)
    return op.add(product, op.constant(weights[f"{name}.bias"][None, None])).output(0)


def _norm(x: ov.Output, weights: Mapping[str, Array], name: str, shape: BertShape) -> ov.Output:
    """LayerNorm over the last axis."""
    normal = op.mvn(x, np.array([2], np.int64), True, shape.epsilon, "inside_sqrt", name=name)
    scaled = op.multiply(normal, op.constant(weights[f"{name}.weight"][None, None]))
    return op.add(scaled, op.constant(weights[f"{name}.bias"][None, None])).output(0)


def _pool(hidden: ov.Output, seen: ov.Output) -> ov.Output:
    """Mean over the tokens that are no padding, then length 1."""
    tokens = np.array([1], np.int64)
    masked = op.multiply(hidden, op.unsqueeze(seen, np.array([2], np.int64)))
    mean = op.divide(op.reduce_sum(masked, tokens, False), op.reduce_sum(seen, tokens, True))
    return op.normalize_l2(mean, tokens, 1e-12, "max").output(0)
