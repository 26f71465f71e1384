"""Find out what a path holds and open it as a dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibench.datasets.caffe.caffe_samples import CaffeSamples, fed_to, with_classes
from calibench.datasets.caffe.data_layer import caffe_sets, open_prototxt
from calibench.datasets.dataset import Dataset
from calibench.datasets.folder import CLASS_FOLDERS, PLAIN_FOLDER, check_folder, pictures, read_names
from calibench.datasets.formats.any_datumaro import PREFIX, datumaro_format
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.formats.formats import FORMATS
from calibench.datasets.images import EXTENSIONS
from calibench.datasets.inputs import InputPlan
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.pictures import Pictures
from calibench.datasets.tensors import TENSOR_EXTENSIONS, is_tensor_file, open_tensor_folder, open_tensors
from calibench.datasets.texts import is_text_table, open_texts
from calibench.errors import DatasetError, SettingsError
from calibench.settings import DataSettings

ACCEPTED = (
    "a folder of pictures, plain, one folder per class or of a known format, a .npz or .npy file, "
    "or a folder of these, a .csv or .tsv file with texts, a .prototxt whose data layer has data"
)


DEFAULTS = DataSettings()
WITHOUT_FILES = (CLASS_FOLDERS.name, PLAIN_FOLDER.name)
"""Formats that know no annotation files."""
TELLS_NOTHING = ("pictures", "folder Images")
"""How rules begin that plain folders keep as well."""
ANNOTATION_FILES = {".json": "coco", ".xml": "voc", ".csv": "open-images"}
"""The format that files of a suffix probably belong to."""
NO_PICTURES = ("text", "arrays")
"""Formats that hold no pictures."""
PROTOTXT = ".prototxt"
"""Suffix of Caffe networks, which say themselves where their data is."""


def holds_images(source: Path | Dataset, data: DataSettings = DEFAULTS) -> bool:
    """Whether a plan for this dataset prepares pictures; False where arrays or texts enter the model.

    A folder with no picture and at least one array file holds arrays. A dataset of a Python caller holds pictures
    when its first sample has a uint8 array [1, H, W, 1 or 3]. The data layer of a Caffe network gives arrays: its
    pictures are prepared already.
    """
    if isinstance(source, Path):
        if source.suffix == PROTOTXT:
            return False
        if data.format != "auto":
            return data.format not in NO_PICTURES
        return not (is_text_table(source) or _is_tensors(source))
    first = source[0].values() if len(source) else ()
    return any(array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3) for array in first)


def read_dataset(path: Path, plan: InputPlan, data: DataSettings = DEFAULTS, near: Sequence[Path] = ()) -> Dataset:
    """Open what a path holds: pictures, arrays or texts; of a Caffe network, the data of its TEST phase.

    Args:
        plan: made with `plan_inputs(model, settings, images=holds_images(path))`.
        near: folders in which a tokenizer may lie, such as that of the model.

    Raises:
        DatasetError: missing, empty, of an unknown kind, or not what the model takes.
        SettingsError: there is no such format.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder. Accepted: {ACCEPTED}.")
    wanted = data.format
    if path.suffix == PROTOTXT:
        return _of_caffe(path, plan, data)
    if wanted == "text" or (wanted == "auto" and is_text_table(path)):
        return open_texts(path, plan, data, near)
    if wanted == "arrays" or (wanted == "auto" and _is_tensors(path)):
        return open_tensor_folder(path, plan) if path.is_dir() else open_tensors(path, plan)
    image = plan.only_image()
    return Pictures(list_pictures(path, data), image)


def list_pictures(path: Path, data: DataSettings = DEFAULTS) -> Listing:
    """Find the format of a folder and read what it holds; no picture is decoded.

    Raises:
        DatasetError: no folder, no known format, or one that cannot be read.
        SettingsError: there is no such format.
    """
    if not path.is_dir() and path.exists():
        raise DatasetError(_no_folder(path))
    check_folder(path)
    layout = Layout(path)
    listing = find_format(layout, data.format).read(layout, ReadOptions(data.labels, data.split))
    unused = _unused(layout) if data.format == "auto" and listing.format in WITHOUT_FILES else None
    return listing if unused is None else replace(listing, problems=(*listing.problems, unused))


