"""What the project wants to reach beside the peer, and what was reached."""

from statistics import median
from typing import Any


def targets(rows: list[dict[str, Any]]) -> list[str]:
    """What the project wants to reach, beside what was reached."""
    lines = []
    for preset, wanted in (("performance", 3.0), ("mixed", 6.0)):
        gains = [gain(row) for row in rows if row["preset"] == preset]
        if gains:
            behind = f"behind on {sum(each < 0 for each in gains)} of {len(gains)}"
            lines.append(f"SQNR gain, {preset}: median {median(gains):+.1f} dB (target {wanted:+.0f}), {behind}")
    known = [row for row in rows if row["agreement"] is not None]
    lower = [f"{row['network']} {row['preset']}" for row in known if row["agreement"] < row["peer_agreement"]]
    lines.append(f"agreement lower than the peer's: {', '.join(lower) or 'nowhere'}")
    times = [row["peer_seconds"] / row["seconds"] for row in rows]
    lines.append(f"calibration: {median(times):.1f}x as fast in the median (target 4), at least {min(times):.1f}x")
    parts = [row["seconds"] / row["pass_seconds"] for row in rows]
    lines.append(f"calibration over a pass: median {median(parts):.2f} (target 1.5), worst {max(parts):.2f} (target 2)")
    if all("int8_fps" in row for row in rows):
        speed = [row["int8_fps"] / row["peer_int8_fps"] for row in rows]
        lines.append(f"INT8 fps over the peer's: median {median(speed):.2f} (target 1.1), lowest {min(speed):.2f}")
        memory = [row["peak_mb"] / row["plain_peak_mb"] for row in rows]
        lines.append(f"memory over plain inference: median {median(memory):.2f}, worst {max(memory):.2f} (target 1.3)")
    return lines


def gain(row: dict[str, Any]) -> float:
    """By how many dB our output error is lower than the peer's."""
    return float(row["sqnr_db"] - row["peer_sqnr_db"])
