"""Which pictures of a calibration dataset are read at all: where few are chosen, the others need not travel."""

from pathlib import Path

from calibench.datasets.detect import holds_images, list_pictures
from calibench.datasets.folder import CLASS_FOLDERS, PLAIN_FOLDER
from calibench.datasets.images import EXTENSIONS, read_rgb
from calibench.datasets.listing import Listing
from calibench.datasets.subset import count_of, drawn_unseen
from calibench.errors import CalibenchError, DatasetError
from calibench.settings import Settings
from calibench.targets.bundle import Bundle

NAMES_SAY_ALL = (CLASS_FOLDERS.name, PLAIN_FOLDER.name)
"""Formats whose samples and classes are known by the names of files; others look into pictures too."""


def unread_pictures(bundle: Bundle) -> frozenset[Path]:
    """The pictures of `bundle.dataset` that the job will not read, so that empty files may stand for them.

    None, and all travels, unless everything that decides the choice is known here: a calibration with a validation
    dataset of its own, a random subset smaller than the dataset, a folder of pictures (plain, or one folder per
    class), and pictures that may be resized (else one of another size is left out as unreadable). The chosen ones are
    decoded here, because a picture that cannot be read makes the next one of the draw take its place.
    """
    settings, folder = bundle.settings, bundle.dataset
    if bundle.kind != "calibrate" or folder is None or bundle.validation is None or not folder.is_dir():
        return frozenset()
    if folder.resolve() == bundle.validation.resolve() or _is_size_checked(settings):
        return frozenset()
    try:
        if not holds_images(folder, settings.data):
            return frozenset()
        listing = list_pictures(folder, settings.data)
        order = drawn_unseen(len(listing), settings, has_own_validation=True)
    except CalibenchError:  # the job will say it
        return frozenset()
    if order is None or listing.format not in NAMES_SAY_ALL:
        return frozenset()
    read = _read(listing, order, count_of(settings.subset, len(listing)))
    every = (folder / name for name in listing.names if name.lower().endswith(EXTENSIONS))
    return frozenset(every) - read


def _is_size_checked(settings: Settings) -> bool:
    return any(each.resize == "none" for each in settings.inputs.values())


def _read(listing: Listing, order: tuple[int, ...], count: int) -> frozenset[Path]:
    """The pictures that are looked at until `count` of them could be read."""
    looked: list[Path] = []
    for index in order:
        picture = listing.picture(index)
        assert isinstance(picture, Path)
        looked.append(picture)
        try:
            read_rgb(picture)
            count -= 1
        except DatasetError:
            continue
        if count == 0:
            break
    return frozenset(looked)
