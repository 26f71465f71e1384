"""A report with every section filled."""

from calibench.inference.benchmark import Rounds, Speed, Throughput
from calibench.reports.report import (
    DatasetFiles,
    LayerRow,
    ModelFile,
    QuantizerRange,
    Report,
    SubsetUse,
    TriedRecipe,
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
