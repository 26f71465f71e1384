"""The converters on tiny networks made by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from benchmarks.zoo.converters.bert import BertShape, build_bert
from benchmarks.zoo.converters.keras import build_keras, read_h5, read_layers_model
from benchmarks.zoo.converters.tfjs import frozen_graph, read_weights

from calibench.errors import ModelError

KERNEL = np.arange(2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2)
BIAS = np.array([1, -1], np.float32)


def infer(model: ov.Model, *inputs: np.ndarray) -> np.ndarray:
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(list(inputs))[0]


def convolved(image: np.ndarray) -> np.ndarray:
    """The kernel over an image [1, H, W, 3] without padding, then the bias; by its definition."""
    windows = np.lib.stride_tricks.sliding_window_view(image[0], (2, 2), axis=(0, 1))
    return (np.einsum("hwcij,ijco->hwo", windows, KERNEL) + BIAS)[None]


def layer(kind: str, name: str, *sources: str, **config: Any) -> dict[str, Any]:
    inbound = [[[source, 0, 0, {}] for source in sources]] if sources else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": inbound}


def small_network() -> list[dict[str, Any]]:
    return [
        layer("InputLayer", "in"),
        layer("Conv2D", "conv", "in", strides=[1, 1], padding="valid", activation="linear"),
        layer("ReLU", "relu", "conv", max_value=6.0),
    ]


def write_tfjs(folder: Path, topology: dict[str, Any], weights: dict[str, np.ndarray], **stored: str) -> Path:
    """A model with one weight file; `stored` says as what some weights are kept."""
    entries, raw = [], b""
    for name, values in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": str(values.dtype)}
        if name in stored:
            entry["quantization"] = {"dtype": stored[name]}
        raw += values.astype(stored.get(name, values.dtype)).tobytes()
        entries.append(entry)
    (folder / "weights.bin").write_bytes(raw)
    manifest = [{"paths": ["weights.bin"], "weights": entries}]
    (folder / "model.json").write_text(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))
    return folder / "model.json"


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    weights = read_weights(write_tfjs(tmp_path, {}, {"a": BIAS, "b": np.array([3], np.int32)}, a="float16"))
    assert weights["a"].dtype == np.float32
    np.testing.assert_array_equal(weights["a"], BIAS)
    np.testing.assert_array_equal(weights["b"], [3])


def test_weights_stored_as_integers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="stored as uint8"):
        read_weights(write_tfjs(tmp_path, {}, {"a": BIAS}, a="uint8"))


def test_a_short_weight_file_names_the_weight(tmp_path: Path) -> None:
    path = write_tfjs(tmp_path, {}, {"a": BIAS})
    (tmp_path / "weights.bin").write_bytes(b"\0" * 5)
    with pytest.raises(ModelError, match="end before a"):
        read_weights(path)


def test_a_graph_model_becomes_a_graph_that_openvino_reads(tmp_path: Path) -> None:
    sides = [{"size": "1"}, {"size": "4"}, {"size": "5"}, {"size": "3"}]
    float32 = {"type": "DT_FLOAT"}
    nodes = [
        {"name": "in", "op": "Placeholder", "attr": {"dtype": float32, "shape": {"shape": {"dim": sides}}}},
        {"name": "kernel", "op": "Const"},
        {
            "name": "conv",
            "op": "Conv2D",
            "input": ["in", "kernel"],
            "attr": {
                "T": float32,
                "padding": {"s": "VkFMSUQ="},  # VALID
                "strides": {"list": {"i": ["1", "1", "1", "1"]}},
                "data_format": {"s": "TkhXQw=="},  # NHWC
            },
        },
        {"name": "leaky", "op": "LeakyRelu", "input": ["conv"], "attr": {"T": float32, "alpha": {"f": 0.25}}},
    ]
    path = write_tfjs(tmp_path, {"node": nodes}, {"kernel": KERNEL})
    (tmp_path / "graph.pb").write_bytes(frozen_graph(path))
    image = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    expected = convolved(image) - BIAS
    result = infer(ov.Core().read_model(tmp_path / "graph.pb"), image)
    np.testing.assert_allclose(result, np.where(expected < 0, expected / 4, expected), atol=1e-4)


def test_fused_operations_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="_FusedConv2D"):
        frozen_graph(write_tfjs(tmp_path, {"node": [{"name": "conv", "op": "_FusedConv2D"}]}, {}))


def test_keras_layers_compute_what_their_definition_says() -> None:
    model = build_keras(small_network(), {"conv/kernel": KERNEL, "conv/bias": BIAS}, (4, 5))
    image = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(infer(model, image), np.clip(convolved(image), 0, 6), atol=1e-4)


def test_a_depthwise_layer_filters_each_channel_alone() -> None:
    depthwise = layer("DepthwiseConv2D", "dw", "in", strides=[1, 1], padding="valid", use_bias=False)
    kernel = np.array([1, 10, 100], np.float32).reshape(1, 1, 3, 1)
    image = np.ones((1, 2, 2, 3), np.float32)
    model = build_keras([layer("InputLayer", "in"), depthwise], {"dw/kernel": kernel}, (2, 2))
    np.testing.assert_array_equal(infer(model, image)[0, 0, 0], [1, 10, 100])


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(ModelError, match=r"lstm: kind LSTM"):
        build_keras([layer("InputLayer", "in"), layer("LSTM", "lstm", "in")], {}, (4, 5))


def test_both_kinds_of_keras_files_give_the_same_network(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    description = {"class_name": "Functional", "config": {"layers": small_network()}}
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(description)
        file["model_weights/conv/conv/kernel:0"], file["model_weights/conv/conv/bias:0"] = KERNEL, BIAS
    path = write_tfjs(tmp_path, {"model_config": description}, {"conv/kernel": KERNEL, "conv/bias": BIAS})
    image = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    one, other = read_h5(tmp_path / "model.h5", (4, 5)), read_layers_model(path, (4, 5))
    np.testing.assert_array_equal(infer(one, image), infer(other, image))


def bert_weights(width: int, inner: int, words: int, tokens: int) -> dict[str, np.ndarray]:
    shapes = {f"embeddings.{name}_embeddings.weight": (rows, width)
              for name, rows in (("word", words), ("position", tokens), ("token_type", 2))}  # fmt: skip
    block = "encoder.layer.0."
    norms = ("embeddings.LayerNorm", f"{block}attention.output.LayerNorm", f"{block}output.LayerNorm")
    dense = {f"{block}attention.self.{part}": (width, width) for part in ("query", "key", "value")}
    dense |= {f"{block}attention.output.dense": (width, width), f"{block}intermediate.dense": (inner, width)}
    dense |= {f"{block}output.dense": (width, inner)}
    shapes |= {f"{name}.weight": shape for name, shape in dense.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in dense.items()}
    shapes |= {f"{name}.{part}": (width,) for name in norms for part in ("weight", "bias")}
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_padding_does_not_change_a_sentence() -> None:
    model = build_bert(bert_weights(8, 16, 20, 6), BertShape(layers=1, heads=2, tokens=6))
    mask = np.array([[1, 1, 1, 0, 0, 0]])
    one = infer(model, np.array([[3, 5, 7, 0, 0, 0]]), mask)
    other = infer(model, np.array([[3, 5, 7, 9, 9, 9]]), mask)
    np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-6)
    assert not np.allclose(one, infer(model, np.array([[3, 5, 8, 0, 0, 0]]), mask), atol=1e-3)
