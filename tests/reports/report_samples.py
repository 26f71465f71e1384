"""Reports from the smallest to one with every section filled."""

import base64
import io
import math
import random
from typing import Any

from PIL import Image, ImageDraw

from calibench.inference.benchmark import Rounds, Speed, Throughput
from calibench.machine import Machine
from calibench.reports.report import (
    Advice,
    ClassRow,
    DatasetFiles,
    Histogram,
    LayerRow,
    ModelFile,
    PreparedInput,
    QuantizerRange,
    Report,
    SampleRow,
    Shown,
    SubsetUse,
    TimedLayer,
    TriedRecipe,
    WeightChannels,
)
from calibench.reports.speeds import reproduce_snippet, speed_fields
from calibench.settings import make_settings


def speed(fps: float, latency_ms: float, precision: str = "f32") -> Speed:
    rounds = Rounds(raw=(fps * 0.97, fps, fps * 1.02))
    return Speed(
        device="CPU",
        precision=precision,
        throughput=(Throughput(batch=1, streams=2, requests=2, fps=rounds),),
        latency_ms=Rounds(raw=(latency_ms,)),
        latency_p95_ms=Rounds(raw=(latency_ms * 1.1,)),
    )


def small_report() -> Report:
    """Only what is required."""
    return Report(
        model=ModelFile(path="in/lite0.xml", name="lite0", sha256="ab" * 32, size_bytes=18_000_000),
        dataset=DatasetFiles(path="scenes", sha256="cd" * 32, samples=300),
        settings=make_settings({}),
    )


def full_report() -> Report:
    """Everything was measured; the device's default is bf16."""
    poor = "its predicted output is poor [12.1 dB], smoothing did not help"
    weights = QuantizerRange(input=1, low=(-0.5, -0.25), high=(0.5, 0.25), levels=255)
    layers = [
        LayerRow(name=f"block{i}/conv", type="Convolution", precision="int8", quantizers=(weights,)) for i in range(40)
    ]
    layers += [LayerRow(name=f"se{i}/fc", type="MatMul", precision="float", reason=poor) for i in range(5)]
    layers += [LayerRow(name="head", type="MatMul", precision="float", reason="ignored by name")]
    return small_report().model_copy(
        update={
            "settings": make_settings({"threads": 2, "inputs": {"": {"mean": [127.0], "size": [224, 224]}}}),
            "metric": "top1",
            "baseline": 75.43,
            "int8": 75.01,
            "drop_points": 0.42,
            "agreement": 95.3,
            "sqnr_db": 23.04,
            "fp32_bytes": 18_530_000,
            "int8_bytes": 5_020_000,
            "default_precision": "bf16",
            "subset": SubsetUse(count=300, total=1000, seed=0, used=64, kept_apart=64, has_settled=True),
            "recipe": "typical+bias",
            "tried": (TriedRecipe(name="safe", error=0.02, samples=64), TriedRecipe(name="typical+bias", error=0.01)),
            "seconds": {"read": 0.21, "statistics": 3.3, "write": 0.01},
            "peak_rss_mb": 612.2,
            "layers": tuple(layers),
            "notes": ("The subset has 300 samples; 300 to 1000 give steady ranges.",),
            "reproduce": reproduce_snippet("CPU", "f32"),
            **speed_fields({"fp32": speed(312.2, 6.6), "default": speed(560, 3.3, "bf16"), "int8": speed(811, 2.2)}),
        }
    )


LONG = "features.{i}/inverted_residual_block_with_squeeze_excite/depthwise_separable_convolution/Conv2D_and_BiasAdd"
NAMES = ("person", "bicycle", "traffic light", "dining table", "hair drier", "very long name of a class " * 3)


