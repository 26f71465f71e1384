"""Models that are no picture classifiers: texts, state, several inputs, sequences, control flow, boxes."""

import re

import numpy as np
import openvino as ov
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

import made_models as made
from calibench.errors import DatasetError, ModelError, SettingsError
from calibench.inference.benchmark import BenchmarkSettings
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.models.read import read_model
from calibench.pipeline import benchmark, calibrate, inspect
from calibench.settings import Settings

SAMPLES = 16


def saved(tmp_path, graph):
    path = tmp_path / f"{graph.get_friendly_name()}.xml"
    ov.save_model(graph, path, compress_to_fp16=False)
    return path


def folder(tmp_path, make, count=SAMPLES):
    """One .npz file a sample; `make` gets a generator and the number of the sample."""
    path = tmp_path / "samples"
    path.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        np.savez(path / f"{number:02}.npz", **make(random, number))
    return path


def rows(random, number):
    return {"x": random.standard_normal((1, 8)).astype(np.float32)}


def sequences(random, number):
    return {"x": random.standard_normal((1, 2 + number % 5, 8)).astype(np.float32)}


def tokens(random, number):
    length = int(random.integers(3, 20))
    return {"input_ids": random.integers(0, made.WORDS, length), "attention_mask": np.ones(length, np.int64)}


def run(tmp_path, graph, make):
    return calibrate(saved(tmp_path, graph), folder(tmp_path, make), benchmark=False).report


def floats(report):
    return {row.name: row.reason for row in report.layers if row.precision == "float"}


def int8(report):
    return {row.name for row in report.layers if row.precision == "int8"}


# --- Control flow


@pytest.mark.parametrize(
    ("graph", "make", "inside"),
    [
        (
            made.with_if,
            lambda random, number: {
                "x": random.standard_normal((1, 3, 8, 8)).astype(np.float32),
                "flag": np.array(number % 2 == 0),
            },
            {"choice/then/wide": "If", "choice/else/narrow": "If"},
        ),
        (made.recurrence, sequences, {"steps/from_input": "TensorIterator", "steps/from_state": "TensorIterator"}),
        (made.loop, rows, {"repeat/again": "Loop"}),
    ],
    ids=["if", "tensor iterator", "loop"],
)
def test_layers_inside_of_control_flow_are_listed_with_their_reason(tmp_path, graph, make, inside):
    report = run(tmp_path, graph(), make)
    found = floats(report)
    for name, kind in inside.items():
        assert found[name] == f"stands in the body of {kind}, which runs in float"
    assert int8(report)
    assert report.sqnr_db > 15


def test_inspect_lists_them_too(tmp_path):
    found = inspect(saved(tmp_path, made.with_if()), Settings())
    assert {each["name"] for each in found.as_json()["float"]} >= {"choice", "choice/then/wide", "choice/else/narrow"}
    assert any("choice/then/wide" in line for line in found.lines)


def test_a_model_with_all_its_layers_inside_is_refused_with_the_reason(tmp_path):
    with pytest.raises(ModelError) as error:
        run(tmp_path, made.recurrence(has_layer_outside=False), sequences)
    assert str(error.value).endswith(
        "recurrence.xml: The model holds no layer that can run in INT8: no convolution or MatMul with constant "
        "weights. Left in float: 2 MatMul (stands in the body of TensorIterator, which runs in float)."
    )


def test_the_weights_inside_of_control_flow_count(tmp_path):
    inside = 2 * 8 * 8 * 4  # two dense layers, float32
    assert read_model(saved(tmp_path, made.recurrence(has_layer_outside=False))).weights_bytes >= inside


def test_a_recurrent_layer_between_dense_ones_keeps_its_kernel(tmp_path):
    report = run(tmp_path, made.gru(), sequences)
    assert floats(report)["gru"] == "recurrent layers run in float"
    assert int8(report) == {"outside"}


# --- Inputs


def numbers(random, number):
    return rows(random, number) | {"rate": np.array(1 + number % 3)}


def test_an_input_may_be_a_single_number(tmp_path):
    report = run(tmp_path, made.with_a_number(), numbers)
    assert int8(report) == {"first", "y"}


def test_single_numbers_stand_along_the_first_axis_of_one_file(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "samples.npz"
    np.savez(path, x=random.standard_normal((SAMPLES, 8)).astype(np.float32), rate=np.arange(SAMPLES) % 3 + 1)
    found = calibrate(saved(tmp_path, made.with_a_number()), path, Settings(threads=1))  # with all measurements
    assert found.report.speedup > 0


def test_a_single_number_cannot_be_stacked_to_a_batch(tmp_path):
    with pytest.raises(SettingsError, match="--batch 2: an input is a single number"):
        calibrate(saved(tmp_path, made.with_a_number()), folder(tmp_path, numbers), Settings(batch=2), benchmark=False)


def test_two_inputs_of_which_one_differs_in_length(tmp_path):
    def make(random, number):
        return rows(random, number) | {"notes": random.standard_normal((1, 3 + number % 4, 6)).astype(np.float32)}

    report = run(tmp_path, made.two_inputs(), make)
    assert int8(report) == {"of_x", "of_notes", "y"}
    assert report.metric == "agreement"


# --- What a model keeps or fixes inside


def test_a_model_with_a_state_begins_every_sample_anew():
    random = np.random.default_rng(0)
    samples = [rows(random, number) for number in range(6)]
    compiled = compile_for_samples(made.stateful(), "CPU", 2)
    found = [outputs[0] for outputs in infer_all(compiled, samples)]
    alone = [compiled.create_infer_request().infer(sample)[0] for sample in samples]
    np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-6)


