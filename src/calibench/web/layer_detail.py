"""One layer: why it is as it is, the ranges of its inputs over what was observed, its weights by channel."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from calibench.web import looks
from calibench.web.help_mark import help_mark
from calibench.web.layer_charts import clipped_share, histogram_chart, weights_chart
from calibench.web.words import text

SQNR = "dB signal over noise"


def show_layer(layer: Mapping[str, Any]) -> None:
    """All that is known of a layer."""
    text(layer["name"], "h2").classes("name mono")
    with ui.element("dl").classes("facts"):
        for title, words in facts(layer):
            text(title, "dt")
            with text(words, "dd"):
                if words.partition(",")[0].endswith(SQNR):
                    help_mark("SQNR")
    for quantizer in layer.get("quantizers") or ():
        _quantizer(quantizer)
    if weights := layer.get("weights"):
        _weights(weights)


def facts(layer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and words of what is known."""
    times = [
        f"{looks.ms(layer[key])} {title}"
        for key, title in (("fp32_ms", "FP32"), ("default_ms", "default precision"), ("int8_ms", "INT8"))
        if layer.get(key) is not None
    ]
    found = (
        ("Type", layer["type"]),
        ("Decided", {"int8": "INT8", "float": "stays float"}.get(str(layer.get("precision")))),
        ("Why", layer.get("reason")),
        ("Time", ", ".join(times)),
        ("Runs in", layer.get("runtime_precision") or ("" if layer.get("ran", True) else "nothing: it did not run")),
        ("Gives", layer.get("output_precisions")),
        ("Kernel", layer.get("exec_type")),
        ("Inputs in INT8", _decibels(layer.get("input_db"), "predicted")),
        ("Output in INT8", _decibels(layer.get("output_db"), "measured")),
        ("Stands for", ", ".join(name for name in layer.get("originals") or () if name != layer["name"])),
    )
    return [(title, str(words)) for title, words in found if words]


def _decibels(value: float | None, how: str) -> str:
    return "" if value is None else f"{value:.1f} {SQNR}, {how}"


def range_words(quantizer: Mapping[str, Any]) -> str:
    """The range of a quantizer in words."""
    low, high = min(quantizer["low"]), max(quantizer["high"])
    channels = len(quantizer["low"])
    many = f" over {looks.count(channels, 'channel')}, each with its own range" if channels > 1 else ""
    steps = list(quantizer.get("step") or [])
    step = f", one step {looks.short(steps[0])}" if len(steps) == 1 else ""
    return f"{looks.short(low)} to {looks.short(high)}{many}, {quantizer.get('levels', 256)} levels{step}"


def _quantizer(quantizer: Mapping[str, Any]) -> None:
    title = {0: "Activation", 1: "Weights"}.get(quantizer["input"], f"Input {quantizer['input']}")
    text(f"{title}: range {range_words(quantizer)}", "h3")
    values = quantizer.get("values")
    if not values:
        return
    low, high = min(quantizer["low"]), max(quantizer["high"])
    chart = ui.echart(histogram_chart(values, low, high), renderer="svg").classes("chart-small")
    chart.props(f'role="img" aria-label="Histogram of the values of input {quantizer["input"]} with its range"')
    share = clipped_share(values, low, high)
    if share > 0:
        text(f"{100 * share:.2g} % of the observed values lie outside and are clipped.", "p").classes("quiet")


def _weights(weights: Mapping[str, Any]) -> None:
    largest = weights.get("largest") or ()
    if not largest:
        return
    shown = f", {len(largest)} of them shown" if len(largest) < weights["channels"] else ""
    text(f"Weights: {looks.count(weights['channels'], 'output channel')}{shown}", "h3")
    chart = ui.echart(weights_chart(weights), renderer="svg").classes("chart-small")
    chart.props('role="img" aria-label="Largest weight of every output channel"')
