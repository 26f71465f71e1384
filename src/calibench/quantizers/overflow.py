"""Whether weights are kept so small that sums of 16 bits cannot overflow, as they do on a CPU without VNNI."""

import openvino as ov

from calibench.machine import has_vnni
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.placement import drop_layers
from calibench.quantizers.sites import Placement
from calibench.settings import Settings

OVERFLOWS = "its weights are the left operand, where sums of 16 bits overflow on a CPU without VNNI"


def weight_options(settings: Settings) -> WeightOptions:
    """How weights are rounded."""
    return WeightOptions(settings.per_channel_weights, is_guarded(settings))


def is_guarded(settings: Settings) -> bool:
    """Do the settings, or this machine where they leave it open, ask for the guard?"""
    if settings.overflow_guard == "auto":
        return settings.device.upper().startswith("CPU") and not has_vnni()
    return settings.overflow_guard == "on"


def without_overflow(placement: Placement, graph: ov.Model, settings: Settings) -> Placement:
    """Without the layers that overflow whatever their weights."""
    if not is_guarded(settings):
        return placement
    left = {layer.name: OVERFLOWS for layer in placement.layers if layer.weight_port == 0}
    return drop_layers(placement, graph, left) if left else placement
