"""What a machine means for INT8, in a sentence."""

from collections.abc import Mapping
from typing import Any

FLAG_WORDS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx512_bf16": "AVX-512 bf16",
    "amx_int8": "AMX INT8",
    "amx_bf16": "AMX bf16",
}
"""CPU flags as a person calls them."""


def int8_words(machine: Mapping[str, Any]) -> str:
    """What its CPU flags mean for INT8; a sentence or two."""
    if not machine:
        return "It is not known yet what this machine can. Check it."
    flags = set(machine.get("flags", ()))
    if "amx_int8" in flags:
        words = "INT8 runs in AMX tiles: the fastest there is on a CPU."
    elif flags & {"avx512_vnni", "avx_vnni"}:
        words = "INT8 runs in VNNI: often two to four times as fast as FP32."
    elif flags & {"avx512f", "avx2"}:
        words = "No VNNI: INT8 gains less, and some weights take 7 bits so that sums do not overflow."
    else:
        words = "Neither AVX2 nor VNNI is known here: INT8 gains little but size."
    if flags & {"amx_bf16", "avx512_bf16"}:
        words += " FP32 models run in bf16 by default; INT8 is compared with that too."
    return words


def flag_words(machine: Mapping[str, Any]) -> str:
    """The CPU's features that matter, for a person."""
    return ", ".join(FLAG_WORDS.get(flag, flag) for flag in machine.get("flags", ())) or "none of those that matter"
