"""Which layers of a net run in a phase, at a level, with some stages.

Source: BVLC Caffe 1.0, Net::FilterNet and NetStateRule.
"""

from dataclasses import dataclass
from typing import Any

from calibench.caffe.schema import enum_values
from calibench.errors import ModelError


@dataclass(frozen=True)
class State:
    """What a net is run for: phase "TRAIN" or "TEST", level, stages."""

    phase: str = "TEST"
    level: int = 0
    stages: frozenset[str] = frozenset()


def is_included(layer: Any, state: State) -> bool:
    """Whether the `include` and `exclude` rules of a LayerParameter admit it.

    Raises:
        ModelError: it has rules of both kinds; the text names no file.
    """
    if layer.include and layer.exclude:
        raise ModelError("has 'include' and 'exclude'; Caffe takes rules of one kind only.")
    if layer.include:
        return any(_is_met(rule, state) for rule in layer.include)
    return not any(_is_met(rule, state) for rule in layer.exclude)


def _is_met(rule: Any, state: State) -> bool:
    return (
        (not rule.HasField("phase") or rule.phase == enum_values("Phase")[state.phase])
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and state.stages.issuperset(rule.stage)
        and state.stages.isdisjoint(rule.not_stage)
    )
