"""How far the outputs of two models are apart: signal-to-quantization-noise ratio, streamed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
FloatArray = NDArray[np.float64]


@dataclass
class Distortion:
    """Energy of the signal and of the noise over all samples of one output; grows sample by sample.

    Sums are float64 and numpy's own pairwise ones, not BLAS: the same bytes whatever the number of threads.
    """

    signal: float = 0.0
    noise: float = 0.0

    def add(self, reference: Array, candidate: Array) -> None:
        """Add one sample; one that cannot be compared (see `comparable`) is infinite noise."""
        pair = comparable(reference, candidate)
        if pair is None:
            self.noise = math.inf
            return
        wanted, given = pair
        self.signal += float(np.square(wanted).sum())
        self.noise += float(np.square(wanted - given).sum())

    @property
    def sqnr_db(self) -> float:
        """10 log10(signal / noise) in dB; inf when nothing differs, -inf for infinite noise or a signal of 0."""
        return sqnr_db(self.signal, self.noise)


def comparable(reference: Array, candidate: Array) -> tuple[FloatArray, FloatArray] | None:
    """Both as float64 [n] where the reference is finite (logits may be masked by -inf).

    Two lists of findings may differ in length: what one of them lacks counts as 0.

    None when the candidate has another number of axes or is not finite at one of these places.
    """
    if reference.shape != candidate.shape:
        if reference.ndim != candidate.ndim:
            return None
        shape = tuple(np.maximum(reference.shape, candidate.shape))
        reference, candidate = _filled(reference, shape), _filled(candidate, shape)
    wanted, given = np.asarray(reference, np.float64).reshape(-1), np.asarray(candidate, np.float64).reshape(-1)
    finite = np.isfinite(wanted)
    if not finite.all():
        wanted, given = wanted[finite], given[finite]
    return (wanted, given) if np.isfinite(given).all() else None


def _filled(array: Array, shape: tuple[int, ...]) -> Array:
    """The array with zeros behind it, up to a shape."""
    return np.pad(array, [(0, side - own) for side, own in zip(shape, array.shape, strict=True)])


def sqnr_db(signal: float, noise: float) -> float:
    """10 log10(signal / noise) in dB, both energies >= 0; inf without noise, else -inf without signal.

    Source: Lin et al. 2016 (arXiv:1511.06393), equation 2.
    """
    if noise == 0.0:
        return math.inf
    if signal == 0.0 or math.isinf(noise):
        return -math.inf
    return 10.0 * (math.log10(signal) - math.log10(noise))
