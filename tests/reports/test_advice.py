"""Every rule fires on what it is for, and is silent otherwise."""

import re
from pathlib import Path
from typing import Any

import pytest
from report_samples import MACHINE, full_report, missed_report, searched_report, small_report, speed

from calibench.reports import accuracy_rules, option_words, search_rules, time_rules
from calibench.reports.advice import BACKGROUND, RULES, Rule, advise
from calibench.reports.report import Advice, DatasetFiles, LayerRow, Report, TimedLayer
from calibench.reports.speeds import speed_fields
from calibench.search.values import HeldOut, Limit
from calibench.settings import Settings, make_settings

GOLDEN = Path(__file__).parents[1] / "cli/golden"


def report(**fields: Any) -> Report:
    """A calibration of 1000 samples without fault, with what is given laid over."""
    good = {
        "metric": "top1",
        "baseline": 90.0,
        "int8": 89.9,
        "drop_points": 0.1,
        "drop_interval": (-0.2, 0.4),
        "agreement": 99.0,
        "sqnr_db": 30.0,
        "evaluated": 1000,
        "default_precision": "f32",
        "machine": MACHINE,
        **speed_fields({"fp32": speed(100, 1), "int8": speed(250, 1)}),
    }
    return small_report().model_copy(update={**good, **fields})


def timed(*layers: tuple[str, str, float]) -> dict[str, tuple[TimedLayer, ...]]:
    """INT8 layers as they ran: type, precision, ms; named by type and place."""
    found = (
        TimedLayer(name=f"{kind}{i}", type=kind, time_ms=ms, precision=precision)
        for i, (kind, precision, ms) in enumerate(layers)
    )
    return {"fp32": (TimedLayer(name="all", type="Convolution", time_ms=10.0, precision="F32"),), "int8": tuple(found)}


def row(name: str, **fields: Any) -> LayerRow:
    return LayerRow(**{"name": name, "type": "Convolution", "precision": "int8", **fields})


def only(rule: Rule, found: Report) -> Advice:
    """The single advice of a rule."""
    (advice,) = rule(found)
    return advice


def speeds(fp32: float, int8: float, default: float | None = None) -> dict[str, Any]:
    known = {"fp32": speed(fp32, 1), "int8": speed(int8, 1)}
    return speed_fields(known if default is None else {**known, "default": speed(default, 1, "bf16")})


WITHOUT_VNNI = MACHINE.model_copy(update={"flags": ("avx2",)})
INT8_ONLY = timed(("Convolution", "U8", 1.0), ("Convolution", "I8", 1.0))


def test_where_nothing_is_wrong_that_is_all_that_is_said() -> None:
    (found,) = advise(report(runtime_layers=INT8_ONLY))
    assert found.kind == "good"
    assert (
        found.title
        == "INT8 runs 2.50 times as fast as FP32 on this device and loses 0.10 points of top1 on 1000 samples."
    )


def test_a_report_without_measurements_gives_no_advice() -> None:
    assert advise(small_report()) == ()


@pytest.mark.parametrize("rule", [*RULES, *BACKGROUND], ids=lambda rule: rule.__name__)
def test_no_rule_fires_on_a_good_report(rule: Rule) -> None:
    assert list(rule(report(runtime_layers=INT8_ONLY))) == []


def test_warnings_come_first() -> None:
    layers = timed(("Convolution", "U8", 1.0), ("MVN", "F32", 3.0), ("Convolution", "U8", 1.0))
    found = advise(report(runtime_layers=layers, **speeds(100, 80)))
    assert [advice.kind for advice in found] == ["warning", "info", "info"]
    assert "slower" in found[0].title


