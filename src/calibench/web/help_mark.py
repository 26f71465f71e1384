"""A question mark that explains a word of the trade, for the pointer, the keyboard and screen readers."""

from nicegui import ui

WORDS = {
    "default precision": "The precision in which the device runs an FP32 model when nothing else is asked of it: BF16 "
    "on processors with AMX, FP16 on GPUs, FP32 elsewhere.",
    "agreement": "The share of samples on which INT8 answers as FP32 does. It needs no annotations.",
    "SQNR": "Signal to quantization noise ratio, in dB: how much louder the values are than the error of INT8. "
    "Every 6 dB halve the error; below about 10 dB little of the values is left.",
    "Family": "An FP32 model and the INT8 models that were made from it.",
    "Scheme": "How ranges are set. Performance: symmetric, the fastest. Mixed: asymmetric activations, may be more "
    "accurate.",
}


def help_mark(word: str) -> None:
    """The mark; `word` is one of `WORDS`."""
    with ui.icon("help_outline").classes("help-mark").props('tabindex="0" role="img"') as mark:
        ui.tooltip(WORDS[word])
    mark.props["aria-label"] = f"{word}: {WORDS[word]}"
