"""Who said what accuracy settings are."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.store.refused import NotThere
from calibench.things.kept import Job, KeptModel
from calibench.web.settings_origin import settings_words

SETTINGS = {"metric": "top1"}


def words(job: Job | None = None, **values: Any) -> str:
    def get(id: int) -> Job:
        if job is None:
            raise NotThere("gone")
        return job

    kept = {"accuracy_settings": SETTINGS, "are_settings_confirmed": True, "job_id": 7, **values}
    model = KeptModel(id=1, created=datetime.now(UTC), name="m", **kept)
    return settings_words(SimpleNamespace(jobs=SimpleNamespace(get=get)), model)


def test_settings_of_the_sample_are_called_so_until_somebody_saves_others() -> None:
    sample = Job(created=datetime.now(UTC), kind="sample", title="x", result={"accuracy_settings": SETTINGS})
    assert words(sample) == "set by the sample"
    assert words(sample, accuracy_settings={"metric": "top5"}) == "confirmed"
    assert words(None) == "confirmed"


def test_what_is_guessed_or_missing_says_so() -> None:
    assert words(are_settings_confirmed=False).startswith("guessed")
    assert words(accuracy_settings={}) == "missing"
