"""Which limits are applied, and which make no sense."""

import numpy as np
import pytest

from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import ClassScore, Metric, Summary, mean_of
from calibench.evaluation.metrics.top_k import top_k
from calibench.search.limits import applied, check_baseline, check_limits, name_of, too_few_to_tell
from calibench.search.values import Limit
from calibench.settings import AccuracySettings, make_settings


def psnr() -> Metric:
    return mean_of("psnr", "dB", True, "picture", lambda seen: 0.0)


def test_a_limit_is_in_points_of_the_metric() -> None:
    assert applied([top_k(1)], {"top1": Summary(80.0)}, AccuracySettings(max_drop=0.5)) == (Limit("top1", 0.5),)


def test_a_relative_limit_is_a_share_of_what_fp32_scores() -> None:
    settings = AccuracySettings(max_drop=1.0, drop_type="relative", limits={"top5": 2.0})
    found = applied([top_k(1), top_k(5)], {"top1": Summary(80.0), "top5": Summary(50.0)}, settings)
    assert found == (Limit("top1", pytest.approx(0.8)), Limit("top5", pytest.approx(1.0)))


def test_every_class_with_samples_gets_the_limit_of_classes() -> None:
    classes = (ClassScore(0, 90.0, 5), ClassScore(1, None, 0), ClassScore(2, 70.0, 3))
    found = applied([top_k(1)], {"top1": Summary(80.0, classes)}, AccuracySettings(max_class_drop=3.0))
    assert found[1:] == (Limit("top1", 3.0, 0), Limit("top1", 3.0, 2))
    assert name_of(found[1], ("cat", "dog", "cow")) == "class cat of top1"


def test_a_limit_of_classes_needs_a_score_per_class() -> None:
    with pytest.raises(SettingsError, match="no score per class"):
        applied([psnr()], {"psnr": Summary(30.0)}, AccuracySettings(max_class_drop=3.0))


def test_a_limit_outside_the_bounds_of_the_metric_is_refused() -> None:
    with pytest.raises(SettingsError, match="--max-drop 100: in points"):
        check_limits([top_k(1)], AccuracySettings(max_drop=100))
    with pytest.raises(SettingsError, match="--limit top5=250: in percent of the FP32 score"):
        check_limits([top_k(1), top_k(5)], AccuracySettings(limits={"top5": 250}, drop_type="relative"))
    check_limits([psnr()], AccuracySettings(max_drop=150))


def test_each_further_limit_is_held_against_the_bounds_of_its_own_metric() -> None:
    check_limits([top_k(1), psnr()], AccuracySettings(limits={"psnr": 150}))
    with pytest.raises(SettingsError, match="--limit top1=150: in points"):
        check_limits([psnr(), top_k(1)], AccuracySettings(limits={"top1": 150}))


def test_a_second_limit_of_the_main_metric_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--limit top1=0\.2: top1 is the main metric, and --max-drop says"):
        check_limits([top_k(1), top_k(1)], AccuracySettings(limits={"top1": 0.2}))


def test_a_limit_of_classes_is_refused_before_anything_runs() -> None:
    with pytest.raises(SettingsError, match="metric psnr has no score per class"):
        check_limits([psnr()], AccuracySettings(max_class_drop=3.0))
    with pytest.raises(SettingsError, match=r"--max-class-drop 150: .* no class could lose more"):
        check_limits([top_k(1)], AccuracySettings(max_class_drop=150))


def test_samples_too_few_to_show_the_limit_are_counted_before_anything_runs() -> None:
    said = too_few_to_tell(top_k(1), 300, AccuracySettings(max_drop=0.5))
    assert said.startswith("300 validation samples cannot tell a drop of 0.5 points from noise")
    assert "at least 390 can" in said
    assert too_few_to_tell(top_k(1), 390, AccuracySettings(max_drop=0.5)) == ""
    assert too_few_to_tell(psnr(), 3, AccuracySettings(max_drop=0.5)) == ""


def test_so_few_samples_that_all_right_may_be_guessing_are_refused_as_few() -> None:
    with pytest.raises(DatasetError, match="On 2 validation samples of 2 classes no FP32 score can be told"):
        check_baseline(top_k(1), Summary(100.0), np.full(2, 100.0), 2, "Set the mean.")


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "much"])
def test_a_limit_that_is_no_drop_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"accuracy\.max_drop"):
        make_settings({"accuracy": {"max_drop": value}})


def test_a_metric_that_no_sample_is_annotated_for_is_refused() -> None:
    with pytest.raises(DatasetError, match="top1 cannot be told for FP32"):
        applied([top_k(1)], {"top1": Summary(float("nan"))}, AccuracySettings())


def test_an_fp32_score_of_pure_chance_is_refused_with_the_cause() -> None:
    values = np.zeros(200)
    with pytest.raises(DatasetError, match=r"guessing would give 10\.0 %: .* Set the mean"):
        check_baseline(top_k(1), Summary(12.0), values, 10, "Set the mean.")
    check_baseline(top_k(1), Summary(40.0), values, 10)
    check_baseline(top_k(1), Summary(60.0), values, 1)


def test_a_detector_that_finds_nothing_is_refused() -> None:
    average = mean_of("coco", "%", True, "objects", lambda seen: 0.0)
    with pytest.raises(DatasetError, match=r"FP32 scores 0\.20 % of coco"):
        check_baseline(average, Summary(0.2), np.zeros(50), 80)


def test_scores_without_a_known_chance_are_let_pass() -> None:
    check_baseline(psnr(), Summary(3.0), np.zeros(50), 0)
