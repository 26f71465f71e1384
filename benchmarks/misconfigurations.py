"""Twenty wrong settings that hurt, over five networks: does Calibench name the right cause before a long run?

    python -m benchmarks.misconfigurations [NETWORK ...] [--out FILE]

Every network has the settings that its authors publish. A wrong configuration differs in one thing: colour order, mean
and scale, labels, or resize. It counts only where it costs at least as much as `LEAST` says, over the whole validation
set. Then `settle` gets it as a person would give it, every setting said, and should warn of that cause first; with the
right settings it should not warn at all.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.cause_table import verdicts
from benchmarks.default_ptq import _commit, _versions
from benchmarks.zoo.datasets import TASK_SETS, Prepared, prepare
from calibench.evaluation.alternatives import IMAGENET_MEAN, IMAGENET_SCALE, Cause
from calibench.evaluation.settle import settle
from calibench.machine import describe_machine, physical_cores
from calibench.models.read import read_model
from calibench.pipeline import evaluate
from calibench.progress import silent
from calibench.settings import InputSettings, Settings, TaskSettings

OUT = Path("benchmarks/results/misconfigurations.json")
WARNING = re.compile(r"Wrong (?P<cause>[a-z ]+), it seems:")


@dataclass(frozen=True)
class Wrong:
    """A wrong configuration: what differs from the right one, and the cause that should be named."""

    cause: Cause
    says: str
    inputs: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A network, what its authors publish, and its wrong configurations."""

    network: str
    right: dict[str, Any]
    wrong: tuple[Wrong, ...]


NOTHING = {"mean": (), "scale": ()}
UNIT = {"mean": (), "scale": (255.0,)}
SIGNED = {"mean": (127.5,), "scale": (127.5,)}
IMAGENET = {"mean": IMAGENET_MEAN, "scale": IMAGENET_SCALE}
CAFFE = {"mean": (123.68, 116.78, 103.94), "scale": ()}

LITE = (
    Wrong("mean and scale", "0..255 as they are", NOTHING),
    Wrong("mean and scale", "0..1", UNIT),
    Wrong("mean and scale", "ImageNet mean without scale", CAFFE),
    Wrong("mean and scale", "mean and deviation of ImageNet", IMAGENET),
    Wrong("colour order", "BGR", {"color": "bgr"}),
    Wrong("labels", "classes one too high", task={"label_offset": 1}),
    Wrong("labels", "classes one too low", task={"label_offset": -1}),
    Wrong("resize", "the middle of a picture twice as large", {"resize": "crop", "resize_short": 448}),
)
SUBJECTS: tuple[Subject, ...] = (
    Subject("efficientnet-lite0", {"mean": (127.0,), "scale": (128.0,), "resize": "crop"}, LITE),
    Subject(
        "ppocr-cls",
        {"size": (48, 192), "resize": "corner", "pad": 128, "color": "bgr", **SIGNED},
        (
            Wrong("mean and scale", "0..255 as they are", NOTHING),
            Wrong("mean and scale", "ImageNet mean without scale", CAFFE),
        ),
    ),
    Subject(
        "pplcnet-orientation",
        {"resize": "crop", "resize_short": 256, **IMAGENET},
        (
            Wrong("mean and scale", "0..255 as they are", NOTHING),
            Wrong("mean and scale", "ImageNet mean without scale", CAFFE),
            Wrong("mean and scale", "0..1", UNIT),
        ),
    ),
    Subject(
        "fashion-mbv3",
        {"mean": (72.94,), "scale": (90.02,)},
        (
            Wrong("mean and scale", "0..255 as they are", NOTHING),
            Wrong("mean and scale", "0..1", UNIT),
            Wrong("mean and scale", "-1..1", SIGNED),
            Wrong("mean and scale", "mean and deviation of MNIST", {"mean": (33.32,), "scale": (78.57,)}),
        ),
    ),
    Subject(
        "esrgan-medium",
        {},
        (
            Wrong("colour order", "BGR", {"color": "bgr"}),
            Wrong("mean and scale", "-1..1", SIGNED),
            Wrong("mean and scale", "ImageNet mean without scale", CAFFE),
        ),
    ),
)
"""Twenty wrong configurations in all."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print a line for each configuration, write the JSON."""
    known = [each.network for each in SUBJECTS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=known)
    parser.add_argument("--cache", type=Path, default=Path(".cache/zoo"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--causes-only", action="store_true", help="keep the scores of --out, look for causes anew")
    options = parser.parse_args(arguments)
    rows = _read_rows(options.out) if options.causes_only or set(options.networks) != set(known) else {}
    for subject in (each for each in SUBJECTS if each.network in options.networks):
        scored = rows.get(subject.network, []) if options.causes_only else []
        rows[subject.network] = _measure(subject, options.cache, scored)
        _write(options.out, [row for name in known for row in rows.get(name, ())])
    print("\n".join(verdicts([row for name in known for row in rows.get(name, ())])))


def _measure(subject: Subject, cache: Path, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The right configuration first, then the wrong ones; what is known of the scores is taken over."""
    task_set = next(each for each in TASK_SETS if each.name == subject.network)
    files = prepare(task_set, cache)
    rows: list[dict[str, Any]] = []
    for wrong in (None, *subject.wrong):
        settings = configured(subject, wrong)
        scored = {row["says"]: (row["metric"], row["unit"], row["score"]) for row in known}
        score = scored.get(wrong.says if wrong else "right") or _score(files, settings)
        rows.append(_row(subject, wrong, score, _told(files, settings)))
        row = rows[-1]
        row["cost"] = abs(rows[0]["score"] - row["score"])
        print(f"{subject.network} {row['says']}: {row['score']:.2f} {row['unit']}, {row['warnings']}", flush=True)
    return rows


def configured(subject: Subject, wrong: Wrong | None) -> Settings:
    """Settings with every input setting said, as by a person who left nothing open."""
    plain = InputSettings().model_dump()
    inputs = InputSettings(**{**plain, **subject.right, **(wrong.inputs if wrong else {})})
    task = TaskSettings(**{"label_offset": 0, **(wrong.task if wrong else {})})
    return Settings(inputs={"": inputs}, task=task)


def _score(files: Prepared, settings: Settings) -> tuple[str, str, float]:
    found = evaluate(files.model, files.validation, settings.model_copy(update={"diagnose": False})).score
    return found.metric, found.unit, found.score


def _told(files: Prepared, settings: Settings) -> tuple[tuple[str, ...], float]:
    start = perf_counter()
    settled = settle(read_model(files.model).graph, files.validation, settings, physical_cores(), silent)
    return settled.warnings, perf_counter() - start


def _row(
    subject: Subject, wrong: Wrong | None, scored: tuple[str, str, float], told: tuple[tuple[str, ...], float]
) -> dict[str, Any]:
    metric, unit, score = scored
    warnings, seconds = told
    first = WARNING.match(warnings[0]) if warnings else None
    named = first["cause"] if first else ("something" if warnings else None)
    return {
        "network": subject.network,
        "says": wrong.says if wrong else "right",
        "cause": wrong.cause if wrong else None,
        "metric": metric,
        "unit": unit,
        "score": score,
        "named": named,
        "warnings": list(warnings),
        "seconds": seconds,
        "settings": configured(subject, wrong).model_dump(
            mode="json", include={"inputs": True, "task": {"label_offset"}}
        ),
    }


def _read_rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a result that is there, by network."""
    found: dict[str, list[dict[str, Any]]] = {}
    if path.is_file():
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            found.setdefault(row["network"], []).append(row)
    return found


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    result = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.misconfigurations", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
