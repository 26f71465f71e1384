"""What a search found becomes rows, and sentences that promise no more than was measured."""

import json
import math
from pathlib import Path

import pytest
from report_samples import MACHINE, found_search, searched_report, small_report

from calibench.reports.promise import Certified, float_reason, needed_sentence, promise
from calibench.reports.report import read_report, write_report
from calibench.reports.search_report import search_report
from calibench.reports.searched import certified, with_search
from calibench.search.values import Configuration, Found, Limit, Outcome, Ranked, Trial

TOP1 = Certified("top1", "%", 0.31, (0.12, 0.5), 5000, machine=MACHINE, items="images")


def test_the_promise_names_what_was_measured_on_what_and_where() -> None:
    assert promise(TOP1) == (
        "INT8 loses 0.31 points of top1 on 5,000 images (95 %: 0.12 to 0.50), measured in exact evaluation with "
        "precision f32, batch 1, on CPU Example CPU @ 2.40GHz (avx2, avx512f, avx512_vnni, amx_int8)."
    )


def test_without_annotations_it_is_a_bound() -> None:
    found = Certified("agreement", "%", 0.42, None, 5000, precision="bf16", batch=8, items="images")
    assert promise(found, label_free=True) == (
        "INT8 gives another answer than FP32 on 0.4 % of 5,000 unlabelled images; a top-1 drop cannot be larger. "
        "Measured in exact evaluation with precision bf16, batch 8, on CPU."
    )


def test_without_annotations_other_metrics_bound_no_top1() -> None:
    found = Certified("same-objects", "%", 1.2, None, 300)
    text = promise(found, label_free=True)
    assert text.startswith("INT8 loses 1.20 points of same-objects on 300 unlabelled samples, measured")
    assert "top-1" not in text


@pytest.mark.parametrize(
    ("metric", "unit", "higher", "drop", "words"),
    [
        ("top1", "%", True, 0.001, "loses nothing of top1"),
        ("top1", "%", True, -0.2, "gains 0.20 points of top1"),
        ("psnr", "dB", True, 0.0312, "loses 0.0312 dB of psnr"),
        ("cer", "%", False, 0.2, "is 0.20 points worse in cer (lower is better)"),
        ("nme", "", False, -0.01, "is 0.01 better in nme (lower is better)"),
    ],
)
def test_a_drop_is_said_with_unit_and_direction(metric, unit, higher, drop, words) -> None:
    assert promise(Certified(metric, unit, drop, None, 10, higher_is_better=higher)).startswith(f"INT8 {words} on 10 ")


def test_too_few_samples_are_said_with_the_number_needed() -> None:
    few = Certified("top1", "%", 0.1, None, 700, items="images")
    assert needed_sentence(few, 0.5, 1834) == (
        "To tell a drop of 0.5 points from noise about 1,800 images are needed; these are 700."
    )
    assert needed_sentence(TOP1, 0.5, 1834) == (
        "The 5,000 images tell a drop of 0.5 points from noise; about 1,800 would do."
    )
    assert needed_sentence(few, 0.5, None) == ""


def test_a_reason_for_float_holds_error_time_and_repairs() -> None:
    ranked = Ranked("head", -18.2, -30.0, 0.4, 0.42, 1000, 0.0412)
    assert float_reason(ranked, ("biases corrected",), "%") == (
        "costs too much accuracy: alone in INT8 it leaves the outputs 18.2 dB of signal over noise, an estimated "
        "0.42 points of the drop; INT8 would save 0.0412 ms; tried before: biases corrected"
    )


def test_a_reason_says_what_is_not_known_or_brings_nothing() -> None:
    unknown = float_reason(Ranked("head", None, -30.0, 0.0, 0.0, 0), (), "dB")
    assert "its own output 30.0 dB" in unknown and "save" not in unknown and unknown.endswith("no repair was tried")
    assert "INT8 would not run it faster" in float_reason(Ranked("head", -9.0, -30.0, 0, 0, 0, -0.001), (), "%")


def outcome(drop: float, *, holds: bool, evaluated: int = 100) -> Outcome:
    return Outcome(drop, {"top1": 90 - drop} if evaluated == 100 else {}, evaluated, 100, holds, drop - 0.5)


def trial(number: int, *floats: str, holds: bool = False, repair: str = "none") -> Trial:
    configuration = Configuration(frozenset(floats), repair)  # type: ignore[arg-type]
    return Trial(number, configuration, "tried", outcome(1.0, holds=holds))