def find_format(layout: Layout, wanted: str = "auto") -> Format:
    """The first format whose rules all hold, or the one that was asked for.

    Raises:
        DatasetError: none fits; names the nearest and the first rule that it breaks.
        SettingsError: there is no such format.
    """
    if wanted.startswith(PREFIX):
        return datumaro_format(wanted)
    if wanted != "auto":
        found = next((each for each in FORMATS if each.name == wanted), None)
        if found is None:
            known = ", ".join((*(each.name for each in FORMATS), *NO_PICTURES, f"{PREFIX}NAME"))
            raise SettingsError(f"--format {wanted}: there is no such format. Known: {known}.")
        broken = found.broken(layout)
        if broken:
            raise DatasetError(f"{layout.folder}: is no {found.title}: it has no {broken[0].wants}.")
        return found
    for each in FORMATS:
        if not each.broken(layout):
            return each
    raise DatasetError(_nearest(layout))


def _nearest(layout: Layout) -> str:
    """What to say of a folder that no format fits: the one with the largest share of its rules kept."""
    if not layout.files:
        return f"{layout.folder}: no pictures in this folder. Accepted: {', '.join(EXTENSIONS)}."
    kept = {each.name: 1 - len(each.broken(layout)) / len(each.rules) for each in FORMATS}
    best = max(FORMATS, key=lambda each: kept[each.name])
    if kept[best.name] == 0:
        others = len(layout.files)
        also = f" ({others} other files were found)"
        return f"{layout.folder}: no pictures in this folder{also}. Accepted: {', '.join(EXTENSIONS)}."
    return (
        f"{layout.folder}: no known format. Nearest is {best.title} ({best.name}), but it has no "
        f"{best.broken(layout)[0].wants}. Complete it, or name another: --format."
    )


def _unused(layout: Layout) -> Problem | None:
    """That annotation files lie in a folder whose format knows none: it is probably meant to be another format."""
    for each in FORMATS:
        broken = each.broken(layout)
        telling = [rule for rule in each.rules if rule not in broken and not rule.wants.startswith(TELLS_NOTHING)]
        if broken and telling and each.name not in WITHOUT_FILES:
            return _almost(layout, each, broken[0].wants)
    for suffix, name in ANNOTATION_FILES.items():
        files = [file for file in layout.files if file.lower().endswith(suffix)]
        if files:
            meant = next(each for each in FORMATS if each.name == name)
            broken = meant.broken(layout)
            return _almost(layout, meant, f"{broken[0].wants} ({files[0]} is not used)") if broken else None
    return None


def _almost(layout: Layout, meant: Format, lacks: str) -> Problem:
    what = f"is read as pictures without these annotations: for {meant.title} ({meant.name}) it lacks {lacks}"
    return Problem("files that look like annotations are not used", str(layout.folder), what)


def _no_folder(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS:
        return f"{path}: this is one picture. Give the folder that holds the pictures."
    if suffix in (".zip", ".tar", ".gz", ".tgz", ".7z"):
        return f"{path}: this is an archive. Unpack it and give the folder."
    return f"{path}: this is no dataset. Accepted: {ACCEPTED}."


def read_caffe_sets(path: Path, plan: InputPlan, data: DataSettings) -> tuple[CaffeSamples, CaffeSamples, str]:
    """The data of a .prototxt for calibration and for accuracy, and what is to be known of them.

    Both are one object where there is no TRAIN data of its own.

    Raises:
        DatasetError, ModelError, SettingsError: as `read_dataset`.
    """
    _check_format(path, data)
    train, test, note = caffe_sets(path)
    fitting = _fitting(test, plan, data)
    return (fitting if train is test else _fitting(train, plan, data)), fitting, note


def _of_caffe(path: Path, plan: InputPlan, data: DataSettings) -> Dataset:
    _check_format(path, data)
    return _fitting(open_prototxt(path), plan, data)


def _check_format(path: Path, data: DataSettings) -> None:
    if data.format != "auto":
        raise SettingsError(f"--format {data.format}: {path} says itself what its data is. Leave --format out.")


def _fitting(samples: CaffeSamples, plan: InputPlan, data: DataSettings) -> CaffeSamples:
    fed = fed_to(samples, plan)
    return fed if data.labels is None else with_classes(fed, read_names(data.labels))


def _is_tensors(path: Path) -> bool:
    if path.is_dir():
        return any(is_tensor_file(inner) for inner in path.iterdir()) and not pictures(Layout(path))
    return path.suffix.lower() in TENSOR_EXTENSIONS
