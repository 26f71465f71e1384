"""Find out what a path holds and open it as a dataset."""

from pathlib import Path

import numpy as np

from calibench.datasets.dataset import Dataset
from calibench.datasets.folder import find_pictures, open_folder
from calibench.datasets.images import EXTENSIONS
from calibench.datasets.inputs import InputPlan
from calibench.datasets.tensors import TENSOR_EXTENSIONS, is_tensor_file, open_tensor_folder, open_tensors
from calibench.errors import DatasetError

ACCEPTED = "a folder of pictures, one folder per class, a .npz or .npy file, or a folder of these"


def holds_images(source: Path | Dataset) -> bool:
    """Whether a plan for this dataset prepares pictures; False where arrays enter the model as they are.

    A folder with no picture and at least one array file holds arrays. A dataset of a Python caller holds pictures
    when its first sample has a uint8 array [1, H, W, 1 or 3].
    """
    if isinstance(source, Path):
        return not (source.suffix.lower() in TENSOR_EXTENSIONS or (source.is_dir() and _is_tensor_folder(source)))
    first = source[0].values() if len(source) else ()
    return any(array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3) for array in first)


def read_dataset(path: Path, plan: InputPlan) -> Dataset:
    """Open what a path holds: pictures or arrays.

    Args:
        plan: made with `plan_inputs(model, settings, images=holds_images(path))`.

    Raises:
        DatasetError: missing, empty, of an unknown kind, or not what the model takes.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder. Accepted: {ACCEPTED}.")
    if path.is_dir():
        return open_tensor_folder(path, plan) if _is_tensor_folder(path) else open_folder(path, plan)
    if path.suffix.lower() in TENSOR_EXTENSIONS:
        return open_tensors(path, plan)
    if path.suffix.lower() in EXTENSIONS:
        raise DatasetError(f"{path}: this is one picture. Give the folder that holds the pictures.")
    if path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z"):
        raise DatasetError(f"{path}: this is an archive. Unpack it and give the folder.")
    raise DatasetError(f"{path}: this is no dataset. Accepted: {ACCEPTED}.")


def _is_tensor_folder(folder: Path) -> bool:
    return any(is_tensor_file(path) for path in folder.iterdir()) and not find_pictures(folder)[0]
