"""The layers of a result as the runtime ran them, joined with what was decided of them and with the FP32 times."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Plain = dict[str, Any]

WORDS = {"F32": "FP32", "F16": "FP16", "F64": "FP64", "BOOLEAN": "BOOL", "U1": "BOOL"}
"""The runtime's names of precisions in the words of the pages; U8, I8, BF16 and I32 are words already."""
OF_LAYER = ("precision", "reason", "input_db", "output_db", "quantizers", "weights", "scales")
"""What the report says of a layer that could be quantized."""


def precision_word(name: str | None) -> str:
    """A precision of the runtime for a person: F32 -> FP32, `outputPrecisions` of several outputs with commas."""
    if not name:
        return ""
    return ",".join(WORDS.get(part.strip().upper(), part.strip().upper()) for part in name.split(","))


def calibrated_layers(report: Mapping[str, Any]) -> list[Plain]:
    """Of an INT8 model: every layer that ran, in order, then those that could be quantized and did not run.

    Each has name, type, exec_type, fp32_ms, int8_ms, runtime_precision (in which it computes), output_precisions (of
    what it gives), layer (its name in the model), precision (as decided: "int8", "float"), reason, input_db,
    output_db, quantizers, weights, scales, ran (False: it was computed beforehand or fused away). From `layer` to
    `scales` they are None where nothing was to decide. What was fused into another layer has no times of its own and
    names that layer in `fused_into`.
    """
    rows = {row["name"]: row for row in report.get("layers", [])}
    timed = report.get("runtime_layers", {})
    before, after = _by_name(timed.get("fp32", [])), timed.get("int8", [])
    found, seen = [], set()
    own = {layer["name"] for layer in after}
    for layer in after:
        names = [name for name in _names(layer) if name == layer["name"] or name not in own]
        row = next((rows[name] for name in names if name in rows and name not in seen), None)
        if row is not None:
            seen.add(row["name"])
        same = next((before[name] for name in names if name in before), None)
        found.append(_ran(layer, row, same))
    fused = _by_name(after)
    return found + [_idle(row, fused.get(name)) for name, row in rows.items() if name not in seen]


def baseline_layers(baseline: Mapping[str, Any]) -> list[Plain]:
    """Of a model measured as it is: every layer that ran in exact FP32, with its time in the default precision."""
    default = _by_name(baseline.get("default_layers") or [])
    found = []
    for layer in baseline.get("layers") or []:
        same = next((default[name] for name in _names(layer) if name in default), None)
        row = _row(layer)
        row |= {"time_ms": layer["time_ms"], "fp32_ms": layer["time_ms"], "int8_ms": None}
        row |= {"default_ms": same["time_ms"] if same else None}
        row |= {"default_precision": precision_word(same["precision"]) if same else ""}
        found.append(row)
    return found


def precision_shares(layers: Sequence[Mapping[str, Any]]) -> list[Plain]:
    """Precisions in which layers compute: how many, how long, and their share of the time; the most time first."""
    counts: dict[str, int] = {}
    times: dict[str, float] = {}
    for layer in layers:
        word = precision_word(layer["precision"]) or "other"
        counts[word] = counts.get(word, 0) + 1
        times[word] = times.get(word, 0.0) + layer["time_ms"]
    total = sum(times.values())
    return [
        {"precision": word, "count": counts[word], "time_ms": time, "share": time / total if total else 0.0}
        for word, time in sorted(times.items(), key=lambda item: (-item[1], item[0]))
    ]


def _ran(layer: Mapping[str, Any], row: Mapping[str, Any] | None, same: Mapping[str, Any] | None) -> Plain:
    found = _row(layer) | _decided(row)
    own = row.get("output_precisions") if row else None
    found["output_precisions"] = found["output_precisions"] or precision_word(own)
    fp32_ms = same["time_ms"] if same else row.get("fp32_ms") if row else None
    return found | {"fp32_ms": fp32_ms, "int8_ms": layer["time_ms"], "time_ms": layer["time_ms"]}


def _idle(row: Mapping[str, Any], host: Mapping[str, Any] | None) -> Plain:
    """A layer that could be quantized and that did not run by itself.

    Args:
        host: the layer of the runtime that it was fused into; None: there was nothing to do for it.
    """
    return {
        **{"name": row["name"], "type": row["type"], "exec_type": "", "originals": [], "ran": False},
        **{"fused_into": host["name"] if host else None, "fp32_ms": None, "int8_ms": None, "time_ms": None},
        "runtime_precision": precision_word(host["precision"]) if host else "",
        "output_precisions": "",
        **_decided(row),
    }


def _row(layer: Mapping[str, Any]) -> Plain:
    return {
        **{"name": layer["name"], "type": layer["type"], "exec_type": layer.get("exec_type", "")},
        "originals": list(_originals(layer)),
        **{"ran": True, "fused_into": None},
        "runtime_precision": precision_word(layer["precision"]),
        "output_precisions": precision_word(layer.get("outputPrecisions") or layer.get("output_precisions")),
        **_decided(None),
    }


def _decided(row: Mapping[str, Any] | None) -> Plain:
    found: Plain = {name: (row or {}).get(name) for name in OF_LAYER}
    found["layer"] = row["name"] if row else None
    found["quantizers"] = found["quantizers"] or []
    return found


def _originals(layer: Mapping[str, Any]) -> Sequence[str]:
    names: Sequence[str] = layer.get("original_names") or layer.get("originalLayersNames") or ()
    return names


def _names(layer: Mapping[str, Any]) -> tuple[str, ...]:
    """All names that a layer has: its own, those it stands for, that of a MatMul without what the runtime adds."""
    own = layer["name"]
    return (own, own.removesuffix("/DequantizationMultiply"), *_originals(layer))


def _by_name(layers: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By the names of all layers that a layer of the runtime stands for; its own name goes first."""
    listed = list(layers)
    fused = {name: layer for layer in listed for name in _names(layer)}
    return fused | {layer["name"]: layer for layer in listed}
