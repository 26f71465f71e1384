"""What pages and REST read of a project's result."""

import json

import pytest
from project_bench import ProjectBench, point, report_values, search_values, timed

from calibench.reports.report import as_json, write_report
from calibench.store.refused import NotThere
from calibench.workbench.project_results import KEPT_IN_MEMORY, Results, best_under, read_lean
from calibench.workbench.ran_layers import baseline_layers, calibrated_layers, precision_shares, precision_word


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


def test_layers_of_an_int8_model_are_those_that_ran_with_what_was_decided(bench):
    first, second, reorder = bench.projects.layers(bench.calibrated(bench.ready()).id)
    assert (first["name"], first["runtime_precision"], first["output_precisions"]) == ("a", "U8", "U8")
    assert (first["fp32_ms"], first["int8_ms"], first["precision"], first["output_db"]) == (2.0, 0.5, "int8", 35.0)
    assert first["quantizers"][0]["high"] == [1.0]
    assert (second["precision"], second["reason"], second["runtime_precision"]) == ("float", "too small", "FP32")
    assert (reorder["type"], reorder["precision"], reorder["fp32_ms"], reorder["ran"]) == ("Reorder", None, None, True)


def test_a_layer_that_was_fused_away_stands_at_the_end():
    report = report_values(runtime_layers={"fp32": [], "int8": [timed("other", 1.0)]})
    found = calibrated_layers(report)
    assert [(each["name"], each["ran"]) for each in found] == [("other", True), ("a", False), ("b", False)]
    assert found[1]["fused_into"] is None and found[1]["time_ms"] is None


def test_a_layer_that_was_fused_names_its_host_and_its_time_is_counted_once():
    report = report_values(runtime_layers={"fp32": [], "int8": [timed("x", 1.0, "U8", originals=("x", "a", "b"))]})
    host, fused = calibrated_layers(report)
    assert (host["layer"], fused["name"], fused["fused_into"]) == ("a", "b", "x")
    assert (fused["int8_ms"], fused["runtime_precision"], fused["ran"]) == (None, "U8", False)


def test_a_layer_of_its_own_goes_before_one_that_it_is_fused_into():
    ran = [timed("add", 0.1, originals=("a", "add")), timed("a", 0.5, "U8")]
    found = calibrated_layers(report_values(runtime_layers={"fp32": [], "int8": ran}))
    assert [each["layer"] for each in found] == [None, "a", "b"]


def test_a_matmul_is_found_by_the_name_that_dequantization_gives_it():
    report = report_values(runtime_layers={"fp32": [], "int8": [timed("a/DequantizationMultiply", 1.0, "U8")]})
    assert calibrated_layers(report)[0]["layer"] == "a"


def test_a_fused_layer_is_found_by_the_layers_it_stands_for():
    report = report_values(runtime_layers={"fp32": [], "int8": [timed("x", 1.0, originals=("x", "a"))]})
    assert (calibrated_layers(report)[0]["layer"], calibrated_layers(report)[0]["precision"]) == ("a", "int8")


def test_layers_of_a_baseline_have_both_times(bench):
    first, second = bench.projects.layers(bench.ready().id)
    assert (first["name"], first["fp32_ms"], first["default_ms"], first["time_ms"]) == ("a", 2.0, 1.0, 2.0)
    assert (first["runtime_precision"], first["default_precision"]) == ("FP32", "BF16")
    assert second["type"] == "Pooling"
    assert baseline_layers({"layers": None}) == []


def test_without_a_result_there_is_nothing(bench):
    from calibench.things.asked import AskCalibration

    made = bench.projects.calibrate(bench.ready().id, AskCalibration())
    read = bench.projects
    assert (read.report(made.id), read.search(made.id)) == (None, None)
    for rows in (read.points, read.layers, read.pictures, read.exports, read.advice):
        assert rows(made.id) == []
    assert read.precisions(made.id) == {}


