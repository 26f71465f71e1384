"""What the accuracy-aware method says in whole sentences: the promise, how many samples it takes, why a layer stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calibench.machine import Machine
from calibench.search.values import HeldOut, Ranked

PERCENT = "%"
NOTHING = 0.005
"""Drops below this are written as 0.00."""
ANSWERS = "agreement"
"""The metric whose drop is a share of answers; one that is another answer is at most one that became wrong."""


@dataclass(frozen=True)
class Certified:
    """How the returned model was judged in the end, on all validation samples.

    Attributes:
        drop: in the unit of the metric (percentage points for '%'), positive when INT8 is worse.
        interval: 95 %, paired; None where it is not known.
        precision, batch, device: as it will be deployed.
        items: what the samples are called: images, samples.
        classes: index -> name of the class.
    """

    metric: str
    unit: str
    drop: float
    interval: tuple[float, float] | None
    samples: int
    precision: str = "f32"
    batch: int = 1
    device: str = "CPU"
    machine: Machine | None = None
    items: str = "samples"
    higher_is_better: bool = True
    classes: Mapping[int, str] = field(default_factory=dict)


def promise(certified: Certified, *, label_free: bool = False) -> str:
    """What INT8 loses, on what, and under which conditions that was measured; one sentence, or two."""
    c = certified
    if label_free and c.metric == ANSWERS:
        what = f"INT8 gives another answer than FP32 on {share(c.drop)} % of {c.samples:,} unlabelled {c.items}"
        return f"{what}{_interval(c)}; a top-1 drop cannot be larger. M{_measured(c)[1:]}."
    where = f"{c.samples:,} {'unlabelled ' if label_free else ''}{c.items}"
    return f"INT8 {lost(c, c.drop)} on {where}{_interval(c)}, {_measured(c)}."


def lost(certified: Certified, drop: float) -> str:
    """A verb and an amount: loses 0.31 points of top1."""
    c = certified
    if drop == 0 or (abs(drop) < NOTHING and c.unit == PERCENT):
        return f"loses nothing of {c.metric}"
    amount = points(abs(drop), c.unit)
    if c.higher_is_better:
        return f"{'loses' if drop > 0 else 'gains'} {amount} of {c.metric}"
    return f"is {amount} {'worse' if drop > 0 else 'better'} in {c.metric} (lower is better)"


def points(value: float, unit: str) -> str:
    """A drop with its unit."""
    return f"{value:.2f} points" if unit == PERCENT else f"{value:.3g} {unit}".strip()


def asked(limit: float, unit: str) -> str:
    """A limit as short as it was given: 0.5 points."""
    return f"{limit:g} {('point' if limit == 1 else 'points') if unit == PERCENT else unit}".strip()


def share(percent: float) -> str:
    """Two digits that count, at least one behind the point: 0.4, 0.04, 12.0."""
    return f"{percent:.1f}" if abs(percent) >= 0.1 or percent == 0 else f"{percent:.1g}"


def needed_sentence(certified: Certified, limit: float, needed: int | None) -> str:
    """How many samples tell a drop as large as the limit from noise; empty where that is not known."""
    if needed is None:
        return ""
    c, allowed = certified, asked(limit, certified.unit)
    about = f"{int(float(f'{needed:.2g}')):,}"
    if needed > c.samples:
        return f"To tell a drop of {allowed} from noise about {about} {c.items} are needed; these are {c.samples:,}."
    return f"The {c.samples:,} {c.items} tell a drop of {allowed} from noise; about {about} would do."


def held_out_sentence(held: HeldOut, certified: Certified) -> str:
    """The drop on samples that decided nothing."""
    ends = _ends(held.interval)
    return f"On {held.samples:,} {certified.items} that decided nothing INT8 {lost(certified, held.drop)}{ends}."


def float_reason(ranked: Ranked, repairs: Sequence[str], unit: str) -> str:
    """Why a layer was given back to float: what it costs alone, what INT8 would save, what was tried to mend it.

    Args:
        repairs: that were tried on it, in words.
        unit: of the metric.
    """
    noise = ranked.own_db if ranked.error_db is None else ranked.error_db
    where = "its own output" if ranked.error_db is None else "the outputs"
    cost = f"costs too much accuracy: alone in INT8 it leaves {where} {-noise:.1f} dB of signal over noise"
    parts = [f"{cost}, an estimated {points(ranked.drop, unit)} of the drop"]
    if ranked.saves_ms is not None:
        parts.append(
            f"INT8 would save {ranked.saves_ms:.3g} ms" if ranked.saves_ms > 0 else "INT8 would not run it faster"
        )
    parts.append(f"tried before: {', '.join(repairs)}" if repairs else "no repair was tried")
    return "; ".join(parts)


def _interval(certified: Certified) -> str:
    return _ends(certified.interval)


def _ends(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95 %: {interval[0]:.2f} to {interval[1]:.2f})"


def _measured(certified: Certified) -> str:
    c = certified
    return f"measured in exact evaluation with precision {c.precision}, batch {c.batch}, on {_device(c)}"


def _device(certified: Certified) -> str:
    machine = certified.machine
    if machine is None:
        return certified.device
    flags = f" ({', '.join(machine.flags)})" if machine.flags else ""
    return f"{certified.device} {machine.cpu}{flags}"
