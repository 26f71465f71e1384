"""What the three benchmarks of the accuracy-aware method have found, as sections of docs/reference/benchmarks.md."""

from typing import Any

from benchmarks.accuracy_targets import table, targets
from benchmarks.interval_coverage import Findings, words
from benchmarks.task_table import where

Row = dict[str, Any]


def accuracy_section(result: Row) -> list[str]:
    """The method beside the peer's."""
    return [
        "## The accuracy-aware method",
        "",
        f"`python -m benchmarks.accuracy_aware`; {where(result)}.",
        "Beside `nncf.quantize_with_accuracy_control`: same model file, same calibration and validation samples in",
        "memory, same limit in points. Seconds: from reading the model to the INT8 model, calibration and every",
        "validation included. NNCF runs at its defaults (performance preset, as many samples for ranking as for",
        "calibration); its validation function gives a value for each sample, which saves it a pass. It is run on the",
        "graph as imported and as normalised by Calibench, and the better of both results counts: one within the limit",
        "before one outside, then the one found faster. On each graph it gets the guard against overflow (first layers",
        "only, its default, or all) with which its plain INT8 loses less. A run of more than 900 s is stopped and has",
        "no result. Drop, score and share of multiply-adds in float are measured of both results by the same code, at",
        "batch 1 on the real kernels; throughput is measured in turns. All rounds:",
        "`benchmarks/results/accuracy-aware.json`.",
        "",
        *plain_table(result),
        "",
        *table(result["rows"]),
        "",
        *(f"- {line}" for line in targets(result["rows"])),
    ]


def plain_table(result: Row) -> list[str]:
    """Drops before anything is given back."""
    lines = [
        "Drops of plain INT8 in points; of NNCF with the guard for the first layers, and for all:",
        "",
        "| Network | FP32 | Calibench | NNCF, as imported | NNCF, normalised |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in result["plain"].items():
        peers = [", ".join(f"{each:+.2f}" for each in one["drops"].values()) for one in found["peer"].values()]
        lines.append(f"| {name} | {found['fp32']:.2f} | {found['drop']:+.2f} | {' | '.join(peers)} |")
    return lines


def cost_section(result: Row) -> list[str]:
    """Cost against length."""
    return [
        "## What a search costs, by the length of the network",
        "",
        f"`python -m benchmarks.search_cost`; {where(result)}.",
        "Chains of convolutions in which four layers break in INT8, however long they are; limit "
        f"{result['rows'][0]['limit']:g} points on",
        "1,000 samples. Counts are of the whole run. Repair of biases is off, so that layers have to be given back.",
        "Ranking watches all layers in one graph, so that only its time grows with them, not what is compiled.",
        "",
        *cost_table(result["rows"]),
    ]


def cost_table(rows: list[Row]) -> list[str]:
    """Markdown; the peer's figures in brackets."""
    lines = [
        "| Layers | Plain INT8 drop (NNCF) | Drop (NNCF) | Layers given back (NNCF) | Compiled (NNCF) "
        "| Inferences (NNCF) | Models evaluated (NNCF) | Ranking s | Trials s | Seconds (NNCF) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return [*lines, *(_line(row) for row in rows)]


def _line(row: Row) -> str:
    ours, peer = row["ours"], row.get("peer")

    def both(key: str, digits: int = 0) -> str:
        told = [f"{each[key]:.{digits}f}" if each[key] is not None else "no result" for each in (ours, peer) if each]
        return told[0] if len(told) == 1 else f"{told[0]} ({told[1]})"

    cells = (
        str(row["layers"]),
        both("plain_drop", 2),
        both("drop", 2),
        both("reverted"),
        both("compiles"),
        both("inferences"),
        both("trials"),
        f"{ours['ranking_s']:.1f}",
        f"{ours['trials_s']:.1f}",
        both("seconds", 1),
    )
    return f"| {' | '.join(cells)} |"


def coverage_section(result: Row) -> list[str]:
    """The interval against a known truth."""
    return [
        "## The interval of a held-out drop",
        "",
        "`python -m benchmarks.interval_coverage`: seeded searches on drawn populations whose true drop is known, with",
        "validation and held-out sets of 300 to 5,000 samples. The configuration is chosen by its drop on the",
        "validation set, which flatters it; the held-out set decides nothing, and its interval is honest.",
        "",
        *(f"- {words(name, Findings(**found))}" for name, found in result["groups"].items()),
    ]
