"""What the body of a job gets, and how its messages name files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calibench.targets.bundle import OUT, PATHS, Bundle
from calibench.targets.teller import Teller

TREE = "tree"
"""Folder in `out` with the files of an import."""
DEEP_ENOUGH = 3
"""Parts of a path, with the root, that tell it from what else stands in a message: not "/", not "/tmp"."""


@dataclass(frozen=True)
class Running:
    """A job that runs: its folder, what it is to do, and to whom it tells how far it is."""

    folder: Path
    bundle: Bundle
    tell: Teller

    @property
    def out(self) -> Path:
        """Where the files of the result go."""
        return self.folder / OUT

    @property
    def tree(self) -> Path:
        """Where the files of an import go."""
        return self.out / TREE

    def named(self, text: str) -> str:
        """A message as a person knows the files: without the folders in which the server keeps them."""
        for place, name in self._places():
            if len(place.parts) < DEEP_ENOUGH:
                continue
            inner = f"{name.rstrip('/')}/" if name else ""
            text = text.replace(f"{place}/", inner).replace(str(place), name or "the files")
        return text

    def _places(self) -> Iterator[tuple[Path, str]]:
        """Folder or file of the server, and what stands for it; inner ones first."""
        bundle = self.bundle
        yield self.tree, ""
        for source in bundle.sources:
            yield source, source.name
        for path in (bundle.validation, bundle.dataset):
            if path is not None:
                yield path, "dataset"
        if bundle.result is not None:
            yield bundle.result, "result"
        for model in (bundle.model, bundle.baseline):
            if model is not None:
                yield model, model.name
                yield model.parent, ""
        yield self.folder / PATHS, "/"
        yield self.folder, ""