def test_a_model_with_a_state_is_calibrated_and_keeps_it(tmp_path):
    found = calibrate(saved(tmp_path, made.stateful()), folder(tmp_path, rows), benchmark=False)
    assert int8(found.report) == {"inside", "y"}
    assert found.report.sqnr_db > 15
    request = ov.Core().compile_model(found.model, "CPU").create_infer_request()
    sample = rows(np.random.default_rng(1), 0)
    first, second = (request.infer(sample)[0].copy() for _ in range(2))
    assert np.abs(second).max() > 1.5 * np.abs(first).max()  # the sum went on


@pytest.mark.parametrize("lengths", [(5,), (5, 6, 7)], ids=["one length", "several"])
def test_a_length_that_is_fixed_inside_is_one_sentence(tmp_path, lengths):
    def make(random, number):
        length = lengths[number % len(lengths)]
        return {"input_ids": random.integers(0, 50, length), "attention_mask": np.ones(length, np.int64)}

    with pytest.raises(DatasetError) as error:
        run(tmp_path, made.text_classifier(has_positions=True), make)
    said = str(error.value)
    assert re.match(r"Sample 0: the model cannot run input_ids \[1, \d\], attention_mask \[1, \d\] \(", said)
    assert said.endswith(
        "Where an axis is free at its inputs and fixed inside, as by a table of positions, give samples of that length "
        "(texts: data.max_tokens), or export it with a free one."
    )


def test_the_length_that_is_fixed_inside_calibrates(tmp_path):
    def make(random, number):
        ids = random.integers(0, 50, made.LONGEST)
        return {"input_ids": ids, "attention_mask": np.ones(made.LONGEST, np.int64)}

    assert run(tmp_path, made.text_classifier(has_positions=True), make).metric == "agreement"


def test_benchmark_says_it_too(tmp_path):
    path = saved(tmp_path, made.text_classifier(has_positions=True))
    with pytest.raises(DatasetError, match=r"^The model cannot run input_ids \[1, 5\]"):
        benchmark([path], None, Settings(), BenchmarkSettings(shapes={"": (1, 5)}))


# --- Boxes, with suppression inside


def test_outputs_that_vary_in_length_are_compared_and_told(tmp_path):
    def make(random, number):
        return {"x": random.standard_normal((1, 3, 16, 16)).astype(np.float32)}

    report = run(tmp_path, made.finder(), make)
    assert (report.metric, report.agreement) == ("cosine", None)
    told = [note for note in report.notes if note.startswith("Output boxes is longer or shorter in INT8 than in FP32")]
    assert len(told) == 1
    assert report.sqnr_db is None
    assert "left out of the SQNR" in told[0]
    assert not any("poor" in each.title for each in report.advice)
    assert 0 < report.int8 < 1


# --- Texts


def write_texts(path, count=24):
    """A table of words and classes, and the tokenizer beside it."""
    words = {"[UNK]": 0} | {f"w{number}": number for number in range(1, made.WORDS)}
    own = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    own.pre_tokenizer = Whitespace()
    own.save(str(path.parent / "tokenizer.json"))
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{random.integers(1, made.WORDS)}" for _ in range(random.integers(3, 9))) for _ in range(count)]
    path.write_text("text,label\n" + "".join(f"{text},{number % made.CLASSES}\n" for number, text in enumerate(texts)))
    return path


def test_a_text_classifier_from_a_table(tmp_path):
    report = calibrate(
        saved(tmp_path, made.text_classifier()), write_texts(tmp_path / "texts.csv"), benchmark=False
    ).report
    assert (report.task, report.metric, report.evaluated) == ("classification", "top1", 12)
    assert {"query", "key", "value", "pool", "logits"} <= int8(report)
    assert report.agreement > 80


def test_texts_of_another_length_than_the_positions_need_a_model_that_says_its_length(tmp_path):
    path, table = saved(tmp_path, made.text_classifier(has_positions=True)), write_texts(tmp_path / "texts.csv")
    with pytest.raises(DatasetError, match=r"texts: data\.max_tokens"):
        calibrate(path, table, benchmark=False)
    fixed = read_model(path).graph
    fixed.reshape({0: [1, made.LONGEST], 1: [1, made.LONGEST]})
    ov.save_model(fixed, tmp_path / "fixed.xml", compress_to_fp16=False)
    assert calibrate(tmp_path / "fixed.xml", table, benchmark=False).report.metric == "top1"


def test_token_arrays_of_different_lengths_in_one_folder(tmp_path):
    report = run(tmp_path, made.text_classifier(), tokens)
    assert (report.task, report.metric) == ("classification", "agreement")
    assert report.sqnr_db > 15
