"""How long it takes to read the annotations of large datasets: `python -m benchmarks.dataset_reading`.

Every reading runs in a process of its own, so that the peak of memory is its own, and prints the seconds and the peak
in MB above the start of that process. The sets are written to a folder that is removed afterwards; their pictures are
all one small file.
"""

import io
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from calibench.datasets.detect import find_format
from calibench.datasets.folder import CLASS_FOLDERS
from calibench.datasets.formats.coco import COCO
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.formats.imagenet_list import IMAGENET_LIST
from calibench.datasets.formats.voc import VOC
from calibench.datasets.listing import ReadOptions
from calibench.machine import peak_rss_mb

Writer = Callable[[Path], str]
SIDE = 64  # pixels of the pictures, which are not decoded


def main() -> None:
    for format_, write in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            what = write(Path(folder))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                samples, seconds, first, peak = pool.apply(_read, (folder, format_.name))
        print(f"{format_.name}, {what}:")
        print(f"  {samples} samples in {seconds:.2f} s, peak {peak:.0f} MB; {first * 1e3:.2f} ms a truth")


def coco(folder: Path) -> str:
    """5,000 pictures, 36,000 objects with polygons of 40 points in 80 classes, as many as COCO val2017 has."""
    draw = random.Random(0)
    _pictures(folder / "images/val2017", [f"{number:012}.jpg" for number in range(5000)])
    annotations = [_coco_object(number, draw) for number in range(36_000)]
    images = [{"id": n, "file_name": f"{n:012}.jpg", "width": 640, "height": 480} for n in range(5000)]
    categories = [{"id": number, "name": f"class {number}"} for number in range(1, 81)]
    file = folder / "annotations/instances_val2017.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return f"5,000 pictures, 36,000 objects with polygons, {file.stat().st_size / 1e6:.0f} MB of JSON"


def voc(folder: Path) -> str:
    """5,000 pictures with 3 objects each, as many as VOC 2007 test has, without a label map."""
    draw = random.Random(0)
    names = [f"{number:06}" for number in range(5000)]
    _pictures(folder / "JPEGImages", [f"{name}.jpg" for name in names])
    for inner in ("Annotations", "ImageSets/Main"):
        (folder / inner).mkdir(parents=True)
    (folder / "ImageSets/Main/val.txt").write_text("\n".join(names))
    for name in names:
        (folder / f"Annotations/{name}.xml").write_text(_voc_text(name, draw))
    return "5,000 pictures, 15,000 objects"


def imagenet_list(folder: Path) -> str:
    """50,000 pictures and val.txt with their classes, as many as ImageNet's validation set has."""
    names = [f"ILSVRC2012_val_{number:08}.JPEG" for number in range(1, 50_001)]
    _pictures(folder / "images", names)
    (folder / "val.txt").write_text("".join(f"{name} {place % 1000}\n" for place, name in enumerate(names)))
    return "50,000 pictures and a list"


def class_folders(folder: Path) -> str:
    """The same number in 1,000 folders, one a class."""
    for number in range(1000):
        names = [f"ILSVRC2012_val_{number * 50 + place:08}.JPEG" for place in range(50)]
        _pictures(folder / f"{number:04}_class", names)
    return "50,000 pictures in 1,000 folders"


def _coco_object(number: int, draw: random.Random) -> dict[str, object]:
    left, top = draw.uniform(0, 400), draw.uniform(0, 300)
    points = [round(draw.uniform(0, 100) + (left, top)[place % 2], 2) for place in range(80)]
    return {
        "id": number,
        "image_id": draw.randrange(5000),
        "category_id": draw.randint(1, 80),
        "bbox": [round(left, 2), round(top, 2), 100.0, 100.0],
        "area": 5000.0,
        "iscrowd": 0,
        "segmentation": [points],
    }


def _voc_text(name: str, draw: random.Random) -> str:
    one = (
        "<object><name>{}</name><pose>Left</pose><truncated>0</truncated><difficult>0</difficult>"
        "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>"
    )
    size = "<size><width>64</width><height>64</height><depth>3</depth></size>"
    objects = "".join(one.format(draw.choice(("dog", "cat", "car"))) for _ in range(3))
    return f"<annotation><filename>{name}.jpg</filename>{size}{objects}</annotation>"


def _pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    data = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(data, "JPEG")
    for name in names:
        (folder / name).write_bytes(data.getvalue())


def _read(folder: str, name: str) -> tuple[int, float, float, float]:
    """Samples, seconds to find the format and read, seconds a truth, peak in MB above the start."""
    format_ = next(each for each in SETS if each.name == name)
    before = peak_rss_mb()
    start = time.perf_counter()
    layout = Layout(Path(folder))
    found = find_format(layout)
    if found.name != format_.name:
        raise SystemExit(f"{format_.name} was taken for {found.name}")
    listing = found.read(layout, ReadOptions())
    seconds = time.perf_counter() - start
    peak = peak_rss_mb() - before
    start = time.perf_counter()
    taken = range(0, len(listing), max(1, len(listing) // 100))
    for number in taken:
        listing.truth(number)
    return len(listing), seconds, (time.perf_counter() - start) / len(taken), peak


SETS: dict[Format, Writer] = {COCO: coco, VOC: voc, IMAGENET_LIST: imagenet_list, CLASS_FOLDERS: class_folders}
"""Format -> a function that writes a set into an empty folder and says what it wrote."""


if __name__ == "__main__":
    main()
