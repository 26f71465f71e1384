"""The recipes that are compared when the person leaves the choice to us, the safe one first."""

import numpy as np

from calibench.quantizers.fit import Quantization, Recipe
from calibench.settings import Settings, Switch

ALIKE = 0.03
"""Share by which the steps of two recipes may differ and still count as the same."""


def recipes(settings: Settings, *, has_depthwise: bool = True) -> tuple[Recipe, ...]:
    """At most `settings.recipes`; what the settings fix is the same in all of them.

    The three differ in what no rule of thumb decides: whether extremes or the bulk of the values matter more, and
    whether depthwise inputs gain from ranges per channel. Measured on the networks of `benchmarks/`, each is the best
    one somewhere.
    """
    ways: tuple[tuple[str, Switch], ...] = (("mse", "auto"), ("halfway", "auto"), ("extremes", "on"))
    found: dict[Recipe, None] = {}
    for rule, per_channel in ways if has_depthwise else ways[:2]:
        rule = rule if settings.range_rule == "auto" else settings.range_rule
        channels = per_channel if settings.per_channel_activations == "auto" else settings.per_channel_activations
        name = rule if channels != "on" else f"{rule}, per channel"
        found[Recipe(name, rule, settings.preset == "mixed", channels, settings.bias_correction != "off")] = None
    return tuple(found)[: settings.recipes]


def is_same(one: Quantization, other: Quantization) -> bool:
    """Are all grids so alike that running both would tell nothing?"""
    return all(
        a.channel_axis == b.channel_axis and np.allclose(a.grid.scale, b.grid.scale, rtol=ALIKE)
        for a, b in zip(one.quantizers, other.quantizers, strict=True)
    )
