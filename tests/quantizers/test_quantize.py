"""The steps in one: what is measured, what is kept apart, and what is said when nothing can be done."""

import numpy as np
import openvino as ov
import pytest
from calibrating import decibels, random_samples, runtime_precisions
from graphs import conv, data, matmul, model, relu, weights
from openvino import opset13 as ops

from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.errors import ModelError
from calibench.models.normalise import normalise
from calibench.progress import silent
from calibench.quantizers.quantize import KEPT_APART, LEAST_FOR_CHOICE, OVERFLOWS, quantize
from calibench.settings import Settings


def calibrated(fp32, samples, threads=1, **settings):
    made = Settings(**settings)
    plan = plan_inputs(fp32, made, images=False)
    return quantize(normalise(fp32), Arrays(samples), made, plan, threads, silent)


def classifier(shape=(1, 4, 8, 8)):
    x = data(*shape)
    first = relu(conv(x, (8, 4, 3, 3), "first"))
    pooled = ops.reduce_mean(relu(conv(first, (8, 8, 3, 3), "second"), "relu2"), np.array([2, 3]), True)
    flat = ops.reshape(pooled, np.array([0, 8]), True)
    return model(ops.softmax(matmul(flat, (8, 5), "classes"), 1, name="softmax"), x)


def test_few_samples_give_the_safe_recipe():
    fp32 = classifier()
    found = calibrated(fp32, random_samples(fp32, LEAST_FOR_CHOICE - 1), exact_subset=True)
    assert found.trials == ()
    assert found.used == LEAST_FOR_CHOICE - 1
    assert found.quantization.recipe.range_rule == "mse"
    assert decibels(fp32, found.graph, random_samples(fp32, seed=4)) > 25


def test_the_recipe_with_the_least_error_on_samples_kept_apart_is_taken():
    fp32 = classifier()
    found = calibrated(fp32, random_samples(fp32, LEAST_FOR_CHOICE), exact_subset=True)
    assert found.used == LEAST_FOR_CHOICE - KEPT_APART
    assert 1 <= len(found.trials) <= 3
    best = min(found.trials, key=lambda trial: trial.error_db)
    assert found.quantization.recipe.name == best.recipe
    assert {trial.samples for trial in found.trials} == {KEPT_APART}


@pytest.mark.parametrize("preset", ["performance", "mixed"])
def test_the_model_has_the_same_bytes_whatever_the_number_of_threads(preset, tmp_path):
    fp32 = classifier()
    for threads in (1, 2):
        found = calibrated(fp32, random_samples(fp32, 40), threads, preset=preset)
        ov.save_model(found.graph, tmp_path / f"{threads}.xml", compress_to_fp16=False)
    for ending in ("xml", "bin"):
        assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes()


def test_a_dynamic_model_stays_dynamic():
    fp32 = classifier((-1, 4, -1, -1))
    found = calibrated(fp32, random_samples(fp32, 20))
    assert found.graph.inputs[0].partial_shape == ov.PartialShape([-1, 4, -1, -1])
    assert {precision for _, precision in runtime_precisions(found.graph)} <= {"u8", "i8"}


def test_samples_of_different_sizes_can_be_measured():
    fp32 = classifier((-1, 4, -1, -1))
    samples = [sample for size in (8, 12) for sample in random_samples(fp32, 10, size=size)]
    found = calibrated(fp32, samples)
    assert found.used == 20
    assert decibels(fp32, found.graph, samples) > 25


def test_layers_that_lead_to_an_integer_output_alone_are_calibrated_beside_a_float_output():
    x = data(1, 4, 8, 8)
    first = relu(conv(x, (8, 4, 3, 3), "first"))
    scores = conv(relu(conv(first, weights(8, 8, 1, 1), "branch"), "relu2"), (5, 8, 1, 1), "scores")
    count = ops.constant(np.int64(1), name="count")
    classes = ops.topk(scores, count, 1, "max", "value", name="top")
    results = [ops.result(classes.output(1), name="classes"), ops.result(conv(first, (4, 8, 1, 1), "boxes"), name="b")]
    fp32 = ov.Model(results, [x])
    found = calibrated(fp32, random_samples(fp32, 20))
    assert {layer.name for layer in found.quantization.placement.layers} == {"first", "branch", "scores", "boxes"}


def test_layers_behind_a_final_softmax_are_no_trouble():
    x = data(1, 8)
    first = matmul(x, (8, 8), "first")
    fp32 = model([ops.softmax(first, 1, name="softmax"), ops.relu(first, name="other")], x)
    assert calibrated(fp32, random_samples(fp32, 20)).used == 20


def test_a_model_without_layers_is_refused_with_the_reason():
    x = data(1, 8)
    with pytest.raises(ModelError, match="no layer that can run in INT8"):
        calibrated(model(relu(x), x), [{"data": np.ones((1, 8), np.float32)}])


def test_a_model_whose_layers_are_all_ignored_is_refused_with_the_reason():
    fp32 = classifier()
    with pytest.raises(ModelError, match="ignored"):
        calibrated(fp32, random_samples(fp32, 2), ignored={"types": ("Convolution", "MatMul")})


def test_activations_that_are_not_finite_are_refused_with_advice():
    fp32 = classifier()
    broken = [{"data": np.full((1, 4, 8, 8), np.nan, np.float32)}] * 3
    with pytest.raises(ModelError, match="Check the input settings"):
        calibrated(fp32, broken)


def test_weights_that_are_not_finite_do_not_reach_the_result():
    x = data(1, 4, 8, 8)
    values = np.ones((4, 4, 1, 1), np.float32)
    values[1, 2] = np.nan
    fp32 = model([conv(x, ops.constant(values), "broken"), conv(x, (4, 4, 1, 1), "fine")], x)
    with pytest.raises(ModelError, match="Layer broken has weights that are NaN or infinite"):
        calibrated(fp32, random_samples(fp32, 20))


def test_weights_on_the_left_stay_in_float_where_16_bit_sums_would_overflow():
    x = data(1, 16, 6)
    fp32 = model(matmul(relu(matmul(weights(24, 16), x, "left")), (6, 5), "right"), x)
    found = calibrated(fp32, random_samples(fp32, 20), overflow_guard="on")
    assert {layer.name: layer.reason for layer in found.quantization.placement.left_float}["left"] == OVERFLOWS