def test_every_title_has_a_number() -> None:
    layers = timed(("Reorder", "F32", 1.0), ("Convolution", "U8", 1.0), ("MVN", "F32", 3.0), ("Convolution", "U8", 1.0))
    rows = (row("a", runtime_precision="F32", int8_ms=1.0),)
    bad = report(
        runtime_layers=layers,
        layers=rows,
        machine=WITHOUT_VNNI,
        sqnr_db=5.0,
        drop_points=8.0,
        drop_interval=(1.0, 15.0),
        batch_agreement=90.0,
        **speeds(100, 80),
    )
    found = advise(bad)
    assert len(found) >= 9
    assert all(any(sign.isdigit() for sign in advice.title) and advice.action for advice in found)


# speed


def test_slower_says_the_ratio_and_why() -> None:
    layers = timed(("Convolution", "U8", 4.0), ("Softmax", "F32", 6.0))
    found = only(time_rules.slower, report(runtime_layers=layers, **speeds(100, 80)))
    assert (found.kind, found.title) == (
        "warning",
        "INT8 is slower here: 0.80 times the speed of FP32 as this device runs it.",
    )
    assert "60 % of the time is spent in layers without INT8 kernels" in found.action


def test_hardly_faster_is_no_warning() -> None:
    found = only(time_rules.slower, report(runtime_layers=INT8_ONLY, **speeds(100, 105)))
    assert (found.kind, "hardly faster here: 1.05 times" in found.title) == ("info", True)
    assert "do not show why" in found.action


def test_a_small_network_is_a_reason() -> None:
    layers = timed(("Reorder", "F32", 0.03), ("Convolution", "U8", 0.1))
    layers["fp32"] = (TimedLayer(name="all", type="Convolution", time_ms=0.12, precision="F32"),)
    found = only(time_rules.slower, report(runtime_layers=layers, **speeds(100, 90)))
    assert "so small (0.12 ms in FP32) that calls and conversions (0.03 ms) dominate" in found.action


def test_conversions_are_a_reason_in_larger_networks() -> None:
    layers = timed(("Reorder", "F32", 2.0), ("Convolution", "U8", 6.0))
    found = only(time_rules.slower, report(runtime_layers=layers, **speeds(100, 90)))
    assert "conversions take 25 % of the INT8 time" in found.action


def test_no_vnni_is_a_reason() -> None:
    found = only(time_rules.slower, report(machine=WITHOUT_VNNI, runtime_layers=INT8_ONLY, **speeds(100, 90)))
    assert "this CPU has no VNNI" in found.action


def test_kernels_that_wait_for_memory_are_a_reason() -> None:
    rows = (row("a", fp32_ms=1.1, int8_ms=1.0, runtime_precision="U8"),)
    found = only(time_rules.slower, report(layers=rows, runtime_layers=INT8_ONLY, **speeds(100, 90)))
    assert "the INT8 kernels themselves are only 1.10 times as fast, as layers are that wait for memory" in found.action
    found = only(time_rules.slower, report(layers=rows, machine=WITHOUT_VNNI, **speeds(100, 90)))
    assert "1.10 times as fast." in found.action  # without VNNI memory need not be what they wait for


def test_a_fast_default_is_a_reason() -> None:
    found = only(time_rules.slower, report(default_precision="bf16", **speeds(100, 210, 200)))
    assert "FP32 models run in bf16 on this device" in found.action
    assert "INT8 is 2.10 times as fast" in found.action


def test_a_large_share_outside_int8_is_told_by_precision_and_type() -> None:
    layers = timed(("Convolution", "U8", 6.0), ("Softmax", "BF16", 1.0), ("MatMul", "F32", 3.0))
    rows = (row("m", type="MatMul", precision="float", reason="attention runs as one fused float kernel", int8_ms=3.0),)
    found = only(time_rules.outside_int8, report(runtime_layers=layers, layers=rows))
    assert found.title == "40 % of the INT8 time is not INT8: F32 30 %, BF16 10 %."
    assert "MatMul 30 %, Softmax 10 %" in found.action
    assert "1 x attention runs as one fused float kernel" in found.action


