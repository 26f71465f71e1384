"""What lists show, in which order, and where an import leads back to; without a browser."""

import re
import subprocess
import sys

import pytest
from canned_things import datasets, models, projects
from fake_workbench import FakeWorkbench

from calibench.web.dataset_page import class_counts
from calibench.web.import_page import ARCHIVES, DATASET, MODEL, name_from
from calibench.web.job_page import trial_words
from calibench.web.machine_facts import int8_words
from calibench.web.model_list import as_tree
from calibench.web.model_page import calibration_hindrance, newest_measured
from calibench.web.new_project import first_choice
from calibench.web.paged_list import in_order
from calibench.web.project_list import is_shown, read_rows
from calibench.web.returning import address_with, import_address, return_address


@pytest.mark.parametrize("is_descending", [False, True])
def test_rows_without_a_value_stand_last_either_way(is_descending: bool) -> None:
    rows = in_order([3, None, 1, 2], lambda row: row, is_descending)
    assert rows == ([3, 2, 1, None] if is_descending else [1, 2, 3, None])


def test_a_project_is_found_by_all_words_of_its_own_name_and_of_what_it_is_made_of() -> None:
    rows = read_rows(FakeWorkbench(), False)  # type: ignore[arg-type]
    assert [row.project.id for row in rows if is_shown(row, "FLOWERS mixed", "")] == [4]
    assert [row.project.id for row in rows if is_shown(row, "", "going")] == [5, 4]
    assert not any(is_shown(row, "flowers nowhere", "") for row in rows)


def test_archived_projects_are_listed_apart() -> None:
    bench = FakeWorkbench()
    assert [row.project.id for row in read_rows(bench, True)] == [8]  # type: ignore[arg-type]
    assert len(read_rows(bench, False)) == len(projects()) - 1  # type: ignore[arg-type]


def test_int8_models_stand_below_the_model_that_they_were_made_from() -> None:
    newest_first = sorted(models(), key=lambda each: -each.id)
    order = [each.id for each in as_tree(newest_first)]
    assert order[order.index(1) :] == [1, 2, 3]
    assert sorted(order) == [each.id for each in models()]


def test_a_child_whose_parent_is_filtered_away_stands_alone() -> None:
    assert [each.id for each in as_tree([each for each in models() if each.id == 3])] == [3]


@pytest.mark.parametrize(
    ("model_id", "words"), [(1, ""), (2, "INT8 already"), (4, "FakeQuantize"), (6, "not be imported"), (7, "still")]
)
def test_a_model_says_why_it_cannot_be_calibrated(model_id: int, words: str) -> None:
    said = calibration_hindrance(next(each for each in models() if each.id == model_id))
    assert words in said
    assert bool(said) == bool(words)


def test_a_new_project_begins_with_what_was_asked_for_and_else_with_the_newest_that_is_ready() -> None:
    assert first_choice(models(), 4) == 4
    assert first_choice(models(), 99) == 5
    assert first_choice([], 1) is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("resnet.onnx", "resnet"),
        ("C:\\data\\val.tar.gz", "val"),
        ("/a/b/photos.zip", "photos"),
        (".zip", ".zip"),
        ("m" * 200, "m" * 100),
    ],
)
def test_the_name_is_taken_from_the_file(file: str, name: str) -> None:
    assert name_from(file) == name


def test_an_import_asks_only_for_files_that_are_read() -> None:
    from calibench.models.read import FORMATS

    endings = set(re.findall(r"\.[a-z0-9]+", MODEL.needs))
    assert endings - {".bin", ".caffemodel"} <= set(FORMATS)
    assert ".pt2" not in endings  # read by calibench alone: it can run code, which the Workbench does not
    assert set(re.findall(r"\.(?:zip|tar|tar\.gz)\b", DATASET.needs)) <= set(ARCHIVES)


def test_classes_that_a_dataset_has_no_samples_of_stand_last() -> None:
    kept = datasets()[0].model_copy(update={"classes": ("", "hen", "cock"), "facts": {"counts": {"1": 3, "2": 4}}})
    assert [(each.name, each.count) for each in class_counts(kept)] == [("hen", 3), ("cock", 4), ("class 0", 0)]


def test_a_search_that_has_ended_tries_no_more_models() -> None:
    trials = [{"holds": True, "left": 5}]
    assert trial_words(trials, is_going=True) == "1 model evaluated, 1 within the limit. At most 5 more."
    assert trial_words(trials, is_going=False) == "1 model evaluated, 1 within the limit."


def test_the_layers_of_a_model_are_in_the_newest_project_that_has_a_result() -> None:
    model = models()[0]
    own = [each for each in projects() if each.model_id == model.id and each.parent_id is None]
    measured = own[0].model_copy(update={"id": 90, "result": "r" * 64})
    waiting = own[0].model_copy(update={"id": 91, "result": None})
    assert newest_measured([measured, waiting], model) == measured
    assert newest_measured([waiting], model) is None


def test_an_import_leads_back_with_all_entries_and_the_new_thing_chosen() -> None:
    back = address_with("/projects/3/optimize", subset=50, calibration=1, name="a&b=c d")
    assert "back=%2Fprojects%2F3%2Foptimize%3Fsubset%3D50" in import_address("datasets", back, "calibration")
    assert return_address(back, "calibration", 9, "/datasets/9") == (
        "/projects/3/optimize?subset=50&name=a%26b%3Dc+d&calibration=9"
    )


@pytest.mark.parametrize(
    "back", ["", "https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/a\nb"]
)
def test_an_import_never_leads_to_another_site(back: str) -> None:
    assert return_address(back, "dataset", 9, "/datasets/9") == "/datasets/9"


@pytest.mark.parametrize(
    ("flags", "words"),
    [(["amx_int8"], "AMX"), (["avx512_vnni"], "VNNI"), (["avx2"], "7 bits"), ([], "little but size")],
)
def test_the_cpu_says_what_it_means_for_int8(flags: list[str], words: str) -> None:
    assert words in int8_words({"flags": flags})


def test_a_machine_that_was_not_looked_at_says_so() -> None:
    assert "Check it" in int8_words({})


def test_the_pages_need_no_package_that_reads_models_or_pictures() -> None:
    code = "import sys, calibench.web.pages; print({'openvino', 'numpy', 'cv2', 'datumaro'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