def rich_report() -> Report:
    """Everything of the schema is filled: a detector with 300 layers; the numbers are made up, but fit each other."""
    rng = random.Random(7)
    layers = tuple(_layer(i, rng) for i in range(300))
    update = {
        "settings": make_settings({"threads": 2, "metric": "coco", "inputs": {"": {"size": [224, 320]}}}),
        "machine": MACHINE,
        "created": "2026-05-04T09:31:07+00:00",
        "versions": {"calibench": "0.2.0", "openvino": "2026.4.0", "python": "3.11.2"},
        "validation": DatasetFiles(path="val2017", sha256="ef" * 32, samples=500, is_annotated=True),
        "task": "detection",
        "task_notes": ("decoder nanodet, from the shapes of the outputs",),
        "metric": "coco",
        "baseline": 41.27,
        "int8": 40.96,
        "drop_points": 0.31,
        "drop_interval": (-0.12, 0.74),
        "agreement": None,
        "cosine": 0.9987,
        "evaluated": 500,
        "details": {"AP50": (62.1, 61.9), "AP75": (44.02, 43.5), "AP small": (21.5, 20.4)},
        "classes": tuple(_class(i, rng) for i in range(80)),
        "samples": (*(_sample(i) for i in range(4)), *other_samples()),
        "differing": 37,
        "batch_agreement": 100.0,
        "fp32_memory_mb": 143.2,
        "int8_memory_mb": 61.8,
        "runtime_layers": {"fp32": _timed(layers, "fp32"), "int8": _timed(layers, "int8")},
        "layers": layers,
        "inputs": (PreparedInput(name="image", kind="picture", layout="NCHW", height=224, width=320, channels=3),),
        "advice": (
            Advice(kind="good", title="INT8 runs 2.6 times as fast as FP32 and loses 0.31 points of coco."),
            Advice(
                kind="warning",
                title="AP small falls by 1.10 points, most of all at traffic light.",
                action="Keep the layers of the stride-8 head in float: --ignore-pattern 'head/stride_8/.*'.",
            ),
            Advice(kind="info", title="12 % of the INT8 time is spent in Reorder.", action="Deploy at batch 8."),
        ),
    }
    return full_report().model_copy(update=update)


def comparison_report() -> Report:
    """Two models were compared: nothing was decided, so that there is no recipe, no subset, no layers."""
    return small_report().model_copy(
        update={
            "kind": "comparison",
            "int8_model": ModelFile(path="in/lite0-int8.xml", name="lite0", sha256="ba" * 32, size_bytes=5_000_000),
            "metric": "cer",
            "unit": "%",
            "higher_is_better": False,
            "baseline": 3.2,
            "int8": 3.05,
            "drop_points": -0.15,
            "evaluated": 200,
            **speed_fields({"fp32": speed(40, 25), "int8": speed(100, 10.4)}),
        }
    )


MACHINE = Machine(
    cpu="Example CPU @ 2.40GHz",
    flags=("avx2", "avx512f", "avx512_vnni", "amx_int8"),
    physical_cores=2,
    logical_cores=4,
    memory_mb=24_000,
    memory_free_mb=20_000,
    disk_free_mb=90_000,
    system="Linux 6.1 x86_64",
    python="3.11.2",
    openvino="2026.4.0",
    devices={"CPU": ("FP32", "INT8", "BIN")},
)


def drawn(width: int = 160, height: int = 112, hue: int = 40) -> str:
    """Data URI of a small JPEG: a plain scene with two things in it."""
    picture = Image.new("RGB", (width, height), (200 - hue, 214, 230))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * 0.65, width, height), fill=(96 + hue, 120, 84))
    draw.ellipse((width * 0.1, height * 0.3, width * 0.4, height * 0.85), fill=(176, 84, 60 + hue))
    draw.rectangle((width * 0.55, height * 0.4, width * 0.9, height * 0.8), fill=(70, 90, 150 + hue))
    return _uri(picture, "JPEG")


def mask(width: int = 160, height: int = 112, grow: float = 0.0) -> str:
    """Data URI of a PNG with alpha: the left thing of `drawn`, in colour."""
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    box = (width * (0.1 - grow), height * (0.3 - grow), width * (0.4 + grow), height * (0.85 + grow))
    ImageDraw.Draw(picture).ellipse(box, fill=(255, 214, 0, 140))
    return _uri(picture, "PNG")


def other_samples() -> tuple[SampleRow, ...]:
    """One of every other kind: masks, landmarks, a picture made by the model, a text without a picture."""

    def sample(name: str, truth: Shown, fp32: Shown, int8: Shown, picture: str | None = None) -> SampleRow:
        size = (112, 160) if picture else None
        return SampleRow(
            name=name,
            picture=picture,
            size=size,
            baseline_value=80.0,
            int8_value=71.5,
            worse=8.5,
            sqnr_db=17.2,
            truth=truth,
            baseline=fp32,
            int8=int8,
        )

    points = tuple((0.2 + 0.06 * i, 0.5 + 0.05 * (i % 2)) for i in range(5))
    moved = tuple((x + 0.02, y + 0.03) for x, y in points)
    return (
        sample("masks/7.png", Shown(overlay=mask()), Shown(overlay=mask()), Shown(overlay=mask(grow=0.06)), drawn()),
        sample("faces/12.jpg", Shown(points=points), Shown(points=points), Shown(points=moved), drawn(hue=10)),
        sample(
            "small/baby.png",
            Shown(picture=drawn(320, 224)),
            Shown(picture=drawn(320, 224, 45), text="31.20 dB"),
            Shown(picture=drawn(320, 224, 60), text="30.62 dB"),
            drawn(),
        ),
        sample("sentence 31", Shown(text="positive"), Shown(text="positive 0.71"), Shown(text="negative 0.55")),
    )


