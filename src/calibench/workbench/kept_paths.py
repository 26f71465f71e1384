"""Where the files of a kept model or dataset lie, for a job that reads them."""

from pathlib import Path

from calibench.caffe.weights_search import find_weights
from calibench.errors import ModelError
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


def weights_setting(trees: Trees, model: KeptModel) -> dict[str, str]:
    """The setting `weights` of a Caffe model, where no run would find its file by itself: else a report would name a
    path of this server that the same run elsewhere does not have.
    """
    if not model.weights or not model.tree:
        return {}
    tree = trees.path(model.tree)
    weights = tree / model.weights
    try:
        is_found = find_weights(tree / (model.entry or "")) == weights
    except ModelError:  # several could be meant
        is_found = False
    return {} if is_found else {"weights": str(weights)}


def _path(trees: Trees, thing: KeptModel | KeptDataset, entry: str) -> Path:
    if thing.tree is None or thing.state != "ready":
        sentence = f"{thing.name} is not there yet: its files are still being made, or that failed."
        raise NotPossible(Hindrance(code="not-ready", sentence=sentence))
    return trees.path(thing.tree) / entry if entry else trees.path(thing.tree)
