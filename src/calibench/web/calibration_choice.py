"""Which datasets can set the ranges of a calibration, and which of them suggests itself."""

from collections.abc import Sequence
from typing import Any

from calibench.things.kept import Hindrance, KeptDataset
from calibench.web.opened_project import OpenedProject


def suggestion(opened: OpenedProject) -> dict[str, Any]:
    """The dataset that suggests itself, remembered as such: the page says why it stands there."""
    found = suggested_dataset(fitting(opened)[0], opened.dataset)
    return {"calibration": found.id, "suggested": found.id} if found is not None else {}


def fitting(opened: OpenedProject) -> tuple[list[KeptDataset], list[Hindrance]]:
    """The datasets that can set the ranges, or will when they are imported; and why the others cannot."""
    good: list[KeptDataset] = []
    bad: list[Hindrance] = []
    for dataset in opened.workbench.datasets.all():
        if dataset.state == "importing":
            good.append(dataset)
        elif dataset.state == "ready":
            why = opened.workbench.datasets.fits(opened.project.model_id, dataset.id)
            (bad.append(why) if why else good.append(dataset))
    return good, bad


def suggested_dataset(datasets: Sequence[KeptDataset], own: KeptDataset) -> KeptDataset | None:
    """The dataset that sets the ranges where nobody has chosen: another one than that which decides accuracy.

    Only one that is surely of the same kind: it has the same classes, or none, or its name says what it is for. Those
    whose name says it go first, then those with most samples. None: there is no such dataset.
    """
    others = [each for each in datasets if each.id != own.id and each.state == "ready" and each.tree != own.tree]
    alike = [each for each in others if _says_calibration(each) or not each.annotated or each.classes == own.classes]
    return max(alike, key=lambda each: (_says_calibration(each), each.samples, each.id), default=None)


def _says_calibration(dataset: KeptDataset) -> bool:
    return "calib" in dataset.name.lower()


def dataset_options(datasets: Sequence[KeptDataset], own: KeptDataset) -> dict[int | None, str]:
    """What can set the ranges: the project's own dataset, and every other that fits."""
    options: dict[int | None, str] = {None: f"{own.name}: one half sets the ranges, the other decides accuracy"}
    for dataset in datasets:
        if dataset.id != own.id:
            importing = ", being imported" if dataset.state == "importing" else ""
            count = f", {dataset.samples:,} samples" if dataset.samples else ""
            options[dataset.id] = f"{dataset.name}{count}{importing}"
    return options