@pytest.mark.parametrize(
    ("name", "word"), [("F32", "FP32"), ("u8", "U8"), ("I8", "I8"), ("F32,I64", "FP32,I64"), ("", ""), (None, "")]
)
def test_precisions_are_said_in_the_words_of_the_pages(name, word):
    assert precision_word(name) == word


def test_shares_of_precisions_add_up(bench):
    found = bench.projects.precisions(bench.calibrated(bench.ready()).id)
    assert [(each["precision"], each["count"], each["share"]) for each in found["int8"]] == [
        ("FP32", 1, 0.5),
        ("U8", 2, 0.5),
    ]
    assert precision_shares([]) == []
    assert precision_shares([timed("a", 0.0)])[0]["share"] == 0.0


def test_weights_of_single_channels_come_with_one_layer_only(bench):
    project = bench.calibrated(bench.ready())
    assert bench.projects.layers(project.id)[0]["weights"] == {"channels": 2}
    assert bench.projects.layer(project.id, "a")["weights"]["largest"] == [0.5, 0.25]
    assert bench.projects.layer(project.id, "reorder")["weights"] is None
    with pytest.raises(NotThere, match="no layer"):
        bench.projects.layer(project.id, "c")


def test_of_a_real_report_everything_is_read_but_the_weights(tmp_path):
    from report_samples import rich_report

    report = rich_report()
    write_report(report, tmp_path / "report.json")
    whole = as_json(report)
    assert any(layer["weights"] and layer["weights"]["largest"] for layer in whole["layers"])
    for layer in whole["layers"]:
        layer["weights"] = layer["weights"] and {"channels": layer["weights"]["channels"]}
    assert read_lean(tmp_path / "report.json") == whole
    assert read_lean(tmp_path / "nothing.json") is None


def test_a_layer_whose_name_needs_escapes_is_found(bench):
    report = report_values()
    report["layers"][0]["name"] = report["runtime_layers"]["int8"][0]["name"] = 'a"\\/b é'
    project = bench.calibrated(bench.ready(), json.loads(json.dumps(report)))
    assert bench.projects.layer(project.id, 'a"\\/b é')["layer"] == 'a"\\/b é'


def test_a_result_is_read_once_while_few_are_looked_at(bench, monkeypatch):
    project = bench.ready()
    read = []
    from calibench.workbench import project_results

    monkeypatch.setattr(project_results, "read_lean", lambda path: read.append(path.name) or {})
    results = Results(bench.trees)
    for _ in range(3):
        results.baseline(project)
    assert read == ["baseline.json"]
    for number in range(2 * KEPT_IN_MEMORY):
        results._read["another", str(number)] = {}
    results.report(project)
    assert len(results._read) == 2 * KEPT_IN_MEMORY


def test_files_can_be_taken_away_and_no_others(bench):
    project = bench.calibrated(bench.ready())
    names = [each["name"] for each in bench.projects.exports(project.id)]
    assert names[:4] == ["model.xml", "model.bin", "report.html", "report.json"]
    assert bench.projects.export(project.id, "model.bin").read_text() == "weights"
    for name in ("../../token", "/etc/passwd", "search", ""):
        with pytest.raises(NotThere):
            bench.projects.export(project.id, name)


def test_pictures_advice_and_search_are_the_report_s(bench):
    report = report_values(search=search_values())
    project = bench.calibrated(bench.ready(), report, method="accuracy-aware")
    assert bench.projects.pictures(project.id)[0]["name"] == "cat/1.png"
    assert bench.projects.advice(project.id)[0]["kind"] == "good"
    assert bench.projects.search(project.id)["best"] == 2


def test_the_best_point_keeps_the_latency_limit():
    points = [point("int8", fps=100.0, latency=5.0), point("int8", batch=8, fps=300.0, latency=30.0)]
    assert best_under(points, 10.0)["fps"] == 100.0
    assert best_under(points, None)["fps"] == 300.0
    assert best_under(points, 1.0) is None
    assert best_under([], None) is None
