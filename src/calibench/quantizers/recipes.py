"""The recipes that are compared when the person leaves the choice to us, the safe one first."""

from calibench.quantizers.fit import Recipe
from calibench.settings import Settings, Switch


def recipes(settings: Settings) -> tuple[Recipe, ...]:
    """At most `settings.recipes`; what the settings fix is the same in all of them.

    The three differ in what no rule of thumb decides: whether extremes or the bulk of the values matter more, and
    whether depthwise inputs gain from ranges per channel. Measured on the networks of `benchmarks/`, each is the best
    one somewhere.
    """
    asymmetric = settings.preset == "mixed"
    ways: tuple[tuple[str, Switch], ...] = (("halfway", "auto"), ("mse", "auto"), ("extremes", "on"))
    found: dict[Recipe, None] = {}
    for rule, per_channel in ways:
        rule = rule if settings.range_rule == "auto" else settings.range_rule
        channels = per_channel if settings.per_channel_activations == "auto" else settings.per_channel_activations
        name = rule if channels != "on" else f"{rule}, per channel"
        recipe = Recipe(
            name, rule, asymmetric, channels, settings.smoothing != "off", settings.bias_correction != "off"
        )
        found[recipe] = None
    return tuple(found)[: settings.recipes]
