"""Scores and agreements that more than one family uses. All are in percent, and higher is better."""

import numpy as np

from benchmarks.zoo.network import Array, Outputs

NOT_A_CLASS = -1  # fills up lists of right answers


def only(output: dict[str, Array]) -> Array:
    """The tensor of a network with one output."""
    (tensor,) = output.values()
    return tensor


def answers(outputs: Outputs) -> Array:
    """The class with the highest value for each sample, int64 [N]; outputs are [1, classes]."""
    return np.array([int(only(output).argmax()) for output in outputs])


def top1(outputs: Outputs, admitted: Array) -> float:
    """How often the answer is a right one.

    Args:
        outputs: N times [1, classes].
        admitted: int64 [N] or [N, K], the right classes; NOT_A_CLASS fills up.
    """
    given = answers(outputs)
    return 100 * float((given[:, None] == admitted.reshape(len(given), -1)).any(axis=1).mean())


def same_class(one: Outputs, other: Outputs) -> float:
    """How often both answers are the same class."""
    return 100 * float((answers(one) == answers(other)).mean())


def class_indices(*indices: int, room: int = 1) -> Array:
    """Right classes as a truth of fixed size, int64 [room]."""
    return np.array([*indices, *[NOT_A_CLASS] * room][:room])
