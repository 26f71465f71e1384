"""How alike the outputs of two models are."""

import math

from calibench.evaluation.distortion import comparable
from calibench.evaluation.metrics.metric import Metric, NamedOutputs, mean_of


def cosine() -> Metric:
    """Mean cosine of the angle between the outputs of both models, 1 when they are equal."""
    return mean_of("cosine", "", True, "reference", lambda seen: cosine_of(seen.outputs, seen.reference))


def cosine_of(outputs: NamedOutputs, reference: NamedOutputs) -> float:
    """Cosine between all outputs of one sample taken as one vector, over the values that are finite in `reference`.

    0 when the outputs cannot be compared (see `comparable`); two all-zero vectors are equal: 1.
    """
    dot = own = other = 0.0
    for name, wanted in reference.items():
        pair = comparable(wanted, outputs[name])
        if pair is None:
            return 0.0
        a, b = pair
        dot, own, other = dot + float((a * b).sum()), own + float((a * a).sum()), other + float((b * b).sum())
    if own == other == 0.0:
        return 1.0
    length = math.sqrt(own) * math.sqrt(other)
    return min(max(dot / length, -1.0), 1.0) if length > 0.0 else 0.0
