"""What `benchmarks.caffe_calibrator` has measured, as a table."""

from statistics import median
from typing import Any

from benchmarks.task_table import where

WAYS = {
    "caffe": "Caffe's rules",
    "caffe_single": "the same, one scale a layer",
    "default": "our default method",
    "nncf": "NNCF",
}
"""Names in the results, and for a person."""


def caffe_section(result: dict[str, Any]) -> list[str]:
    """Caffe networks: reading, calibration, accuracy, throughput."""
    rows = result["rows"]
    reads = (f"{row['network']} {_seconds(row['read_seconds'])}" for row in rows)
    return [
        "## Caffe networks",
        "",
        f"`python -m benchmarks.caffe_calibrator`; {where(result)}.",
        "Every way gets the same converted graph and the same samples. The first convolution and inner products stay",
        "in float by Caffe's rules, as the original tool leaves them; our default method, which a prototxt cannot",
        "hold, and NNCF quantize them. Models run in turns; ratios are taken round by round: median (lowest to",
        "highest).",
        "",
        f"Reading, seconds, ours (OpenCV's importer): {'; '.join(reads)}.",
        "",
        "| Network | Way | Calibration s | Metric, %: FP32, INT8 | fps over exact FP32 | over the device's default |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(row, way) for row in rows for way in WAYS if way in row["speed"]),
    ]


def _seconds(read: dict[str, list[float]]) -> str:
    peer = f"{median(read['opencv']):.2f}" if "opencv" in read else "-"
    return f"{median(read['ours']):.2f} ({peer})"


def _row(row: dict[str, Any], way: str) -> str:
    scores, speed = row["scores"], row["speed"][way]
    score = f"{scores['fp32']:.2f}, {scores[way]:.2f}" if way in scores else "-"
    cells = (
        row["network"],
        WAYS[way],
        f"{median(row['calibration_seconds'][way]):.1f}",
        f"{row['metric']} {score}",
        *(_ratio(speed[of]) for of in ("of_fp32", "of_default")),
    )
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.2f} ({ratio['lowest']:.2f} to {ratio['highest']:.2f})"
