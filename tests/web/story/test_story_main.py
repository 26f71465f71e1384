"""The main story over a real server: from the link to an INT8 model that is compared and taken along."""

from typing import Any

import pytest
from story_server import StoryServer

pytestmark = pytest.mark.browser


def choose(page: Any, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()


def test_an_own_model_and_dataset_become_a_project_with_its_baseline(server: StoryServer, measured: int) -> None:
    project = server.read(f"/api/v1/projects/{measured}")
    assert project["state"] == "done"
    assert project["headline"]["baseline"] > 60  # of six classes; settings were found by trying
    assert project["headline"]["fp32_fps"] > 0


def test_calibrate_gives_a_new_project_that_keeps_what_was_entered(server: StoryServer, calibrated: int) -> None:
    project = server.read(f"/api/v1/projects/{calibrated}")
    ask = project["ask"]
    assert project["state"] == "done"
    assert (ask["method"], ask["max_drop"], ask["preset"], ask["subset_percent"]) == (
        "accuracy-aware",
        0.5,
        "mixed",
        50,
    )
    assert ask["points"]["streams"] == [1, 2]
    dataset = server.read(f"/api/v1/datasets/{project['calibration_dataset_id']}")
    assert dataset["name"] == "ranges"
    assert project["headline"]["drop_points"] <= 0.5
