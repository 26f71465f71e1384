"""A Caffe project that fits into a second: ten kinds of pictures, a small network that tells them apart, two LMDBs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openvino as ov
from benchmarks.zoo.caffe.data_layers import PHASES, data_layers, scoring_layers
from benchmarks.zoo.caffe.written import write_caffemodel, write_datums

from calibench.caffe.prototxt import read_prototxt
from calibench.caffe_tool.job import CaffeJob
from calibench.models.read import read_model
from calibench.settings import CaffeSettings, Settings

CLASSES, SIDE = 10, 16
BATCHES = {"TRAIN": 8, "TEST": 10}
COUNTS = {"TRAIN": 80, "TEST": 200}
MEAN, SCALE = (110, 120, 130), 0.015625

INPUT = "".join(f"  mean_value: {value}\n" for value in MEAN)
LAYERS = """\
# ---- the trunk ----
layer {
  name: "conv1"  # the first one
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param { lr_mult: 1 }
  made_by { hand: true }
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: false }
}
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" batch_norm_param { use_global_stats: true } }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param { bias_term: true } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer {
  name: "pool1" type: "Pooling"
  bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 }
}
layer {
  name: "dw"
  type: "Convolution"
  bottom: "pool1"
  top: "dw"
  convolution_param {
    num_output: 8
    kernel_size: 3
    pad: 1
    group: 8
    bias_term: false
  }
  # BatchNorm follows
}
layer { name: "bn_dw" type: "BatchNorm" bottom: "dw" top: "dw" batch_norm_param { use_global_stats: true } }
layer { name: "scale_dw" type: "Scale" bottom: "dw" top: "dw" scale_param { bias_term: true } }
layer { name: "relu_dw" type: "ReLU" bottom: "dw" top: "dw" }
layer { name: "pw" type: "Convolution" bottom: "dw" top: "pw" convolution_param { num_output: 16 kernel_size: 1 } }
layer { name: "relu_pw" type: "ReLU" bottom: "pw" top: "pw" }