def test_a_small_share_outside_int8_is_not_mentioned() -> None:
    layers = timed(("Convolution", "U8", 9.0), ("Softmax", "F32", 1.0))
    assert list(time_rules.outside_int8(report(runtime_layers=layers))) == []


@pytest.mark.parametrize(
    ("reason", "preset", "option"),
    [
        ("ignored, as the settings ask", "performance", "take --ignore-name"),
        ("its output in INT8 would be poor (predicted 1.0 dB)", "performance", "--preset mixed"),
        ("its output in INT8 would be poor (predicted 1.0 dB)", "mixed", ""),
    ],
)
def test_the_option_follows_from_the_reason(reason: str, preset: str, option: str) -> None:
    layers = timed(("Convolution", "U8", 5.0), ("MatMul", "F32", 5.0))
    rows = (row("m", type="MatMul", precision="float", reason=reason, int8_ms=5.0),)
    settings = make_settings({"preset": preset})
    found = only(time_rules.outside_int8, report(runtime_layers=layers, layers=rows, settings=settings))
    assert option in found.action
    assert option or "--preset" not in found.action


def test_much_time_in_conversions_names_the_longest() -> None:
    layers = timed(("Reorder", "F32", 0.5), ("Convolution", "U8", 8.0), ("Convert", "F32", 1.5))
    found = only(time_rules.converting, report(runtime_layers=layers))
    assert found.title == "20 % of the INT8 time is spent in 2 Reorder, Convert and FakeQuantize layers."
    assert "Convert2 (1.50 ms)" in found.action and "--ignore-name" in found.action


def test_little_time_in_conversions_is_not_mentioned() -> None:
    layers = timed(("Reorder", "F32", 0.5), ("Convolution", "U8", 9.0))
    assert list(time_rules.converting(report(runtime_layers=layers))) == []


def test_float_islands_are_runs_between_int8_layers() -> None:
    layers = timed(
        ("MVN", "F32", 9.0),
        ("Convolution", "U8", 5.0),
        ("Softmax", "F32", 1.0),
        ("Reorder", "F32", 1.0),
        ("MVN", "F32", 2.0),
        ("Convolution", "I8", 5.0),
        ("Gather", "I32", 1.0),
        ("Softmax", "F32", 9.0),
    )
    found = only(time_rules.islands, report(runtime_layers=layers))
    assert found.title == "1 float island between INT8 layers takes 3.00 ms, 9 % of the INT8 time."
    assert "Softmax2 (Softmax) and 1 more, 3.00 ms" in found.action


def test_float_at_the_ends_is_no_island() -> None:
    layers = timed(("MVN", "F32", 9.0), ("Convolution", "U8", 5.0), ("Softmax", "F32", 9.0))
    assert list(time_rules.islands(report(runtime_layers=layers))) == []


def test_quantized_layers_that_ran_in_float_are_named_with_the_option() -> None:
    rows = (row("a b", runtime_precision="F32"), row("c", runtime_precision="U8"), row("d", runtime_precision=None))
    found = only(time_rules.ran_in_float, report(layers=rows))
    assert found.title == "1 INT8 layers ran in float on this device, such as a b."
    assert "--ignore-name 'a b'" in found.action


def test_additions_in_float_are_the_business_of_the_runtime() -> None:
    rows = (row("sum", type="Add", runtime_precision="F32"),)
    assert list(time_rules.ran_in_float(report(layers=rows))) == []


def test_a_cpu_without_vnni_is_mentioned_beside_the_good_news() -> None:
    found = advise(report(machine=WITHOUT_VNNI))
    assert [advice.kind for advice in found] == ["good", "info"]
    assert found[1].title == "This CPU has no VNNI, so that INT8 gains less here: 2.50 times the speed of FP32."
    assert "--overflow-guard off" in found[1].action


def test_vnni_does_not_matter_on_other_devices_or_unknown_machines() -> None:
    for fields in ({"settings": make_settings({"device": "GPU"}), "machine": WITHOUT_VNNI}, {"machine": None}):
        assert list(time_rules.no_vnni(report(**fields))) == []


