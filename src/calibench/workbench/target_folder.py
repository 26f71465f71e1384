"""The targets that a data folder knows, whether a server runs on it or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.workbench.target_book import TargetBook


@contextmanager
def opened_targets(data_dir: Path | None = None) -> Iterator["TargetBook"]:
    """The targets of a data folder, which is made when absent; no lock is needed.

    Args:
        data_dir: None: the usual one.

    Raises:
        SettingsError: a package is missing.
        JobError: the data folder cannot be used.
    """
    try:
        from calibench.store.data_folder import DataFolder, usual_place
        from calibench.store.store import Store
        from calibench.store.trees import Trees
        from calibench.workbench.shelf import Shelf
        from calibench.workbench.target_book import TargetBook
        from calibench.worker.hub import Hub
    except ModuleNotFoundError as error:
        raise SettingsError(f"Targets need {error.name}. Install it: pip install 'calibench[serve]'.") from None
    folder = DataFolder(data_dir or usual_place())
    folder.make()
    store = Store(folder.url)
    try:
        book = TargetBook(Shelf(store, Trees(folder), Hub()))
        book.local()  # first, so that it stays the first
        yield book
    finally:
        store.close()
