"""What a network of the zoo is, and what is written down about each to obtain it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from calibench.demo.stamps import Part

Array = NDArray[Any]
Sample = dict[str, Array]  # input name -> float32 or int64 tensor, batch 1, ready for the network
Outputs = Sequence[dict[str, Array]]  # of the held-out samples in their order: output name -> tensor
Truth = Array  # what a sample's answer is compared with: a class index, a text, a mask; same shape for all samples
Score = Callable[[Outputs, Array], float]  # outputs of all held-out samples, their truths stacked -> percent or dB
Agreement = Callable[[Outputs, Outputs], float]  # two networks' outputs -> percent of samples with the same answer


@dataclass(frozen=True)
class Network:
    """A network with the samples to calibrate it and others to judge it by.

    Attributes:
        name: as in `NETWORKS`.
        model: the FP32 file as a user would have it, .onnx or .xml; its batch, height or width may be dynamic.
        calibration: samples that set the ranges.
        heldout: other samples; none of them was drawn from the same picture, text or line as one of `calibration`.
        is_transformer: whether attention dominates.
        metric: what `score` measures, with its unit; empty where there are no labels.
        score: outputs of all held-out samples -> the metric in percent or dB, higher is better; None without labels.
        agreement: outputs of two networks -> percent of equal answers; None where an answer is no single choice.
    """

    name: str
    model: Path
    calibration: Sequence[Sample]
    heldout: Sequence[Sample]
    is_transformer: bool
    metric: str
    score: Callable[[Outputs], float] | None
    agreement: Agreement | None


@dataclass(frozen=True)
class Recipe:
    """How a network is obtained.

    Attributes:
        name: how it is called.
        make_model: cache folder -> model file; fetches or converts it the first time.
        draw: cache folder, part -> the part's samples with their truths, one by one.
        counts: how many samples are kept for calibration and held out.
        metric, score: the metric and its function of outputs and stacked truths; empty and None without labels.
        agreement, is_transformer: as in `Network`.
    """

    name: str
    make_model: Callable[[Path], Path]
    draw: Callable[[Path, Part], Iterable[tuple[Sample, Truth]]]
    counts: tuple[int, int] = (300, 300)
    metric: str = ""
    score: Score | None = None
    agreement: Agreement | None = None
    is_transformer: bool = False
