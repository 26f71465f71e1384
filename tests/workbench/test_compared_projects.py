"""Two projects side by side."""

import pytest
from kept_things import NOW
from project_bench import ProjectBench, report_values, timed

from calibench.errors import SettingsError
from calibench.things.kept import Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench.compared_projects import compare_partner, compare_projects, side_by_side
from calibench.workbench.ran_layers import baseline_layers


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


def rows(*layers):
    return baseline_layers({"layers": list(layers)})


def test_numbers_are_set_side_by_side_with_their_difference(bench):
    project = bench.ready()
    child = bench.calibrated(project)
    found = {row["what"]: row for row in compare_projects(bench.projects, project.id, child.id)["differences"]}
    accuracy = found["Accuracy (top1)"]
    assert (accuracy["a"], accuracy["b"], accuracy["difference"], accuracy["better"]) == (90.0, 89.5, -0.5, "a")
    speed = found["Throughput"]
    assert (speed["a"], speed["b"], speed["percent"], speed["better"]) == (150.0, 300.0, 100.0, "b")
    assert (found["Latency"]["difference"], found["Size"]["difference"]) == (-2.0, -2900)


def test_fp32_beside_int8_has_the_numbers_of_the_same_run_and_samples(bench):
    """The baseline was scored on the whole dataset, the calibration on its half: their difference would say nothing."""
    project = bench.ready()
    child = bench.calibrated(project, report_values(baseline=70.0, int8=69.0, evaluated=2))
    found = compare_projects(bench.projects, project.id, child.id)
    assert (found["differences"][0]["a"], found["differences"][0]["b"]) == (70.0, 69.0)
    assert [row["name"] for row in found["layers"] if row["in_a"]] == ["a", "b"]
    assert found["layers"][0]["a_ms"] == 2.0
    assert "on the same 2 samples" in found["notes"][0] and len(found["notes"]) == 1


def test_two_int8_projects_that_were_judged_on_other_samples_say_so(bench):
    project = bench.ready()
    first, second = bench.calibrated(project), bench.calibrated(project, report_values(evaluated=2))
    assert "different samples" in compare_projects(bench.projects, first.id, second.id)["notes"][0]


def test_a_metric_that_points_down_is_better_when_it_falls(bench):
    project = bench.ready()
    child = bench.calibrated(project, report_values(higher_is_better=False, int8=91.0))
    found = compare_projects(bench.projects, child.id, project.id)
    assert found["differences"][0]["better"] is not None
    both = compare_projects(bench.projects, project.id, child.id)["differences"][0]
    assert (both["difference"], both["better"]) == (1.0, "a")


def test_layers_are_found_by_name_and_by_what_they_stand_for():
    a = rows(timed("conv", 2.0), timed("relu", 0.5), timed("fc", 1.0))
    b = rows(timed("fused", 1.0, "U8", originals=("conv", "relu")), timed("reorder", 0.1), timed("fc", 1.0))
    found = {row["name"]: row for row in side_by_side(a, b)}
    assert list(found) == ["fused", "relu", "reorder", "fc"]
    fused = found["fused"]
    assert (fused["a_ms"], fused["b_ms"], fused["difference_ms"], fused["is_changed"]) == (2.0, 1.0, -1.0, True)
    assert (fused["a_precision"], fused["b_precision"]) == ("FP32", "U8")
    assert (found["reorder"]["in_a"], found["reorder"]["in_b"], found["reorder"]["a_ms"]) == (False, True, None)
    assert (found["relu"]["in_a"], found["relu"]["in_b"]) == (True, False)
    assert not found["fc"]["is_changed"]


def test_settings_that_differ_are_named(bench):
    project = bench.ready()
    first, second = bench.calibrated(project), bench.calibrated(project, preset="mixed", max_drop=0.2)
    found = compare_projects(bench.projects, first.id, second.id)["settings"]
    assert found == [{"name": "preset", "a": "performance", "b": "mixed"}]
    beside = compare_projects(bench.projects, project.id, second.id)["settings"]
    assert beside == [{"name": "preset", "a": None, "b": "mixed"}]


def test_an_fp32_model_has_no_settings_of_a_calibration(bench):
    project = bench.ready()
    child = bench.calibrated(project, method="accuracy-aware", max_drop=2.0)
    found = compare_projects(bench.projects, project.id, child.id)["settings"]
    assert {row["name"]: (row["a"], row["b"]) for row in found} == {
        "method": (None, "accuracy-aware"),
        "accuracy.max_drop": (None, 2.0),
    }


def test_settings_for_every_input_are_named_without_the_input(bench):
    project = bench.ready()
    child = bench.calibrated(project, advanced={"inputs": {"": {"color": "bgr"}}})
    found = compare_projects(bench.projects, project.id, child.id)["settings"]
    assert found == [{"name": "inputs.color", "a": "rgb", "b": "bgr"}]


def test_points_and_precisions_of_both_are_there(bench):
    project = bench.ready()
    found = compare_projects(bench.projects, project.id, bench.calibrated(project).id)
    assert [each["series"] for each in found["points"]["b"]] == ["fp32", "int8"]
    assert found["precisions"]["a"] == [{"precision": "FP32", "count": 2, "time_ms": 4.0, "share": 1.0}]
    assert found["precisions"]["b"][0]["precision"] == "FP32"


def test_projects_of_two_families_are_not_compared(bench):
    project = bench.ready()
    other = bench.ready(name="other", content="other")
    with pytest.raises(SettingsError, match="two families"):
        compare_projects(bench.projects, project.id, other.id)
    with pytest.raises(SettingsError, match="itself"):
        compare_projects(bench.projects, project.id, project.id)


def test_one_model_is_compared_across_machines(bench):
    project = bench.ready()
    lab = bench.store.add(Target(created=NOW, name="lab", kind="ssh", spec=TargetSpec(kind="ssh", host="lab")))
    other = bench.store.add(project.model_copy(update={"id": 0, "name": "on lab", "target_id": lab.id}))
    found = compare_projects(bench.projects, project.id, other.id)
    assert any(note.startswith("They were measured on different machines") for note in found["notes"])
    assert "B on lab, CPU" in found["notes"][-1]
    child = bench.calibrated(project)
    assert compare_projects(bench.projects, other.id, child.id)["differences"]


def test_the_partner_of_an_int8_project_is_its_parent_and_that_of_the_parent_the_fastest_child(bench):
    project = bench.ready()
    assert compare_partner(bench.projects, project.id) is None
    slow = bench.calibrated(project, report_values(int8_fps=200.0))
    fast = bench.calibrated(project)
    bench.calibrated(project, report_values(int8_fps=250.0))
    assert compare_partner(bench.projects, slow.id) == project.id
    assert compare_partner(bench.projects, project.id) == fast.id


def test_one_family_may_have_the_other_order(bench):
    project = bench.ready()
    first, second = bench.calibrated(project), bench.calibrated(project)
    assert compare_projects(bench.projects, second.id, first.id)["differences"][0]["difference"] == 0