# accuracy


def test_a_poor_result_points_at_the_input_settings() -> None:
    found = only(accuracy_rules.poor, report(sqnr_db=6.12, drop_points=0.0))
    assert found.title == "The result is poor: output SQNR 6.1 dB, drop 0.00 points."
    assert "--mean" in found.action and "--preset mixed" in found.action


def test_a_drop_of_more_than_five_points_is_poor() -> None:
    assert only(accuracy_rules.poor, report(drop_points=7.0)).kind == "warning"


def test_a_drop_of_a_metric_without_percent_is_not_poor_by_its_number() -> None:
    assert list(accuracy_rules.poor(report(unit="dB", baseline=300.0, drop_points=7.0))) == []


def test_a_large_sure_drop_names_the_layers_that_lose_most() -> None:
    rows = (row("a", output_db=40.0), row("b", output_db=39.0), row("c d", output_db=24.0), row("e", output_db=20.0))
    found = only(accuracy_rules.large_drop, report(drop_points=2.5, drop_interval=(1.0, 4.0), layers=rows))
    assert found.title == "INT8 loses 2.50 points of top1 (95 %: 1.00 to 4.00)."
    assert "falls most at c d (by 15 dB to 24 dB), e (by 4 dB to 20 dB)." in found.action
    assert "--ignore-name 'c d'" in found.action


LARGE: dict[str, Any] = {"drop_points": 2.5, "drop_interval": (1.0, 4.0)}
ANNOTATED = small_report().dataset.model_copy(update={"is_annotated": True})


def test_where_samples_are_annotated_the_accuracy_aware_method_is_the_first_remedy() -> None:
    found = only(accuracy_rules.large_drop, report(**LARGE, validation=ANNOTATED))
    assert found.action.startswith("To win it back, --method accuracy-aware --max-drop 0.5 mends")
    assert "accuracy-aware" in only(accuracy_rules.large_drop, report(**LARGE, dataset=ANNOTATED)).action


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dataset": ANNOTATED, "validation": ANNOTATED.model_copy(update={"is_annotated": False})},
        {"dataset": ANNOTATED, "kind": "comparison"},
        {"dataset": ANNOTATED, "settings": make_settings({"method": "accuracy-aware"})},
    ],
    ids=["no annotations", "validation without", "comparison", "was used already"],
)
def test_the_accuracy_aware_method_is_not_suggested_where_it_cannot_help(fields: dict[str, Any]) -> None:
    assert "accuracy-aware" not in only(accuracy_rules.large_drop, report(**LARGE, **fields)).action


def test_after_a_search_a_drop_within_its_limit_is_no_warning() -> None:
    allowed = searched_report(limits=(Limit("top1", 3.0),)).model_copy(update=LARGE)
    assert list(accuracy_rules.large_drop(allowed)) == []
    assert [advice.kind for advice in advise(allowed)] == ["good"]


def test_a_limit_that_was_not_reached_names_the_layers_and_what_to_do() -> None:
    found = only(search_rules.not_reached, missed_report())
    assert found.kind == "warning"
    assert found.title == "Not reached: 0.61 of 0.5 points allowed."
    assert found.action.startswith(
        "The layers responsible: mobile/block0/depthwise/Conv2D (an estimated 1.79 points of what plain INT8 loses, "
        "float here), mobile/block11/expand/Conv2D"
    )
    assert found.action.endswith(
        "Calibrate with more and more varied samples or --preset mixed, or allow what was found: --max-drop 0.61."
    )
    assert "mobile/block1/depthwise" not in found.action


def test_a_limit_that_was_not_reached_in_bf16_may_be_in_f32() -> None:
    found = only(search_rules.not_reached, missed_report().model_copy(update={"inference_precision": "bf16"}))
    assert found.action.endswith(
        "or --preset mixed, or with float layers that are exact, for bf16 costs accuracy of its own: "
        "--inference-precision f32, or allow what was found: --max-drop 0.61."
    )