def found(best: int, *trials: Trial, **more) -> Found:
    ranking = tuple(Ranked(name, -10.0, -20.0, 0.25, 0.2, 100 * (i + 1)) for i, name in enumerate("abcd"))
    return Found(best, True, "", (Limit("top1", 0.5),), trials, ranking, (), 9, **more)


def states(search) -> dict[str, tuple[str, bool]]:
    return {row.layer: (row.state, row.returned) for row in search.ranking}


def test_layers_are_float_or_int8_as_in_the_best_trial_and_those_that_went_back_say_so() -> None:
    search = search_report(
        found(3, trial(1), trial(2, "a", "b", "c", holds=True), trial(3, "a", "b", holds=True)), TOP1, "absolute"
    )
    assert states(search) == {
        "a": ("float", False),
        "b": ("float", False),
        "c": ("int8", True),
        "d": ("int8", False),
    }
    assert search.float_multiply_adds_share == pytest.approx(300 / 1000)


def test_a_layer_that_was_float_only_where_the_limit_was_missed_did_not_go_back() -> None:
    search = search_report(found(2, trial(1, "a", "b"), trial(2, "a", holds=True)), TOP1, "absolute")
    assert states(search)["b"] == ("int8", False)


def test_mended_is_what_was_repaired_and_stays_int8() -> None:
    tried = {"a": ("biases corrected",), "b": ("biases corrected",)}
    kept = trial(1, "a", holds=True, repair="bias")
    search = search_report(found(1, kept, tried_repairs=tried), TOP1, "absolute")
    assert states(search) == {"a": ("float", False), "b": ("mended", False), "c": ("int8", False), "d": ("int8", False)}
    plain = search_report(found(1, trial(1, "a", holds=True), tried_repairs=tried), TOP1, "absolute")
    assert states(plain)["b"] == ("int8", False)


def test_a_limit_of_a_class_has_its_name() -> None:
    limits = (Limit("top1", 0.5), Limit("top1", 2.0, 1))
    values = found(1, trial(1, holds=True))
    named = Certified("top1", "%", 0.1, None, 100, classes={1: "dog"})
    search = search_report(Found(**{**vars(values), "limits": limits}), named, "absolute")
    assert [row.class_name for row in search.limits] == ["", "dog"]


def test_the_report_fills_the_promise_from_what_it_measured() -> None:
    report = searched_report()
    assert report.search is not None
    assert report.search.promise == promise(certified(report))
    assert report.search.promise.startswith("INT8 loses 0.31 points of top1 on 5,000 images (95 %: 0.12 to 0.50)")


def test_the_front_begins_with_the_most_accurate_and_knows_the_scores_of_its_trials() -> None:
    search = searched_report().search
    assert search is not None
    drops = [point.drop for point in search.front]
    assert drops == sorted(drops) and len(drops) > 2
    assert all(point.scores for point in search.front)


def test_a_report_without_a_measured_drop_cannot_promise() -> None:
    with pytest.raises(ValueError, match="no measured drop"):
        with_search(small_report(), found_search())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    report = searched_report()
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_trials_and_layers_stand_on_one_line_each(tmp_path: Path) -> None:
    report = searched_report()
    assert report.search is not None
    write_report(report, tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text()
    assert json.loads(text)["search"]["best"] == report.search.best
    lines = [line for line in text.splitlines() if line.lstrip().startswith('{"number": ')]
    assert len(lines) == len(report.search.trials)
    assert all(json.loads(line.rstrip(",")) for line in lines)


def test_a_score_that_is_no_number_is_written_and_read_again(tmp_path: Path) -> None:
    odd = Trial(1, Configuration(), "tried", Outcome(math.nan, {"top1": math.nan}, 9, 9, False, math.inf, "top1"))
    ranking = (Ranked("a", None, -math.inf, 0.0, math.nan, 0),)
    values = Found(1, False, "nothing was found", (Limit("top1", 0.5),), (odd,), ranking, (), 1)
    report = with_search(searched_report(), values)
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_reports_written_before_there_was_a_search_are_still_read(tmp_path: Path) -> None:
    write_report(small_report(), tmp_path / "report.json")
    values = json.loads((tmp_path / "report.json").read_text())
    del values["search"]
    (tmp_path / "report.json").write_text(json.dumps(values))
    assert read_report(tmp_path / "report.json").search is None
