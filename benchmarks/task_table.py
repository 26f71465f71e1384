"""What `benchmarks.tasks` has found, as a table and in words."""

from typing import Any


def verdict(row: dict[str, Any]) -> str:
    """Ours beside the better of the peer's presets, in one word or two."""
    worse, interval = row["worse_than_peer"], row["worse_than_peer_interval"]
    if interval is not None and interval[0] > 0:
        return "worse"
    if interval is not None and interval[1] < 0:
        return "better"
    if abs(worse) < 1e-9:
        return "equal"
    side = "above" if worse < 0 else "below"
    return side if interval is None else f"within chance, {side}"


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """What was wanted, beside what was reached."""
    words = {row["network"]: verdict(row) for row in rows}
    below = [name for name, word in words.items() if word == "worse" or word.endswith("below")]
    surely = [name for name, word in words.items() if word == "worse"]
    given = [row["network"] for row in rows if row["given"]]
    return [
        f"metric below that of NNCF's better preset, surely (95 %): {', '.join(surely) or 'nowhere'}",
        f"metric below it at all, chance included: {', '.join(below) or 'nowhere'} of {len(rows)}",
        f"settings given: {', '.join(given) or 'none'}",
    ]


def task_section(result: dict[str, Any]) -> list[str]:
    """Networks with their datasets, without one setting, beside NNCF."""
    return [
        "## Real datasets, no settings",
        "",
        f"`python -m benchmarks.tasks`; {where(result)}.",
        "Calibench gets a model file, two folders and no setting; its preset is the default, `performance`. NNCF gets",
        "the same FP32 model and the same samples, prepared as Calibench has found it; its better preset stands in the",
        "table. The difference is ours minus NNCF's, positive where ours is better, with the 95 % interval over the",
        "samples (paired). Seconds: calibration alone. The figures of both presets and what was found for the inputs:",
        "`benchmarks/results/tasks.json`.",
        "",
        "| Network | Dataset (calibration / validation) | Metric | FP32 | INT8 | NNCF | Difference "
        "| SQNR dB: ours (NNCF) | Seconds (NNCF) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_task_row, result["rows"]),
        "",
        *(f"- {line}" for line in verdicts(result["rows"])),
    ]


def _task_row(row: dict[str, Any]) -> str:
    ours, peer = next(iter(row["ours"].values())), row["peer"][row["peer_preset"]]
    interval = row["worse_than_peer_interval"]
    sure = "" if interval is None else f" ({-interval[1]:+.2f} to {-interval[0]:+.2f})"
    direction = "" if row["higher_is_better"] else ", lower is better"
    cells = (
        row["network"],
        f"{row['layout']} ({row['samples']['calibration']} / {row['samples']['validation']})",
        f"{row['metric'].rpartition(':')[2]}, {row['unit']}{direction}",
        f"{row['fp32']:.2f}",
        f"{row['int8']:.2f}",
        f"{row['peer_int8']:.2f} ({row['peer_preset']})",
        f"{0.0 - row['worse_than_peer']:+.2f}{sure}",
        f"{_number(ours['sqnr_db'])} ({_number(peer['sqnr_db'])})",
        f"{ours['seconds']:.1f} ({peer['seconds']:.1f})",
    )
    return f"| {' | '.join(cells)} |"


def where(result: dict[str, Any]) -> str:
    """Machine and versions."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return f"{machine['cpu']}, {machine['physical_cores']} shared cores ({', '.join(machine['flags'])}); {versions}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