def test_a_spent_budget_is_the_first_to_be_enlarged() -> None:
    bounded = make_settings({"method": "accuracy-aware", "accuracy": {"time_budget_s": 60}, "preset": "mixed"})
    found = only(search_rules.not_reached, missed_report().model_copy(update={"settings": bounded}))
    assert "Go on with --resume and a larger --time-budget or --max-trials, or calibrate with more" in found.action
    assert "mixed" not in found.action


def test_a_limit_that_is_kept_at_no_gain_asks_for_another_device() -> None:
    why = "The accuracy holds, but INT8 is no faster here: 30.1 samples a second, 31.0 without INT8."
    found = only(search_rules.not_reached, searched_report(is_reached=False, why_not=why))
    assert found.title == "Not reached, though the limit is kept (0.31 of 0.5 points allowed)."
    assert found.action == f"{why} Keep the FP32 model here, or measure where INT8 is faster."


def test_the_drop_to_allow_is_never_below_what_was_found() -> None:
    found = only(search_rules.not_reached, missed_report().model_copy(update={"drop_points": 0.6123}))
    assert "--max-drop 0.62" in found.action


def test_too_few_samples_for_the_limit_say_the_number_needed() -> None:
    few = searched_report(needed_samples=12_345, held_out=None)
    found = only(search_rules.too_few_to_tell, few)
    assert found.title == "To tell a drop of 0.5 points from noise about 12,000 images are needed; these are 5,000."
    assert "--holdout" in found.action
    assert list(accuracy_rules.few_samples(few.model_copy(update={"drop_interval": (-3.0, 3.0)}))) == []
    assert list(search_rules.too_few_to_tell(searched_report())) == []
    assert list(search_rules.too_few_to_tell(searched_report(needed_samples=None))) == []


@pytest.mark.parametrize(
    ("drop", "interval", "kinds"),
    [(0.4, (-0.2, 1.0), []), (0.9, (0.2, 1.6), ["info"]), (0.9, (0.6, 1.2), ["warning"]), (0.9, None, ["info"])],
)
def test_held_out_samples_that_lose_more_are_said(drop: float, interval: Any, kinds: list[str]) -> None:
    held = searched_report(held_out=HeldOut(1000, 74.9, 74.9 - drop, drop, interval))
    found = list(search_rules.worse_elsewhere(held))
    assert [advice.kind for advice in found] == kinds
    assert all("more than the 0.5 points allowed" in advice.title for advice in found)


@pytest.mark.parametrize("rule", [search_rules.not_reached, search_rules.too_few_to_tell, search_rules.worse_elsewhere])
def test_without_a_search_its_rules_are_silent(rule: Rule) -> None:
    assert list(rule(report(**LARGE))) == []


def test_a_loss_that_the_next_layers_win_back_is_no_loss() -> None:
    rows = (
        row("a", output_db=30.0),
        row("branch", output_db=15.0),
        row("sum", output_db=29.0),
        row("b", output_db=22.0),
    )
    found = only(accuracy_rules.large_drop, report(drop_points=2.5, drop_interval=(1.0, 4.0), layers=rows))
    assert "falls most at b (by 7 dB to 22 dB)." in found.action


def test_without_measured_errors_the_prediction_stands_in() -> None:
    rows = (row("a", input_db=30.0), row("b", input_db=12.0))
    found = only(accuracy_rules.large_drop, report(drop_points=2.5, drop_interval=None, layers=rows))
    assert "by prediction: b (12 dB), a (30 dB)" in found.action


@pytest.mark.parametrize(
    "fields",
    [{"drop_points": 0.9, "drop_interval": (0.5, 1.3)}, {"drop_points": 2.5, "drop_interval": (-1.0, 6.0)}],
    ids=["small", "within the noise"],
)
def test_a_small_or_unsure_drop_names_no_layers(fields: dict[str, Any]) -> None:
    assert list(accuracy_rules.large_drop(report(**fields))) == []


