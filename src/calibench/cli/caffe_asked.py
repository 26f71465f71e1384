"""What the options of the Caffe calibrator ask for, each checked."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calibench.cli.options import overlaid
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.caffe_tool.job import CaffeJob

STATISTICS = {"DIRECT": "direct", "KL": "kl", "MAXP": "maxp", "MA": "ma"}
CHANNELS = {"single": False, "multiple": True}


def caffe_job(params: Mapping[str, Any]) -> "CaffeJob":
    """What the options ask for, each checked.

    Raises:
        SettingsError: one is missing or makes no sense.
    """
    from calibench.caffe_tool.job import CaffeJob
    from calibench.settings import CaffeSettings

    for name, option, what in (
        ("model", "-m/--model", "the prototxt of the network"),
        ("weights", "-w/--weights", "the FP32 caffemodel"),
        ("iterations", "-i/--iterations", "how many test iterations decide the accuracy, samples / batch size"),
    ):
        is_needed = name != "iterations" or not (params["quantize_model"] or params["dataset"])
        if params[name] is None and is_needed:
            raise SettingsError(f"{option} is missing: {what}.")
    own = ("ignore_name", "resize", "color", "mean", "scale", "inference_precision", "threads")
    settings = overlaid({name: params[name] for name in own})
    caffe = CaffeSettings(
        statistic=_choice("-a", params["calibration_algos"].upper(), STATISTICS),
        first_convolution=params["enable_1st_conv"],
        inner_product=params["enable_fc"],
    )
    channels = _choice("-c", params["weights_channel"], CHANNELS)
    threads = settings.threads or _omp_threads()
    return CaffeJob(
        model=params["model"],
        weights=params["weights"],
        iterations=_count("-i", params["iterations"] or "1"),
        blob=params["blob_name"],
        accuracy_loss=_share("-l", params["accuracy_loss"]),
        is_detection=_choice("-d", params["detection"], {"0": False, "1": True}),
        force_u8=params["first_conv_force_u8"],
        sampling=_count("-s", params["sampling_iterations"]),
        quantize_only=params["quantize_model"],
        has_vnni=params["clx"],
        dataset=params["dataset"],
        out=params["out"],
        repair=params["repair"],
        settings=settings.model_copy(update={"caffe": caffe, "per_channel_weights": channels, "threads": threads}),
    )


def _choice(option: str, value: str, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise SettingsError(f"{option} {value}: is not known. Known: {', '.join(known)}.")
    return known[value]


def _count(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise SettingsError(f"{option} {text}: expected a whole number of iterations, from 1 to 999999999.")
    return int(text)


def _share(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise SettingsError(
            f"{option} {text}: expected a share of 0 or more and less than 1, such as 0.01 for one percentage point."
        )
    return value


def _omp_threads() -> int | None:
    """Inference threads of OMP_NUM_THREADS, whose first number counts (4,2 is for nested regions).

    Raises:
        SettingsError: it is no number of threads.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").strip()
    if not text:
        return None
    first = re.match(r"\s*(\d+)\s*(,|$)", text, re.ASCII)
    if first is None or int(first[1]) < 1:
        raise SettingsError(f"OMP_NUM_THREADS={text}: is no number of threads. Set another, or unset it.")
    return int(first[1])
