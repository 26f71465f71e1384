"""Embeddings of texts and pictures: alike samples lie near each other."""

import math

import numpy as np

from calibench.datasets.frame import Frame
from calibench.errors import SettingsError
from calibench.evaluation.metrics.cosine import cosine
from calibench.evaluation.metrics.embedded import Embed, Vector
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.metrics.nearest_class import nearest_class
from calibench.evaluation.tasks.outputs import find_output, need_output
from calibench.evaluation.tasks.task import Context, Shape, Task, TaskKind

NAMES = ("sentence", "embed", "feature", "last_hidden_state", "pooler", "hidden")
"""Parts of the names of outputs that are embeddings and no class scores; the best first."""


def looks_like_vector(shape: Shape) -> bool:
    """[1, D] or [1, D, 1, 1]."""
    return len(shape) >= 2 and len([side for side in shape[1:] if side != 1]) == 1


def _looks_like_tokens(shape: Shape) -> bool:
    """[1, T, D]"""
    return len(shape) == 3 and shape[2] != 1


def _looks_like_either(shape: Shape) -> bool:
    return looks_like_vector(shape) or _looks_like_tokens(shape)


def _fits(context: Context) -> bool:
    """By the name of an output: scores of classes and an embedding have the same shape."""
    if context.annotated - {"label"}:
        return False
    return "embedding" in context.settings.outputs or _by_name(context) is not None


def _make(context: Context) -> Task:
    embed, note = make_embed(context)
    metrics = [nearest_class(embed)] if "label" in context.annotated else []
    return Task("embedding", embed, {each.name: each for each in (*metrics, cosine())}, (note,))


def make_embed(context: Context) -> tuple[Embed, str]:
    """How the embedding of a sample is read, and a note that says so.

    The output of the settings ("embedding"), else the first whose name says it, else the first [1, D], else the first
    [1, T, D]. Embeddings of tokens become one as their mean: over the tokens where the output "mask" of the settings is
    not 0; without one, over all of them, padding too.

    Raises:
        SettingsError: no output looks like an embedding.
    """
    given = "embedding" in context.settings.outputs
    name = None if given else _by_name(context) or find_output(context, "embedding", looks_like_vector)
    name = name or need_output(context, "embedding", _looks_like_either, "an embedding, such as [1, length]")
    mask = find_output(context, "mask", lambda shape: False)

    def embed(outputs: NamedOutputs, frame: Frame | None) -> Vector:
        return read_embedding(outputs[name], None if mask is None else outputs[mask])

    is_tokens = not looks_like_vector(context.outputs[name])
    over = f"over the tokens of mask {mask}" if mask else "over all tokens, padding too"
    return embed, f"embedding from output {name}" + (f", the mean {over}" if is_tokens else "")


def read_embedding(array: Array, mask: Array | None = None) -> Vector:
    """Read one output as an embedding.

    Args:
        array: [1, D], [1, D, 1, 1] or [1, T, D]; a mean over T is taken.
        mask: [1, T], 0 for tokens that do not count.

    Returns:
        float32 [D]
    """
    if not _looks_like_tokens(array.shape):
        return array.reshape(-1).astype(np.float32)
    tokens = array[0].astype(np.float64)
    counted = np.ones(len(tokens)) if mask is None else (mask.reshape(-1) != 0).astype(np.float64)
    if len(counted) != len(tokens):
        raise SettingsError(
            f"task.outputs: the mask has {len(counted)} tokens, the embedding {len(tokens)}. Name the mask that fits."
        )
    return np.asarray(counted @ tokens / max(float(counted.sum()), 1.0), np.float32)


def _by_name(context: Context) -> str | None:
    for part in NAMES:
        for name, shape in context.outputs.items():
            if part in name.lower() and _looks_like_either(shape) and abs(math.prod(shape[1:])) > 1:
                return name
    return None


EMBEDDING = TaskKind("embedding", _fits, _make)
