"""Reports from the smallest to one with every section filled."""

import base64
import io
import math
import random
from typing import Any

from PIL import Image, ImageDraw

from calibench.inference.benchmark import Rounds, Speed, Throughput
from calibench.machine import Machine
from calibench.reports.promise import float_reason
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
from calibench.reports.searched import with_search
from calibench.reports.speeds import reproduce_snippet, speed_fields
from calibench.search.values import Configuration, Found, FrontPoint, HeldOut, Limit, Outcome, Ranked, Trial
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
            Advice(
                kind="info",
                title="12 % of the INT8 time is spent in Reorder.",
                action="Look at mobile/block0/expand/WithoutBiases_bf16_u8_mobile/block0/depthwise/WithoutBiases.",
            ),
        ),
    }
    return full_report().model_copy(update=update)


SEARCHED = tuple(
    f"mobile/block{i // 3}/{('expand', 'depthwise', 'project')[i % 3]}/Conv2D" if i < 57 else "mobile/head/MatMul"
    for i in range(58)
)
WORST = (SEARCHED[1], SEARCHED[33], SEARCHED[57], SEARCHED[4], SEARCHED[16], SEARCHED[40], SEARCHED[22], SEARCHED[28])
MENDED = ("biases corrected",)


def searched_layers() -> tuple[Ranked, ...]:
    """A ranking of 58 layers; the numbers are made up, but fit each other."""
    rng = random.Random(3)
    rest = [name for name in SEARCHED if name not in WORST]
    weights = [2.0 ** -(0.8 * place) for place in range(len(SEARCHED))]
    found = []
    for place, (name, weight) in enumerate(zip((*WORST, *rest), weights, strict=True)):
        share = weight / sum(weights)
        error_db = -9.0 - 2.4 * place + rng.gauss(0, 0.3) if place < 40 else None
        saves_ms = 0.03 + 0.04 * rng.random() if place % 9 != 8 else -0.002
        adds = 150_000 if name == SEARCHED[57] else 1_000_000 + 40_000 * (place % 7)
        found.append(Ranked(name, error_db, -22.0 - place / 6, share, 4.2 * share, adds, saves_ms))
    return tuple(found)


def found_search(**fields: Any) -> Found:
    """A search that plain INT8 needed: biases mended, three layers in float, four points of the front."""
    total, trials = 5000, []

    def add(purpose: str, drop: float, time_ms: float | None, floats: tuple[str, ...] = (), **more: Any) -> None:
        evaluated = more.get("evaluated", total)
        scores = {"top1": round(75.43 - drop, 2), "top5": round(92.4 - drop / 2, 2)} if evaluated == total else {}
        broken = "" if drop <= 0.5 else "top1"
        outcome = Outcome(drop, scores, evaluated, total, drop <= 0.5, drop - 0.5, broken, seconds=evaluated / 900)
        configuration = Configuration(frozenset(floats), more.get("repair", "bias"))
        trials.append(Trial(len(trials) + 1, configuration, purpose, outcome, time_ms))

    add("plain INT8", 4.2, 3.10, evaluated=820, repair="none")
    add("biases corrected", 1.12, 3.10)
    add("the worst layer in float", 0.74, 3.16, WORST[:1])
    add("the worst layer by error for its size in float", 0.98, 3.13, (SEARCHED[57],), evaluated=1650)
    add("2 worst layers in float", 0.61, 3.21, WORST[:2], evaluated=3900)
    add("2 worst layers by error for their size in float", 0.69, 3.19, (SEARCHED[57], WORST[0]), evaluated=2800)
    add("4 worst layers in float", 0.27, 3.33, WORST[:4])
    add("3 worst layers in float", 0.31, 3.25, WORST[:3])
    add(f"without {WORST[1]}", 0.66, 3.2, (WORST[0], WORST[2]), evaluated=3300)
    add("8 worst layers in float", 0.06, 3.52, WORST)
    add("16 worst layers in float", 0.08, 3.91, tuple(each.name for each in searched_layers()[:16]))
    add("front: 6 worst layers in float", 0.14, 3.42, WORST[:6])

    def point(number: int, interval: tuple[float, float], fps: float) -> FrontPoint:
        trial = trials[number - 1]
        return FrontPoint(
            number,
            trial.configuration,
            trial.outcome.drop,
            trial.time_ms,
            fps,
            f"front/{number}",
            interval,
            5_020_000 + 18_000 * len(trial.configuration.floats),
        )

    values: dict[str, Any] = {
        "best": 8,
        "is_reached": True,
        "why_not": "",
        "limits": (Limit("top1", 0.5), Limit("top5", 0.2)),
        "trials": tuple(trials),
        "ranking": searched_layers(),
        "front": (
            point(2, (0.8, 1.44), 641.0),
            point(3, (0.47, 1.01), 633.0),
            point(8, (0.12, 0.5), 616.0),
            point(12, (-0.02, 0.3), 585.0),
            point(10, (-0.06, 0.18), 571.0),
        ),
        "most_trials": 31,
        "tried_repairs": dict.fromkeys(WORST, MENDED),
        "needed_samples": 1834,
        "held_out": HeldOut(1000, 74.9, 74.5, 0.4, (-0.2, 1.0)),
    }
    return Found(**{**values, **fields})


def searched_report(**fields: Any) -> Report:
    """The accuracy-aware method gave three layers back and reached its limit; `fields`: of `Found`, laid over."""
    found = found_search(**fields)
    floats = next(trial for trial in found.trials if trial.number == found.best).configuration.floats
    ranked = {each.name: each for each in found.ranking}
    layers = []
    for i, name in enumerate(SEARCHED):
        kind = "MatMul" if i == 57 else "Convolution"
        reason = float_reason(ranked[name], found.tried_repairs.get(name, ()), "%") if name in floats else None
        times = {"fp32_ms": 0.12, "int8_ms": 0.12 if reason else 0.06, "output_db": 38.0 - i / 4}
        precision = "float" if reason else "int8"
        layers.append(LayerRow(name=name, type=kind, precision=precision, reason=reason, **times))  # type: ignore[arg-type]
    layers.append(LayerRow(name="mobile/softmax", type="Softmax", precision="float", reason="ignored by name"))
    update = {
        "settings": make_settings({"method": "accuracy-aware", "accuracy": {"max_drop": 0.5, "limits": {"top5": 0.2}}}),
        "machine": MACHINE,
        "created": "2026-05-04T09:31:07+00:00",
        "validation": DatasetFiles(path="val", sha256="ef" * 32, samples=5000, is_annotated=True),
        "task": "classification",
        "default_precision": "f32",
        "int8": 75.12,
        "drop_points": 0.31,
        "drop_interval": (0.12, 0.5),
        "agreement": 96.8,
        "evaluated": 5000,
        "inputs": (PreparedInput(name="image", kind="picture", layout="NCHW", height=224, width=224, channels=3),),
        "layers": tuple(layers),
        "notes": (),
        **speed_fields({"fp32": speed(312.2, 6.6), "int8": speed(616, 3.2)}),
    }
    return with_search(full_report().model_copy(update=update), found)


def missed_report() -> Report:
    """The limit could not be reached: the best INT8 model loses too much."""
    why = "The time budget of 60 s was spent before a model within the limit was found."
    fields = {"best": 5, "trials": found_search().trials[:6], "is_reached": False, "why_not": why, "front": ()}
    report = searched_report(**fields)
    measured = {"int8": 74.82, "drop_points": 0.61, "drop_interval": (0.3, 0.92)}
    return with_search(report.model_copy(update=measured), found_search(**fields, held_out=None))


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
