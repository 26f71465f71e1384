"""What the benchmark of the Workbench found is said as it was found."""

import copy

from benchmarks.workbench_table import workbench_section

SPREAD = {"count": 3, "median": 0.05, "p95": 0.09, "largest": 0.4}
WAY = {"model.xml": "a", "model.bin": "b", "decided": "c"}
RESULT = {
    "commit": "abc",
    "machine": {"cpu": "a CPU", "physical_cores": 2, "flags": ["avx2"]},
    "versions": {"openvino": "1"},
    "rows": {
        "starts": [
            {"to_link_s": 2.0, "first_page_s": 0.8, "rss_mb": 130},
            {"to_link_s": 3.0, "first_page_s": 1.2, "rss_mb": 1},
        ],
        "idle": {"rss_mb": 130.2, "cpu_percent": 3.9},
        "progress": {"events": 9, **SPREAD},
        "pages": {"pages": 50, "rss_mb": 168.0, "grown_mb": 30.0, "all_changed_s": 5.4},
        "jobs": {"jobs": 20, "in_order": True, "job_s": 3.0, "gap_s": SPREAD},
        "projects": {"projects": 1000, "rest_100_s": SPREAD, "page_s": 0.5, "rss_mb": 140.0},
        "same": {"cli": WAY, "rest": WAY, "pages": WAY},
    },
}


def test_every_figure_stands_beside_what_is_wanted():
    text = "\n".join(workbench_section(RESULT))
    for row in (
        "1.00 (0.80 to 1.20, 2 starts) | 1 |",
        "| 130 | 200 |",
        "| 50, 90, 400 | 300 |",
        "20 queued jobs: in order",
    ):
        assert row in text
    assert "gives the same model.xml" in text


def test_a_model_that_differs_is_said():
    result = copy.deepcopy(RESULT)
    result["rows"]["same"]["pages"] = WAY | {"model.bin": "z"}
    result["rows"]["jobs"]["in_order"] = False
    text = "\n".join(workbench_section(result))
    assert "differs in: model.bin." in text and "NOT in order" in text
