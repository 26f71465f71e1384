"""Counts what the runtime is asked for, whoever asks: ours and the peer alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import openvino as ov


@dataclass
class Counts:
    """Graphs compiled, and requests run."""

    compiles: int = 0
    inferences: int = 0


@contextmanager
def counted() -> Iterator[Counts]:
    """The counts of everything within the block; of one thread at a time they are exact."""
    counts = Counts()

    def watched(method: Callable[..., Any], what: str) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            setattr(counts, what, getattr(counts, what) + 1)
            return method(*given, **named)

        return run

    watchings = [(ov.Core, "compile_model", "compiles"), (ov.InferRequest, "infer", "inferences")]
    watchings += [(ov.InferRequest, "start_async", "inferences"), (ov.AsyncInferQueue, "start_async", "inferences")]
    patches = [patch.object(kind, name, watched(getattr(kind, name), what)) for kind, name, what in watchings]
    for each in patches:
        each.start()
    try:
        yield counts
    finally:
        for each in patches:
            each.stop()
