"""Which dataset suggests itself for the ranges of a calibration."""

from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.things.kept import KeptDataset
from calibench.web.calibration_choice import suggested_dataset


def kept(id: int, name: str, samples: int, **more: Any) -> KeptDataset:
    values = {"state": "ready", "tree": f"{id}", "annotated": ("label",), "classes": ("cat", "dog"), **more}
    return KeptDataset(id=id, created=datetime.now(UTC), name=name, samples=samples, **values)


OWN = kept(1, "pets validation", 500)


def test_what_says_that_it_is_for_calibration_goes_first() -> None:
    assert suggested_dataset([OWN, kept(2, "pets", 9000), kept(3, "Calibration of pets", 300)], OWN).id == 3


def test_else_the_largest_of_the_same_classes_or_without_annotations() -> None:
    alike = [kept(2, "pets", 900), kept(3, "more pets", 1000), kept(4, "unannotated", 950, annotated=(), classes=())]
    assert suggested_dataset([OWN, *alike], OWN).id == 3
    assert suggested_dataset([OWN, alike[0], alike[2]], OWN).id == 4


def test_nothing_suggests_itself_that_is_of_another_kind_on_its_way_or_the_same_once_more() -> None:
    others = [
        kept(2, "cars", 900, classes=("car", "van")),
        kept(3, "calibration", 900, state="importing"),
        kept(4, "pets again", 500, tree=OWN.tree),
    ]
    assert suggested_dataset([OWN, *others], OWN) is None
