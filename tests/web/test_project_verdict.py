"""What a result says first: a verdict once, and no factor that the rounds do not bear out; without a browser."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reports"))

import report_samples

from calibench.reports.advice import advise
from calibench.things.kept import Headline, Project
from calibench.web.headline import own_speeds, speed_words
from calibench.web.layer_charts import kind_of, precision_colour
from calibench.web.measured_spread import Spread, spread_of, spread_words
from calibench.web.perform_tab import separate_words
from calibench.web.project_actions import alike, speed_in_short
from calibench.web.project_verdict import beside_verdict, verdict_of, with_doubt

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def speed(*fps: float) -> dict[str, object]:
    return {"throughput": [{"fps": {"raw": fps}}], "latency_ms": {"raw": [1000 / each for each in fps]}}


def spread(before: tuple[float, ...], after: tuple[float, ...]) -> Spread:
    return spread_of({"speeds": {"fp32": speed(*before), "int8": speed(*after)}}, is_int8=True)


def test_a_speed_up_within_the_rounds_is_about_as_fast_and_says_the_spread() -> None:
    found = spread((100, 110, 104), (103, 98, 109))
    assert speed_words(1.03, found) == ("About as fast", "as FP32")
    assert spread_words(found.speedup, 1.03) == "0.89 to 1.05"


def test_a_speed_up_beyond_the_rounds_stays_a_factor_even_with_one_slow_round() -> None:
    assert speed_words(1.6, spread((100, 100, 100, 100, 100), (160, 150, 165, 60, 158)))[0] == "1.60x"
    assert speed_words(0.8, spread((100, 100), (80, 81))) == ("0.80x", "the speed: INT8 is slower")


def test_a_spread_of_another_measurement_is_not_shown() -> None:
    found = spread((100, 110), (200, 210))
    assert spread_words(found.fps["int8"], 205) == "200 to 210"
    assert spread_words(found.fps["int8"], 300) == ""
    assert spread_words(None, 300) == spread_words((200, 210), None) == ""


def test_the_default_precision_is_compared_with_where_it_is_another_one() -> None:
    report = {"speeds": {"fp32": speed(50, 51), "default": speed(100, 101), "int8": speed(150, 151)}}
    assert spread_of(report, True).speedup == pytest.approx((150 / 100, 151 / 101), abs=0.01)
    assert spread_of(report, False).latency_ms == pytest.approx((1000 / 101, 10))


def test_fp32_and_an_equal_default_precision_are_one_row() -> None:
    assert list(own_speeds(Headline(fp32_fps=96.0, default_fps=96.0))) == ["fp32", "int8"]
    assert list(own_speeds(Headline(fp32_fps=96.0, default_fps=120.0))) == ["fp32", "default", "int8"]


@pytest.mark.parametrize(("speedup", "words"), [(1.03, "hardly faster"), (0.9, "slower here")])
def test_the_advice_to_keep_fp32_is_the_verdict_and_is_not_said_again(speedup: float, words: str) -> None:
    report = report_samples.rich_report().model_copy(update={"speedup": speedup})
    advice = [each.model_dump() for each in advise(report)]
    verdict = verdict_of(advice, Headline(speedup=speedup))
    assert verdict is not None
    assert words in verdict["title"]
    assert "Keep the FP32 model" in verdict["action"]
    assert verdict not in beside_verdict(advice, verdict)


def test_that_the_cpu_has_no_vnni_is_not_said_twice() -> None:
    verdict = {"kind": "info", "title": "INT8 is hardly faster here: 1.03 times", "action": "this CPU has no VNNI."}
    again = {"kind": "info", "title": "This CPU has no VNNI, so that INT8 gains less here", "action": ""}
    other = {"kind": "info", "title": "Few samples", "action": ""}
    assert beside_verdict([again, verdict, other], verdict) == [other]
    assert beside_verdict([again, other], None) == [again, other]


def test_a_verdict_is_made_of_the_numbers_where_no_advice_sums_up() -> None:
    advice = [{"kind": "warning", "title": "Few samples", "action": ""}]
    head = Headline(speedup=2.5, drop_points=0.4, metric="top1")
    verdict = verdict_of(advice, head)
    assert verdict is not None
    assert verdict["title"] == "INT8 is faster here: 2.50 times the speed of FP32, and it loses 0.40 points of top1."
    assert verdict_of(advice, Headline()) is None


def test_bytes_of_pictures_in_an_fp32_model_are_not_int8() -> None:
    assert kind_of("fp32", "U8") == kind_of("default", "U8") == "bytes of pictures"
    assert kind_of("int8", "U8") == "U8"
    colours = [precision_colour(kind, 0) for kind in ("I8", "U8", "FP32", "BF16", kind_of("fp32", "U8"))]
    assert len(set(colours)) == len(colours)


def test_points_say_that_they_are_measured_separately_and_how_far_rounds_lay_apart() -> None:
    points = [{"fps": 100.0, "fps_low": 88.0, "fps_high": 110.0}, {"fps": 10.0, "fps_low": None, "fps_high": None}]
    assert "up to 22 % apart" in separate_words(points)
    assert "%" not in separate_words([{"fps": 100.0}])


def test_a_few_percent_are_no_difference_where_the_spread_is_not_known() -> None:
    assert speed_in_short(1.03) == speed_in_short(0.97) == "about as fast"
    assert speed_in_short(1.3) == "1.30x as fast"


def test_a_praised_speed_is_doubted_where_the_rounds_do_not_bear_it_out() -> None:
    good = {"kind": "good", "title": "INT8 runs 1.28 times as fast as FP32.", "action": ""}
    doubted = with_doubt(good, spread((100, 100, 100), (128, 67, 161)))
    assert doubted is not None
    assert "between 0.67 and 1.61 times" in doubted["action"] and doubted["kind"] == "info"
    assert beside_verdict([good], doubted) == []
    assert with_doubt(good, spread((100, 100), (128, 130))) == good


def test_a_few_percent_are_about_as_fast_where_one_round_says_the_opposite() -> None:
    speeds = {"fp32": speed(100, 100, 100, 100, 100), "int8": speed(104, 93, 117, 106, 107)}
    assert spread_of({"speeds": speeds, "speedup": 1.04}, True).is_about_as_fast


def test_an_int8_project_is_compared_with_the_one_that_was_asked_for_alike() -> None:
    things = {"created": WHEN, "name": "p", "model_id": 1, "dataset_id": 1, "target_id": 1}

    def project(id: int, parent_id: int | None = None, **ask: object) -> Project:
        return Project.model_validate({**things, "id": id, "parent_id": parent_id, "ask": ask})

    here, there = project(1), project(2)
    mine, same = project(3, 1, preset="mixed"), project(5, 2, preset="mixed")
    other = project(4, 2, preset="performance")
    assert alike([here, there, mine], here, there) is there
    assert alike([here, there, mine, other], mine, there) is None
    assert alike([here, there, mine, other, same], mine, there) is same
