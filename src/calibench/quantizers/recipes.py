"""The recipes that are compared when the person leaves the choice to us, the safe one first."""

import numpy as np

from calibench.quantizers.fit import Quantization, Recipe
from calibench.quantizers.integers import make_grid
from calibench.quantizers.prepare import Prepared
from calibench.quantizers.ranges import extremes, weak_channels
from calibench.settings import Settings, Switch

EVEN = 32.0
"""dB; where the weaker channels stand this high above the noise of a common step, ranges per channel win nothing."""
ALIKE = 0.03
"""Share by which the steps of two recipes may differ and still count as the same."""


def recipes(settings: Settings, *, has_depthwise: bool = True) -> tuple[Recipe, ...]:
    """At most `settings.recipes`; what the settings fix is the same in all of them.

    The three differ in what no rule of thumb decides: whether extremes or the bulk of the values matter more, and
    whether depthwise inputs gain from ranges per channel. Measured on the networks of `benchmarks/`, each is the best
    one somewhere.
    """
    ways: tuple[tuple[str, Switch], ...] = (("mse", "auto"), ("typical", "auto"), ("extremes", "on"))
    found: dict[Recipe, None] = {}
    for rule, per_channel in ways if has_depthwise else ways[:2]:
        rule = rule if settings.range_rule == "auto" else settings.range_rule
        channels = per_channel if settings.per_channel_activations == "auto" else settings.per_channel_activations
        name = rule if channels != "on" else f"{rule}, per channel"
        found[Recipe(name, rule, settings.preset == "mixed", channels, settings.bias_correction != "off")] = None
    return tuple(found)[: settings.recipes]


def is_promising(recipe: Recipe, prepared: Prepared) -> bool:
    """Is there a chance that the recipe wins? Ranges per channel need a network with uneven depthwise channels."""
    if recipe.per_channel != "on":
        return True
    depthwise = {layer.name for layer in prepared.placement.layers if layer.is_depthwise}
    found = []
    for point in prepared.placement.points:
        if any(consumer.operation in depthwise for consumer in point.consumers):
            seen = prepared.measured[point.tensor]
            whole = extremes(seen, recipe.asymmetric)
            found.append(weak_channels(seen, make_grid(whole.low, whole.high, asymmetric=recipe.asymmetric)))
    return bool(found) and float(np.median(found)) < EVEN


def is_same(one: Quantization, other: Quantization) -> bool:
    """Are all grids so alike that running both would tell nothing?"""
    return all(
        a.channel_axis == b.channel_axis and np.allclose(a.grid.scale, b.grid.scale, rtol=ALIKE)
        for a, b in zip(one.quantizers, other.quantizers, strict=True)
    )
