"""Does the model give the same answers one at a time and in batches? A kernel may be right at batch 1 only."""

from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Dataset, Sample
from calibench.evaluation.distortion import Distortion
from calibench.inference.runner import Outputs, compile_for_samples, infer_batches

LEAST_BATCH = 2
SAME_DB = 60.0
"""Outputs that are closer than this count as the same: sums in another order stay above 100 dB."""


def audit_batches(model: ov.Model, samples: Dataset, batch: int, device: str, threads: int) -> float | None:
    """Percent of 2 x B samples whose outputs are the same at batch 1 and at batch B.

    Args:
        model: takes the samples as they are.
        batch: the batch of deployment; 2 at least is tried.

    Returns:
        None where the model's batch is fixed, or there are too few samples, or their shapes differ.
    """
    batch = max(batch, LEAST_BATCH)
    if len(samples) < 2 * batch or not all(_has_free_batch(port) for port in (*model.inputs, *model.outputs)):
        return None
    taken = [samples[i] for i in range(2 * batch)]
    if not _alike(taken):
        return None
    compiled = compile_for_samples(model, device, threads)
    alone = infer_batches(compiled, taken, 1)
    together = infer_batches(compiled, taken, batch)
    same = [_is_same(one, other) for one, other in zip(alone, together, strict=True)]
    return 100.0 * float(np.mean(same))


def _has_free_batch(port: Any) -> bool:
    shape = port.get_partial_shape()
    return bool(shape.rank.is_static and len(shape) > 0 and shape[0].is_dynamic)


def _alike(samples: list[Sample]) -> bool:
    shapes = [{name: array.shape for name, array in sample.items()} for sample in samples]
    return all(shape == shapes[0] for shape in shapes)


def _is_same(one: Outputs, other: Outputs) -> bool:
    for wanted, given in zip(one, other, strict=True):
        distortion = Distortion()
        distortion.add(wanted, given)
        if distortion.sqnr_db < SAME_DB:
            return False
    return True