def _uri(picture: Image.Image, kind: str) -> str:
    data = io.BytesIO()
    picture.save(data, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"


def _sample(i: int) -> SampleRow:
    left, right = (0.1, 0.3, 0.4, 0.85), (0.55, 0.4, 0.9, 0.8)
    return SampleRow(
        name=f"val2017/a_folder_with_a_long_name/another_folder/{i:012d}.jpg",
        picture=drawn(hue=10 * i),
        size=(112, 160),
        baseline_value=92.0 - i,
        int8_value=51.0 + 5 * i,
        worse=41.0 - 6 * i,
        sqnr_db=19.3,
        truth=Shown(boxes=(left, right), box_labels=("person", "suitcase")),
        baseline=Shown(boxes=(left, right), box_labels=("person 0.91", "suitcase 0.52")),
        int8=Shown(boxes=((0.12, 0.28, 0.43, 0.86),), box_labels=("person 0.88",)),
    )


def _class(i: int, rng: random.Random) -> ClassRow:
    name = NAMES[i] if i < len(NAMES) else f"class {i}"
    if i == 4:
        return ClassRow(label=i, name=name)
    fp32, drop = rng.uniform(20, 70), rng.gauss(0.3, 1.2)
    return ClassRow(label=i, name=name, count=rng.randint(3, 900), baseline=fp32, int8=fp32 - drop, drop=drop)


def _layer(i: int, rng: random.Random) -> LayerRow:
    kind = ("Convolution", "GroupConvolution", "MatMul", "Add")[i % 4]
    fp32_ms = rng.uniform(0.01, 0.12)
    times: dict[str, Any] = {"fp32_ms": fp32_ms, "output_db": 34.0 - i / 15 + rng.gauss(0, 1.5)}
    name = LONG.format(i=i)
    if i % 23 == 5:
        reason = "its predicted output is poor [12.1 dB], smoothing did not help"
        more = {"int8_ms": fp32_ms, "runtime_precision": "F32", "output_precisions": "F32"}
        return LayerRow(name=name, type=kind, precision="float", reason=reason, **times, **more)
    bins = tuple(int(4000 * math.exp(-(((b - 40) / (12 + i % 9)) ** 2))) for b in range(128))
    low, high = -2.0 - i / 90, 4.0 + i / 50
    here = QuantizerRange(
        input=0,
        low=(low,),
        high=(high,),
        levels=256,
        step=((high - low) / 255,),
        values=Histogram(low=1.3 * low, high=1.2 * high, counts=bins),
    )
    largest = tuple(abs(rng.gauss(0.4, 0.2)) + 0.01 for _ in range(64 if i % 4 == 0 else 24))
    weights = WeightChannels(
        channels=len(largest),
        largest=largest,
        rms=tuple(value / 4 for value in largest),
        step=tuple(value / 127 for value in largest),
        error_db=tuple(rng.uniform(36, 44) for _ in largest),
    )
    return LayerRow(
        name=name,
        type=kind,
        precision="int8",
        input_db=rng.uniform(18, 42),
        quantizers=(here,),
        weights=None if kind == "Add" else weights,
        runtime_precision="I8",
        output_precisions="U8",
        int8_ms=fp32_ms * rng.uniform(0.25, 0.6),
        **times,
    )


def _timed(layers: tuple[LayerRow, ...], which: str) -> tuple[TimedLayer, ...]:
    timed = []
    for i, layer in enumerate(layers):
        is_int8 = which == "int8" and layer.precision == "int8"
        if which == "int8" and i % 40 == 9:
            timed.append(TimedLayer(name=f"{layer.name}/reorder", type="Reorder", time_ms=0.05, precision="F32"))
        timed.append(
            TimedLayer(
                name=layer.name,
                type={"GroupConvolution": "Convolution", "MatMul": "FullyConnected", "Add": "Eltwise"}.get(
                    layer.type, layer.type
                ),
                exec_type=f"brgconv_avx512_{'I8' if is_int8 else 'F32'}",
                time_ms=(layer.int8_ms if which == "int8" else layer.fp32_ms) or 0.0,
                precision="I8" if is_int8 else "F32",
                original_names=(layer.name, f"{layer.name}/relu"),
            )
        )
    return tuple(timed)