def test_other_units_are_judged_by_their_share() -> None:
    large = report(unit="dB", metric="psnr", baseline=30.0, drop_points=0.4, drop_interval=(0.35, 0.45))
    assert only(accuracy_rules.large_drop, large).title.startswith("INT8 loses 0.40 dB of psnr")
    small = report(unit="dB", metric="psnr", baseline=30.0, drop_points=0.2, drop_interval=(0.15, 0.25))
    assert list(accuracy_rules.large_drop(small)) == []


def test_few_samples_say_how_many_would_do() -> None:
    found = only(accuracy_rules.few_samples, report(evaluated=150, drop_points=1.5, drop_interval=(-0.5, 3.5)))
    assert found.title == "150 samples tell the drop only to +-2.00 points (95 %: -0.50 to 3.50)."
    assert found.action.startswith("About 600 annotated samples")


@pytest.mark.parametrize("interval", [(34.0, 47.0), (-5.4, -0.6)], ids=["surely large", "surely none"])
def test_a_drop_that_is_decided_needs_no_more_samples(interval: tuple[float, float]) -> None:
    assert list(accuracy_rules.few_samples(report(evaluated=50, drop_interval=interval))) == []


def test_changed_answers_with_an_equal_score() -> None:
    found = only(accuracy_rules.changed_answers, report(agreement=92.0, drop_points=-0.2))
    assert found.title == "8.0 % of the answers changed (80 of 1,000), though the drop is only -0.20 points."
    assert list(accuracy_rules.changed_answers(report(agreement=92.0, drop_points=2.0))) == []
    assert list(accuracy_rules.changed_answers(report(agreement=92.0, metric="agreement", drop_points=0.0))) == []


def test_answers_that_depend_on_the_batch() -> None:
    found = only(accuracy_rules.batches, report(batch_agreement=94.0))
    assert "94 %" in found.title and found.action == "Deploy it at batch 1."
    assert list(accuracy_rules.batches(report(batch_agreement=100.0))) == []


def test_advice_on_the_full_sample_is_stable() -> None:
    assert advise(full_report()) == advise(full_report())


@pytest.mark.parametrize("searched", [True, False])
def test_advice_of_the_caffe_calibrator_names_options_that_it_has(searched: bool) -> None:
    said = advise(faulty(make_settings({"caffe": {}}), searched))
    assert len(said) > 4
    options = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", (GOLDEN / "caffe.txt").read_text()))
    named = {word for each in said for word in re.findall(r"(?<![\w-])--?[a-z][\w-]*", each.action)}
    assert named <= options
    assert {"-l", "-i"} <= named if searched else {"-l", "-q", "--mean"} <= named


def test_the_drop_to_allow_is_written_as_a_share_and_rounded_up() -> None:
    caffe = report(settings=make_settings({"caffe": {}}))
    assert option_words.allow(caffe, 75.0) == "-l 0.7500"
    assert option_words.allow(caffe, 1.2345) == "-l 0.0124"
    assert option_words.allow(report(), 1.2345) == "--max-drop 1.24"


def faulty(settings: Settings, searched: bool) -> Report:
    """As many rules fire as can at once."""
    bad = {
        "settings": settings,
        "validation": DatasetFiles(path="d", sha256="0", samples=50, is_annotated=True),
        "machine": WITHOUT_VNNI,
        "runtime_layers": timed(("Convolution", "U8", 1.0), ("Reorder", "F32", 1.0), ("Convolution", "F32", 1.0)),
        **speeds(100, 90),
    }
    if searched:
        missed = missed_report()
        assert missed.search is not None
        search = missed.search.model_copy(update={"needed_samples": 10**6, "needed": "About 10**6 would do."})
        return missed.model_copy(update={**bad, "search": search})
    lost = {"drop_points": 8.0, "drop_interval": (5.0, 11.0), "sqnr_db": 4.0}
    return report(**{**bad, **lost})
