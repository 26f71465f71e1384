"""Why INT8 pays on a machine, or does not: the reasons of the report, of the table of machines and of the pages.

Knows neither OpenVINO nor the report, so that the server may use it: layers are what has a type, a precision, a time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

INTEGER = frozenset(("I8", "U8"))
"""Precisions of INT8 kernels, as the runtime calls them."""
CONVERSIONS = frozenset(("Reorder", "Convert", "FakeQuantize"))
"""Layers that compute nothing: they change precision or the order of the values."""
VNNI = frozenset(("avx512_vnni", "avx_vnni", "amx_int8"))
"""CPU flags of which one makes INT8 products fast."""

NOT_INT8 = 20.0
"""Percent of the INT8 time outside INT8 kernels that is worth a word: no more than that could be won back."""
CONVERTING = 10.0
"""Percent of the INT8 time in conversions that is worth a word: about what one more INT8 layer wins."""
PAYS = 1.1
"""A smaller speed-up over what would be deployed is no reason to change a model."""
SMALL_MS = 0.5
"""ms for all layers in FP32; below, the calls and the conversions of INT8 weigh as much as what it saves."""
KERNELS_GAIN = 1.2
"""INT8 kernels that gain less wait for memory: they move bytes rather than multiply."""
UNKNOWN = "the measured times of the layers do not show why"


class Timed(Protocol):
    """A layer as the runtime ran it; the precision is that in which it computes, the time is in ms."""

    @property
    def type(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def time_ms(self) -> float: ...


Layer = TypeVar("Layer", bound=Timed)


@dataclass(frozen=True)
class Ran:
    """How a model ran on a machine in FP32 and INT8, as far as it is known.

    Attributes:
        flags: of the CPU that it ran on; None: not known, or no CPU.
        speedup: over FP32 as the device runs it; speedup_fp32: over exact FP32.
        default_precision: in which the device runs FP32 models.
        fp32, int8: the layers as they ran, exact FP32 and INT8.
        kernels_gain: how many times as fast the layers became that run in INT8.
    """

    speedup: float | None
    speedup_fp32: float | None = None
    default_precision: str | None = None
    flags: Collection[str] | None = None
    fp32: Sequence[Timed] = ()
    int8: Sequence[Timed] = ()
    kernels_gain: float | None = None

    @property
    def lacks_vnni(self) -> bool:
        """Is it known that the CPU has no fast products of bytes?"""
        return bool(self.flags) and not VNNI & set(self.flags or ())


def why_not(ran: Ran) -> tuple[str, ...]:
    """Why INT8 does not pay there, a clause each; (): it does, or was not measured."""
    if ran.speedup is None or ran.speedup >= PAYS:
        return ()
    return tuple(reasons(ran)) or (UNKNOWN,)


def reasons(ran: Ran) -> Iterator[str]:
    """What keeps INT8 from being faster, a clause each."""
    before, after = total_ms(ran.fp32), total_ms(ran.int8)
    converting = total_ms(conversions(ran.int8))
    if ran.fp32 and before < SMALL_MS:
        small = f"the network is so small ({before:.2f} ms in FP32)"
        yield f"{small} that calls and conversions ({converting:.2f} ms) dominate"
    elif ran.int8 and percent(converting, after) >= CONVERTING:
        yield f"conversions take {percent(converting, after):.0f} % of the INT8 time"
    share = percent(total_ms(not_int8(ran.int8)), after)
    if share >= NOT_INT8:
        yield f"{share:.0f} % of the time is spent in layers without INT8 kernels"
    if ran.lacks_vnni:
        yield "this CPU has no VNNI"
    if ran.kernels_gain is not None and ran.kernels_gain < KERNELS_GAIN:
        waits = "" if ran.lacks_vnni else ", as layers are that wait for memory"
        yield f"the INT8 kernels themselves are only {ran.kernels_gain:.2f} times as fast{waits}"
    if ran.default_precision not in (None, "f32") and ran.speedup_fp32 is not None and ran.speedup_fp32 >= PAYS:
        yield (
            f"FP32 models run in {ran.default_precision} on this device, which is fast already "
            f"(against exact FP32 INT8 is {ran.speedup_fp32:.2f} times as fast)"
        )


def total_ms(layers: Iterable[Timed]) -> float:
    """Time of all layers together, ms."""
    return sum(layer.time_ms for layer in layers)


def percent(part: float, whole: float) -> float:
    """0 where there is no whole."""
    return 100.0 * part / whole if whole else 0.0


def conversions(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that compute nothing."""
    return [layer for layer in layers if layer.type in CONVERSIONS]


def not_int8(layers: Iterable[Layer]) -> list[Layer]:
    """The layers that ran in no INT8 kernel."""
    return [layer for layer in layers if layer.precision not in INTEGER]


def gain_of(pairs: Iterable[tuple[float | None, float | None]]) -> float | None:
    """How many times as fast layers became: (ms in FP32, ms in INT8) of each; None where no times are known."""
    known = [(fp32, int8) for fp32, int8 in pairs if fp32 is not None and int8]
    after = sum(int8 for _, int8 in known)
    return sum(fp32 for fp32, _ in known) / after if after else None


def verdict(speedup: float | None, why: Sequence[str]) -> str:
    """Whether INT8 pays on a machine, in a sentence; '' where it was not measured."""
    if speedup is None:
        return ""
    return f"INT8 does not pay here: {'; '.join(why)}." if why else "INT8 pays here."
