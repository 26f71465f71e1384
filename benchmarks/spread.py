"""How much faster is the validation of a search when worker processes share it?

python -m benchmarks.spread [--samples 1000] [--trials 2] [--rounds 5] [--workers 1 2 4] [--waiting MS] [--json FILE]

The same models of random weights are evaluated to the last sample: by one process bound to one core, as a search with
--threads 1 does it, and by 1, 2, ... worker processes of this machine, each on a core of its own. One after the other
in turns, so that what disturbs the machine disturbs all; the table says the median over the rounds, the least and the
greatest. Every outcome must be the same, or the run fails. Aim: two workers on two cores are 1.7 times as fast as one
process.

From one worker and two the cost model of `benchmarks.spread_cost` is fitted, and says what four take. How far off that
is needs four workers that do not stand in each other's way: on a machine of fewer cores give --waiting 20, so that a
sample takes 20 ms of waiting and hardly any computing. At last the model is carried to 50,000 images, 100 trials and 64
machines of one worker each.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import openvino as ov

from benchmarks.decoding import SIZE, network
from benchmarks.spread_cost import Cost, Work, fit
from calibench.datasets.dataset import Arrays
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.top_k import top_k
from calibench.evaluation.tasks.task import Task
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import describe_machine, physical_cores
from calibench.progress import silent
from calibench.search.validation import Elsewhere, Validation, run_baseline
from calibench.search.values import Limit, Outcome
from calibench.spread.spread_validation import SpreadValidation
from calibench.spread.team import Team, open_team

CHANNELS, LAYERS = 48, 4
"""Of the network: some 10 ms a sample on one core, as a small detector."""
LIMITS = [Limit("top1", 100.0)]
LINE = 1.25e8
"""Bytes a second of the network between machines, for what is carried on paper: 1 Gbit/s."""
ON_PAPER = {"samples": 50_000, "trials": 100, "workers": 64}


class Waiting(Arrays):
    """Samples that take their time and no core."""

    seconds = 0.0

    def __getitem__(self, index: int) -> Any:
        """A sample, after a while."""
        time.sleep(self.seconds)
        return super().__getitem__(index)


def pictures(count: int, waiting_s: float = 0.0) -> Arrays:
    """Noise, decoded already: what is measured is the sharing, not JPEG."""
    random = np.random.default_rng(0)
    samples = [{"image": random.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)} for _ in range(min(count, 32))]
    found = Waiting([samples[i % len(samples)] for i in range(count)], [i % CHANNELS for i in range(count)])
    found.seconds = waiting_s
    return found


def validation(graph: ov.Model, samples: Arrays) -> Validation:
    """Judges by top-1 against labels that mean nothing."""
    judge = Judge(Task("classification", lambda outputs, frame: None, {}), top_k(1), ("out",))
    exact = compile_for_samples(graph, "CPU", physical_cores())
    baseline = run_baseline(infer_all(exact, (samples[i] for i in range(len(samples)))), samples, judge)
    return Validation(samples, judge, (), baseline, 1, 1)


def trials(graph: ov.Model, count: int) -> list[ov.Model]:
    """As many models as a search would try: clones whose names differ, so that each is sent anew."""
    found = []
    for number in range(count):
        clone = graph.clone()
        clone.set_friendly_name(f"trial{number}")
        found.append(clone)
    return found


@contextmanager
def on_one_core() -> Iterator[None]:
    """What this thread starts in the block runs on a single core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def alone(models: list[ov.Model], judged: Validation) -> list[Outcome]:
    """One process, one core."""
    with on_one_core():
        return [judged.evaluate(compile_for_samples(each, "CPU", 1), LIMITS, silent) for each in models]


def shared(team: Team, models: list[ov.Model], judged: Validation) -> list[Outcome]:
    """By the workers of a team."""
    away = SpreadValidation(team, "CPU", "f32")
    found: list[Outcome] = []
    for each in models:
        model: Elsewhere = away(each, judged)
        found.append(judged.evaluate(model, LIMITS, silent))
    return found


def hand_out_s(team: Team, chunks: int = 200) -> float:
    """Seconds of a chunk that has nothing to compute."""
    model = team.send(network(1, 1), "CPU", "f32")
    hand_in = partial(team.client.submit, _nothing, model, pure=False)
    start = time.perf_counter()
    for _ in team.in_order([hand_in] * chunks, lambda: None):
        pass
    return (time.perf_counter() - start) / chunks


