"""How near FP32 is to another answer: a sample that it decides by a hair is the first that INT8 may change."""

import numpy as np

from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.metrics.top_k import class_scores


def margin(judge: Judge, outputs: NamedOutputs) -> float | None:
    """The gap between the best and the second best answer of FP32, in the unit of its outputs, >= 0.

    One score per class: between the two highest, of the output that the metric reads. Lines of text: the smallest such
    gap over all steps. None where an answer is no choice among classes.

    Args:
        outputs: of one sample, batch axis of 1.
    """
    read = judge.metric.output
    scores = class_scores(outputs if read is None else {read: outputs[read]})
    if scores is not None:
        return _gap(scores.reshape(1, -1))
    if judge.task.kind == "text-recognition":
        steps = [array for array in outputs.values() if array.ndim >= 3 and array.shape[-1] > 1]
        return _gap(steps[0].reshape(-1, steps[0].shape[-1])) if len(steps) == 1 else None
    return None


def _gap(rows: Array) -> float:
    """The smallest gap between the two highest values of a row; 0 where one is no number."""
    first_two = np.partition(rows.astype(np.float64), -2, axis=1)[:, -2:]
    gap = float((first_two[:, 1] - first_two[:, 0]).min())
    return gap if np.isfinite(gap) else 0.0
