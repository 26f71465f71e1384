"""Where the files of a kept model or dataset lie, for a job that reads them."""

from pathlib import Path

from calibench.store.trees import Trees
from calibench.things.kept import Hindrance, KeptDataset, KeptModel
from calibench.workbench.refusals import NotPossible


def model_path(trees: Trees, model: KeptModel) -> Path:
    """The file of a model.

    Raises:
        NotPossible: its files are not there yet.
    """
    return _path(trees, model, model.entry or "")


def dataset_path(trees: Trees, dataset: KeptDataset) -> Path:
    """The folder or file of a dataset.

    Raises:
        NotPossible: its files are not there yet.
    """
    return _path(trees, dataset, dataset.entry)


def _path(trees: Trees, thing: KeptModel | KeptDataset, entry: str) -> Path:
    if thing.tree is None or thing.state != "ready":
        sentence = f"{thing.name} is not there yet: its files are still being made, or that failed."
        raise NotPossible(Hindrance(code="not-ready", sentence=sentence))
    return trees.path(thing.tree) / entry if entry else trees.path(thing.tree)