def _nothing(model: Any) -> None:
    """Of a chunk."""


def measure(ways: dict[str, Callable[[], list[Outcome]]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every way in every round, in turns; one more round before, which does not count.

    Raises:
        SystemExit: two ways differ in an outcome.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    wanted: list[Outcome] | None = None
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            found = way()
            if number:
                seconds[name].append(time.perf_counter() - start)
            wanted = found if wanted is None else wanted
            if found != wanted:
                raise SystemExit(f"{name}: another outcome than the first way. This is a fault.")
    return seconds


def work_of(graph: ov.Model, samples: Arrays, judged: Validation) -> Work:
    """What one evaluation has to do."""
    model = cloudpickle.dumps([constant.data for constant in graph.get_ops() if constant.get_type_name() == "Constant"])
    answer = cloudpickle.dumps((judged.baseline.evidence[0], judged.baseline.outputs[0]))
    return Work(len(samples), len(model), len(answer))


def on_paper(cost: Cost, work: Work) -> dict[str, float]:
    """Hours of a large search, by one worker and by many, over a network."""
    count = ON_PAPER["samples"]
    large = replace(work, samples=count)
    over = replace(cost, line=LINE)
    return {f"{n} workers": ON_PAPER["trials"] * over.seconds(large, n) / 3600 for n in (1, ON_PAPER["workers"])}


def table(seconds: dict[str, list[float]], work: Work, turn_s: float, asked: argparse.Namespace) -> dict[str, Any]:
    """What was measured, and what follows."""
    median = {name: statistics.median(values) for name, values in seconds.items()}
    found: dict[str, Any] = {
        "seconds": seconds,
        "waiting_ms": asked.waiting,
        "work": asdict(work),
        "cores": physical_cores(),
    }
    base = seconds["1 process, 1 core"]
    for name, values in seconds.items():
        ratios = sorted(one / other for one, other in zip(base, values, strict=True))
        print(
            f"{name:18} {median[name]:8.2f} s  ({min(values):.2f} .. {max(values):.2f})"
            f"  {statistics.median(ratios):.2f} x  ({ratios[0]:.2f} .. {ratios[-1]:.2f})"
        )
    if {1, 2} <= set(asked.workers):
        one, two = (median[f"{n} workers"] / asked.trials for n in (1, 2))
        cost = fit(work, one, two, turn_s, asked.line)
        four = cost.seconds(work, 4) * asked.trials
        found |= {"cost": asdict(cost), "predicted_4": four, "on_paper_hours": on_paper(cost, work)}
        print(
            f"fitted: {cost.fixed_s:.3f} s an evaluation + {cost.sample_s * 1000:.2f} ms a sample and worker, "
            f"{cost.hand_out_s * 1000:.1f} ms to hand out a chunk"
        )
        print(f"4 workers: {four:.2f} s predicted")
        if "4 workers" in median:
            found["error_4"] = four / median["4 workers"] - 1
            print(f"4 workers: {found['error_4']:+.1%} off what was measured")
        print(f"on paper, {ON_PAPER}: " + ", ".join(f"{n}: {h:.2f} h" for n, h in found["on_paper_hours"].items()))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--line", type=float, default=5e8, help="bytes a second between processes of this machine")
    parser.add_argument("--waiting", type=float, default=0.0, help="milliseconds that a sample waits, not computes")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    graph = network(CHANNELS, 0 if asked.waiting else LAYERS)
    graph.outputs[0].get_tensor().set_names({"out"})
    samples = pictures(asked.samples, asked.waiting / 1000)
    judged, models = validation(graph, samples), trials(graph, asked.trials)
    with ExitStack() as stack:
        ways: dict[str, Callable[[], list[Outcome]]] = {"1 process, 1 core": lambda: alone(models, judged)}
        for count in asked.workers:
            team = stack.enter_context(open_team(count))
            ways[f"{count} workers"] = lambda team=team: shared(team, models, judged)  # type: ignore[misc]
        measured = measure(ways, asked.rounds)
        found = table(measured, work_of(graph, samples, judged), hand_out_s(team), asked)
    found["machine"] = describe_machine().model_dump(mode="json")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
