"""PSNR and SSIM."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import correlate1d

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.picture_quality import psnr, ssim

PICTURES = arrays.arrays(np.uint8, (12, 13, 3))


def flat(value, height=12, width=14):
    return np.full((height, width, 3), value, np.uint8)


def noise(seed=0, height=20, width=24):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def value(metric, own, truth, frame=None):
    return metric.value(metric.observe(Observation({}, {}, Truth(picture=truth), frame, own)))


def test_psnr_by_hand():
    assert value(psnr(), flat(0), flat(255)) == 0
    assert value(psnr(), flat(100), flat(101)) == pytest.approx(20 * math.log10(255))
    half = flat(10)
    half[:6] = 20  # an error of 10 in every second pixel: mean square 50
    assert value(psnr(), half, flat(10)) == pytest.approx(10 * math.log10(255**2 / 50))


def test_psnr_of_equal_pictures_is_100_db():
    assert value(psnr(), noise(), noise()) == 100


def test_ssim_of_flat_pictures_is_the_term_of_their_means():
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 110 + c1) / (100**2 + 110**2 + c1)
    assert value(ssim(), flat(100), flat(110)) == pytest.approx(expected)


def test_ssim_of_a_picture_of_one_window_by_hand():
    # a window of 3 x 3 pixels: outer product of (e, 1, e) / (1 + 2e), e = exp(-1 / (2 * 1.5 ** 2))
    own, truth = np.arange(9.0).reshape(3, 3) * 20, np.arange(9.0)[::-1].reshape(3, 3) * 20
    line = np.array([math.exp(-1 / 4.5), 1, math.exp(-1 / 4.5)])
    weights = np.outer(line, line) / line.sum() ** 2
    mean = (weights * own).sum()
    variance, covariance = (weights * own**2).sum() - mean**2, (weights * own * truth).sum() - mean**2
    c1, c2 = 2.55**2, 7.65**2
    expected = (2 * mean**2 + c1) * (2 * covariance + c2) / ((2 * mean**2 + c1) * (2 * variance + c2))
    pictures = (np.repeat(each[..., None], 3, axis=2).astype(np.uint8) for each in (own, truth))
    assert expected < 0
    assert value(ssim(), *pictures) == pytest.approx(expected)


def test_the_windows_agree_with_those_of_scipy():
    own, truth = (noise(seed, 150, 24).astype(float) for seed in (1, 2))  # more rows than one strip has
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)

    def blur(picture):
        both = correlate1d(correlate1d(picture, weights / weights.sum(), axis=0), weights / weights.sum(), axis=1)
        return both[5:-5, 5:-5]

    a, b = blur(own), blur(truth)
    variances = blur(own**2) - a**2 + blur(truth**2) - b**2
    c1, c2 = 2.55**2, 7.65**2
    wanted = (2 * a * b + c1) * (2 * (blur(own * truth) - a * b) + c2) / ((a**2 + b**2 + c1) * (variances + c2))
    assert value(ssim(), own.astype(np.uint8), truth.astype(np.uint8)) == pytest.approx(wanted.mean())


def test_the_luma_of_bt_601_has_219_steps():
    assert value(psnr(channels="y"), flat(0), flat(255)) == pytest.approx(20 * math.log10(255 / 219))
    blue = flat(0)
    blue[..., 2] = 255
    assert value(psnr(channels="y"), blue, flat(0)) == pytest.approx(20 * math.log10(255 / 24.966))


def test_a_border_can_be_left_out():
    framed = flat(50)
    framed[:2] = framed[-2:] = framed[:, :2] = framed[:, -2:] = 0
    assert value(psnr(2), framed, flat(50)) == 100
    assert value(psnr(1), framed, flat(50)) < 30
    with pytest.raises(DatasetError, match="Nothing is left of a picture of 12 x 14 pixels without a border of 6"):
        value(psnr(6), framed, flat(50))


def test_a_truth_of_another_size_is_brought_to_the_output():
    assert value(psnr(), flat(50, 24, 28), flat(50, 12, 14)) == 100


def test_a_crop_is_compared_with_what_it_shows():
    # the middle 8 of 16 columns of the original enter the model; the truth is twice as fine
    frame = Frame((8, 16), (8, 8), 1, 1, -4, 0)
    truth = flat(0, 16, 32)
    truth[:, 8:24] = 200
    assert value(psnr(), flat(200, 16, 16), truth, frame) == 100


def test_the_score_is_the_mean_over_the_pictures():
    metric = psnr()
    values = [value(metric, flat(0), flat(255)), value(metric, noise(), noise())]
    assert metric.score(values).score == 50
    assert (metric.unit, metric.higher_is_better, ssim().unit, ssim().higher_is_better) == ("dB", True, "", True)


def test_a_missing_truth_is_said():
    with pytest.raises(DatasetError, match="Metric ssim needs the picture that should come out"):
        ssim().observe(Observation({}, {}, prediction=flat(0)))


@given(PICTURES, PICTURES, st.sampled_from(["rgb", "y"]))
def test_both_are_symmetric_and_best_for_the_truth_itself(own, truth, channels):
    for metric in (psnr(1, channels), ssim(1, channels)):
        there, back = value(metric, own, truth), value(metric, truth, own)
        assert there == pytest.approx(back)
        assert there <= value(metric, truth, truth) + 1e-9
    assert value(ssim(), own, own) == pytest.approx(1)