# ---- a residual ----
layer {
\tname: "branch"
\ttype: "Convolution"
\tbottom: "pw"
\ttop: "branch"
\tconvolution_param { num_output: 16 kernel_size: 3 pad: 1 }
}
layer { name: "sum" type: "Eltwise" bottom: "pw" bottom: "branch" top: "sum" eltwise_param { operation: SUM } }
layer { name: "relu_sum" type: "ReLU" bottom: "sum" top: "sum" }
layer { name: "last" type: "Convolution" bottom: "sum" top: "last" convolution_param { num_output: 16 kernel_size: 3 } }
layer { name: "relu_last" type: "ReLU" bottom: "last" top: "last" }
layer { name: "pool2" type: "Pooling" bottom: "last" top: "pool2" pooling_param { pool: AVE kernel_size: 3 stride: 3 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool2" top: "fc" inner_product_param { num_output: 10 } }
"""
Weights = dict[str, tuple[str, list[np.ndarray]]]


@dataclass(frozen=True)
class TinyProject:
    """The files; `job` asks for what the seed's line asks for."""

    prototxt: Path
    weights: Path

    @property
    def quantized(self) -> Path:
        """Where the calibrator writes the prototxt with scales."""
        return self.prototxt.with_name(f"{self.prototxt.stem}_quantized.prototxt")

    @property
    def folder(self) -> Path:
        """Where the calibrator puts report and IR."""
        return self.prototxt.with_name(f"{self.prototxt.stem}_quantized")

    def job(self, loss: float = 0.05, caffe: CaffeSettings | None = None, **more: object) -> CaffeJob:
        """A job over all TEST pictures; other settings than those of `caffe` and the fields of a job are Settings."""
        fields = {name: more.pop(name) for name in tuple(more) if name in CaffeJob.__dataclass_fields__}
        given = {"overflow_guard": "on", "inference_precision": "f32", "threads": 1, **more}
        settings = Settings(caffe=caffe or CaffeSettings(), **given)
        job = CaffeJob(
            self.prototxt,
            self.weights,
            iterations=COUNTS["TEST"] // BATCHES["TEST"],
            blob="accuracy-top1",
            accuracy_loss=loss,
            settings=settings,
        )
        return replace(job, **fields)


def write_tiny(folder: Path, spread: float = 0.0, text: str = LAYERS, transform: str = "") -> TinyProject:
    """Write the project into a folder; its accuracy is far above chance.

    Args:
        spread: how uneven the channels of the depthwise convolution are, in powers of two.
        text: of the layers between data and scores.
        transform: more fields of transform_param, in place of the mean values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lmdbs = {phase: f"{phase.lower()}_lmdb" for phase in BATCHES}
    for phase, lmdb in lmdbs.items():
        write_datums(folder / lmdb, pictures(COUNTS[phase], PHASES.index(phase)))
    prepared = f"transform_param {{\n  scale: {SCALE}\n{transform or INPUT}  }}  # as it was trained"
    project = TinyProject(folder / "net.prototxt", folder / "net.caffemodel")
    project.prototxt.write_text(
        '# Tiny, and all there.\nname: "tiny"\n' + data_layers(lmdbs, BATCHES, prepared) + text + scoring_layers("fc")
    )
    write_caffemodel(project.weights, "tiny", trained(project, spread))
    return project


def pictures(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Noisy pictures uint8 [3, SIDE, SIDE] of ten patterns, which are the same for every seed."""
    patterns = np.kron(np.random.default_rng(7).normal(0, 30, (CLASSES, 3, 4, 4)), np.ones((1, 1, 4, 4)))
    random = np.random.default_rng([seed, 1])
    for number in range(count):
        label = number % CLASSES
        noise = random.normal(0, 45, (3, SIDE, SIDE))
        yield np.clip(120 + patterns[label] + noise, 0, 255).astype(np.uint8), label


def trained(project: TinyProject, spread: float) -> Weights:
    """Random layers, and an inner product by least squares on what they make of other pictures."""
    weights = random_layers(spread)
    weights["fc"] = ("InnerProduct", [np.zeros((CLASSES, 64), np.float32), np.zeros(CLASSES, np.float32)])
    write_caffemodel(project.weights, "tiny", weights)
    graph = read_model(project.prototxt, weights=project.weights).graph
    graph.add_outputs("pool2")
    shown, labels = zip(*pictures(400, 99), strict=True)
    features = run(graph, blobs(shown), "pool2").reshape(len(shown), -1)
    made = np.c_[features, np.ones(len(shown))].astype(np.float64)
    solved = np.linalg.solve(made.T @ made + 1e-3 * np.eye(made.shape[1]), made.T @ np.eye(CLASSES)[list(labels)])
    weights["fc"] = ("InnerProduct", [solved[:-1].T, solved[-1]])
    return weights


def random_layers(spread: float) -> Weights:
    """What stands before the inner product; channels made larger by the depthwise convolution shrink in the next."""
    random = np.random.default_rng(3)
    uneven = 2.0 ** random.uniform(-spread, spread, 8)
    weights: Weights = {}
    for name, (outer, inner, size) in {
        "conv1": (8, 3, 3), "dw": (8, 1, 3), "pw": (16, 8, 1), "branch": (16, 16, 3), "last": (16, 16, 3)
    }.items():  # fmt: skip
        values = random.normal(0, 1.4 / np.sqrt(inner * size**2), (outer, inner, size, size))
        biases = [] if name in ("conv1", "dw") else [random.normal(0, 0.1, outer)]
        weights[name] = ("Convolution", [values / uneven[:, None, None] if name == "pw" else values, *biases])
    for name, grown in (("1", np.ones(8)), ("_dw", uneven)):
        sums = [random.normal(0, 100, 8), random.uniform(500, 2000, 8), np.array([999.98])]
        weights[f"bn{name}"] = ("BatchNorm", sums)
        weights[f"scale{name}"] = ("Scale", [grown * random.uniform(0.7, 1.3, 8), grown * random.normal(0, 0.2, 8)])
    return weights


def blobs(shown: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [N, 3, SIDE, SIDE]: what the data layer makes of pictures."""
    return ((np.stack(shown) - np.reshape(MEAN, (3, 1, 1)).astype(np.float32)) * np.float32(SCALE)).astype(np.float32)


def pictures_of(phase: str) -> np.ndarray:
    """The blobs of the LMDB of a phase."""
    return blobs([picture for picture, _ in pictures(COUNTS[phase], PHASES.index(phase))])


def run(graph: ov.Model, samples: np.ndarray, blob: str = "fc") -> np.ndarray:
    """An output for blobs of pictures, in exact float32 where it is float, one after the other."""
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(sample[None])[blob].copy() for sample in samples])


def quantized_layers(prototxt: Path) -> list[str]:
    """The layers that have scales."""
    return [layer.name for layer in read_prototxt(prototxt).message.layer if layer.HasField("quantization_param")]


def with_line_ends(path: Path, ends: str) -> None:
    """Write a text file anew with other line ends."""
    path.write_bytes(path.read_bytes().replace(b"\n", ends.encode()))
