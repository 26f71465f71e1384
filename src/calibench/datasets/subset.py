"""Choose samples: a random subset for calibration, and halves by content when there is one set only."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from calibench.datasets.dataset import Dataset, Subset
from calibench.errors import DatasetError, SettingsError
from calibench.settings import Settings

ADVISED_COUNT = 300  # images: the lower end of 300-1000, the advice of DL Workbench
ADVISED_SHARE = Fraction(3, 100)  # the lower end of its 3-5 %
LEAST_COUNT = 32  # ranges were seen to settle after 8-32 samples


def choose(dataset: Dataset, subset: str, seed: int) -> Subset:
    """Draw samples at random, without repetition, in the order of the draw.

    The order depends on the seed and the number of samples only, so a bigger subset begins with the smaller one.

    Args:
        subset: a share such as '25%' or a count such as '300'; more than there are means all.

    Raises:
        SettingsError: `subset` is neither.
        DatasetError: the dataset is empty.

    Source: the order sorts the raw stream of PCG64, which numpy keeps between versions (NEP 19; not so permutations).
    """
    total = len(dataset)
    if total == 0:
        raise DatasetError(f"{dataset.name}: no samples. Give a dataset with at least one.")
    return Subset(dataset, draw(total, seed)[: count_of(subset, total)])


def draw(total: int, seed: int) -> tuple[int, ...]:
    """The numbers below `total` in a random order that depends on the seed and on `total` only."""
    keys = np.random.PCG64(seed).random_raw(total)
    return tuple(int(index) for index in np.argsort(keys, kind="stable"))


def drawn_unseen(total: int, settings: Settings, has_own_validation: bool) -> tuple[int, ...] | None:
    """The order in which samples are taken, where the choice needs no look at them: then only the chosen ones are read.

    None: all samples are read first, because all of them are wanted, contents decide (a split, features), or classes.

    Args:
        total: samples of the calibration dataset, readable or not.
    """
    if not has_own_validation or settings.subset_by != "random" or count_of(settings.subset, total) >= total:
        return None
    return draw(total, settings.seed)


def choose_by_class(dataset: Dataset, labels: Sequence[int], subset: str, seed: int) -> Subset:
    """Draw the same share of every class, at random within a class, in the order of the draw.

    Every class is there at least once where the count allows; else the large ones are. A bigger subset need not begin
    with the smaller one.

    Args:
        labels: the class of every sample.
        subset: a share or a count, as in `choose`.

    Raises:
        SettingsError: `subset` is neither.
        DatasetError: the dataset is empty.
    """
    total = len(dataset)
    if total == 0:
        raise DatasetError(f"{dataset.name}: no samples. Give a dataset with at least one.")
    left = _quotas(Counter(int(label) for label in labels), count_of(subset, total))
    chosen: list[int] = []
    for index in draw(total, seed):
        label = int(labels[index])
        if left[label]:
            left[label] -= 1
            chosen.append(index)
    return Subset(dataset, tuple(chosen))


def _quotas(sizes: Mapping[int, int], count: int) -> dict[int, int]:
    """How many samples of each class: `count` in all, by the size of the class, none more than it has."""
    total = sum(sizes.values())
    least = 1 if count >= len(sizes) else 0
    quotas = {label: max(least, count * size // total) for label, size in sizes.items()}

    def excess(label: int) -> tuple[Fraction, int]:
        return quotas[label] - Fraction(count * sizes[label], total), label

    while sum(quotas.values()) > count:
        quotas[max((label for label in quotas if quotas[label] > least), key=excess)] -= 1
    while sum(quotas.values()) < count:
        open_ones = [label for label in quotas if quotas[label] < sizes[label]]
        quotas[min(open_ones, key=lambda label: (excess(label)[0], -sizes[label], label))] += 1
    return quotas


def count_of(subset: str, total: int) -> int:
    """How many of `total` samples a subset means: at least 1, at most all; a share is rounded up.

    Raises:
        SettingsError: neither a share nor a count.
    """
    try:
        number = Fraction(subset.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        number = Fraction(0)
    if number <= 0 or (not subset.endswith("%") and number.denominator != 1):
        raise SettingsError(f"--subset {subset}: neither a share such as 25% nor a count such as 300.")
    wanted = math.ceil(total * number / 100) if subset.endswith("%") else int(number)
    return min(total, wanted)


def shortfall(subset: str, total: int) -> str | None:
    """A sentence when a subset asks for more samples than there are, else None."""
    if subset.endswith("%") or int(subset) <= total:
        return None
    return f"--subset {subset} asks for more than there is; all {total} samples are used."


def advice(count: int, total: int) -> str | None:
    """A warning when `count` of `total` samples are few for calibration, else None.

    Few: fewer than 300 and less than 3 % of the dataset; or fewer than 32, whatever the share.

    Source: DL Workbench, INT8 calibration: at least 3-5 % of the dataset, 300-1000 images.
    """
    if count >= ADVISED_COUNT or (count >= LEAST_COUNT and Fraction(count, total) >= ADVISED_SHARE):
        return None
    few = f"{count} of {total} samples are few for calibration"
    return f"{few}: at least 3-5 % of the dataset or 300-1000 samples are advised."


def split(dataset: Dataset, share: Fraction = Fraction(1, 2)) -> tuple[Subset, Subset]:
    """One dataset as a calibration and a validation set that share no content, each in the order of the dataset.

    Samples are sorted by the hash of their content and cut at `share`, so renaming moves nothing, the same content lies
    on one side, and a new sample moves at most those next to the cut.

    Raises:
        DatasetError: fewer than two different samples.
    """
    identities = [dataset.identity(index) for index in range(len(dataset))]
    different = sorted(set(identities))
    if len(different) < 2:
        same = "one sample" if len(dataset) == 1 else f"{len(dataset)} samples of the same content"
        raise DatasetError(
            f"{dataset.name}: {same} cannot be split into calibration and validation. "
            "Give more samples, or a validation set of its own: --validation DIR."
        )
    cut = min(max(math.ceil(len(different) * share), 1), len(different) - 1)
    first = set(different[:cut])
    sides: tuple[list[int], list[int]] = ([], [])
    for index, identity in enumerate(identities):
        sides[identity not in first].append(index)
    return Subset(dataset, tuple(sides[0])), Subset(dataset, tuple(sides[1]))


def overlap(a: Dataset, b: Dataset) -> int:
    """How many different contents are in both datasets."""
    return len({a.identity(i) for i in range(len(a))} & {b.identity(i) for i in range(len(b))})


def whole_of(dataset: Dataset) -> Dataset:
    """The dataset that a subset is of."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return dataset
