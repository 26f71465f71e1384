"""A few samples of a dataset, without looking at all the others: to try settings on."""

from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.detect import holds_images, read_dataset
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.datasets.own_dataset import check_dataset
from calibench.datasets.subset import choose
from calibench.datasets.texts import Texts
from calibench.datasets.vocabulary import check_vocabulary
from calibench.errors import DatasetError
from calibench.settings import Settings


@dataclass(frozen=True)
class Few:
    """Samples chosen at random.

    Attributes:
        total: samples of the dataset.
        notes: what could not be read.
    """

    plan: InputPlan
    samples: Subset
    total: int
    notes: tuple[str, ...]


def open_few(graph: ov.Model, dataset: Path | Dataset, settings: Settings, count: int, home: Path) -> Few:
    """Choose `count` samples that can be read, or all where there are fewer; the same ones for the same seed.

    Args:
        home: the folder of the model, where a tokenizer may lie.

    Raises:
        DatasetError, SettingsError, ModelError: nothing can be read, or it does not fit the model.
    """
    check_dataset(dataset)
    plan = plan_inputs(graph, settings, images=holds_images(dataset, settings.data))
    source = read_dataset(dataset, plan, settings.data, (home,)) if isinstance(dataset, Path) else dataset
    if isinstance(source, Texts):
        check_vocabulary(source, graph)
    order = choose(source, str(len(source)), settings.seed).indices
    taken: list[int] = []
    unreadable: list[str] = []
    for index in order:
        if len(taken) == count:
            break
        try:
            source[index]
            source.describe(index)
            taken.append(index)
        except DatasetError as error:
            unreadable.append(str(error))
    if not taken:
        raise DatasetError(unreadable[0] if unreadable else "There is no sample in this dataset. Give another.")
    more = f" and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
    notes = (f"Could not be read and was left out: {unreadable[0]}{more}",) if unreadable else ()
    return Few(plan, Subset(source, tuple(taken)), len(source), notes)
