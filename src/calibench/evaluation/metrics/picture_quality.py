"""How near a picture is to the one that should have come out: PSNR and SSIM."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibench.datasets.frame import Frame
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Metric, Observation, mean_of
from calibench.evaluation.resampling import BICUBIC, seen_part

Picture = NDArray[np.float64]
"""float64 [H, W, C], 0..255."""
Channels = Literal["rgb", "y"]

PEAK = 255.0
CAP_DB = 100.0  # equal pictures have no noise; a mean needs a number
WINDOW, SIGMA = 11, 1.5  # pixels, of the Gaussian that SSIM looks through
STRIP = 64  # rows at a time
K1, K2 = 0.01, 0.03  # keep SSIM from dividing by nothing
LUMA = np.array([65.481, 128.553, 24.966]) / PEAK  # ITU-R BT.601, 16..235


def psnr(crop_border: int = 0, channels: Channels = "rgb") -> Metric:
    """Peak signal to noise ratio, dB; the mean over the pictures, each at most CAP_DB (which equal pictures have).

    Args:
        crop_border: pixels on each side that are left out.
        channels: "y": taken on the luma alone (ITU-R BT.601, 16..235), as super-resolution is compared.
    """
    return _metric("psnr", "dB", crop_border, channels, psnr_of)


def ssim(crop_border: int = 0, channels: Channels = "rgb") -> Metric:
    """Structural similarity, at most 1; the mean over the channels and the pictures. Arguments as for `psnr`."""
    return _metric("ssim", "", crop_border, channels, ssim_of)


def _metric(
    name: str, unit: str, crop_border: int, channels: Channels, compare: Callable[[Picture, Picture], float]
) -> Metric:
    def value(seen: Observation) -> float:
        own, truth = seen.prediction, seen.truth.picture
        if truth is None or not isinstance(own, np.ndarray):
            raise DatasetError(f"Metric {name} needs the picture that should come out. Give a dataset with such pairs.")
        wanted = fit_truth(truth, (own.shape[0], own.shape[1]), seen.frame)
        return compare(*(_prepared(each, crop_border, channels) for each in (own, wanted)))

    return mean_of(name, unit, True, "picture", value)


def fit_truth(truth: NDArray[np.uint8], size: tuple[int, int], frame: Frame | None) -> NDArray[np.uint8]:
    """The truth in the size of the output: what a crop left out is cut off, and another size resized (bicubic).

    Args:
        truth: uint8 [H, W, 3], RGB; of the whole original, in any resolution.
        size: height, width of the output.
    """
    height, width = truth.shape[:2]
    box = (0.0, 0.0, float(width), float(height))
    if frame is not None:
        left, top, right, bottom = seen_part(frame)
        across, down = width / frame.original[1], height / frame.original[0]
        box = (left * across, top * down, min(right * across, width), min(bottom * down, height))
    if size == (height, width) and box == (0, 0, width, height):
        return truth
    return np.asarray(Image.fromarray(truth).resize((size[1], size[0]), BICUBIC, box=box))


def psnr_of(own: Picture, truth: Picture) -> float:
    """10 log10 of the squared peak over the mean squared error, dB; at most CAP_DB."""
    error = float(np.mean(np.square(own - truth)))
    return CAP_DB if error == 0 else min(10 * math.log10(PEAK * PEAK / error), CAP_DB)


def ssim_of(own: Picture, truth: Picture) -> float:
    """Mean structural similarity through a Gaussian of 11 pixels (sigma 1.5), where it lies inside the picture.

    A picture with a side below 11 pixels is seen through the largest odd window that fits.

    Source: Wang and others 2004, Image quality assessment: from error visibility to structural similarity, section III.
    """
    return float(np.mean([_ssim_of_channel(own[..., each], truth[..., each]) for each in range(own.shape[-1])]))


def _ssim_of_channel(own: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """The mean over one plane [H, W], in strips of rows that fit into the cache, which is four times as fast."""
    weights = _gaussian(min(*own.shape, WINDOW))
    reach = len(weights) - 1
    rows = len(own) - reach
    total = 0.0
    for start in range(0, rows, STRIP):
        strip = slice(start, min(start + STRIP, rows) + reach)
        total += float(_ssim_map(own[strip], truth[strip], weights).sum())
    return total / float(rows * (own.shape[1] - reach))


def _ssim_map(
    own: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    mean_a, mean_b = _blur(own, weights), _blur(truth, weights)
    product = mean_a * mean_b
    squares = mean_a * mean_a + mean_b * mean_b
    covariance = _blur(own * truth, weights) - product
    variances = _blur(own * own + truth * truth, weights) - squares
    return np.asarray((2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2)))


def _gaussian(side: int) -> NDArray[np.float64]:
    """Weights of a window with the largest odd number of pixels up to `side`; their sum is 1."""
    reach = (side - 1) // 2
    weights = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * SIGMA * SIGMA))
    return np.asarray(weights / weights.sum(), np.float64)


def _blur(plane: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted means, rows then columns, where the window lies inside: [H, W] -> [H - window + 1, W - window + 1]."""
    count = len(weights)
    rows, columns = plane.shape[0] - count + 1, plane.shape[1] - count + 1
    down = weights[0] * plane[:rows]
    for start in range(1, count):
        down += weights[start] * plane[start : start + rows]
    across = weights[0] * down[:, :columns]
    for start in range(1, count):
        across += weights[start] * down[:, start : start + columns]
    return np.asarray(across)


def _prepared(picture: NDArray[np.generic], crop_border: int, channels: Channels) -> Picture:
    height, width = picture.shape[:2]
    if 2 * crop_border >= min(height, width):
        raise DatasetError(
            f"Nothing is left of a picture of {height} x {width} pixels without a border of {crop_border}. "
            "Take a smaller task.crop_border."
        )
    inner = np.asarray(picture[crop_border : height - crop_border, crop_border : width - crop_border], np.float64)
    return inner @ LUMA[:, None] + 16.0 if channels == "y" else inner
