"""Let a result that was made elsewhere name the files of this machine: those there are gone when it is read."""

import html
import json
from pathlib import Path

from calibench.targets.bundle import OUT, PATHS, Bundle

TEXTS = (".json", ".jsonl", ".html", ".py", ".txt", ".csv")
"""Files of a result that may name others."""


def name_files_here(result: Path, there: str, folder: Path, bundle: Bundle) -> None:
    """Replace the paths of a job's folder there in all texts of a result.

    Args:
        result: the files, already verified.
        there: absolute path of the job's folder there.
        folder: of the job here.
        bundle: as it is here.

    Raises:
        OSError: a file cannot be read or written.
    """
    pairs = _pairs(there, folder, bundle)
    for path in sorted(result.rglob("*")):
        if path.suffix in TEXTS and path.is_file():
            before = path.read_bytes()
            after = before
            for old, new in pairs:
                after = after.replace(_written(old, path.suffix), _written(new, path.suffix))
            if after != before:
                path.write_bytes(after)


def _pairs(there: str, folder: Path, bundle: Bundle) -> list[tuple[str, str]]:
    """Path there and here, inner ones first."""
    settings = bundle.settings
    holdout = settings.accuracy.holdout
    given = {
        "model": bundle.model,
        "baseline": bundle.baseline,
        "dataset": bundle.dataset,
        "validation": bundle.validation,
        "holdout": Path(holdout) if holdout and not holdout.endswith("%") else None,
        "settings/weights": settings.weights,
        "settings/accuracy.timings": settings.accuracy.timings,
    }
    named = [(f"{there}/in/{name}/", f"{path.absolute().parent}/") for name, path in given.items() if path is not None]
    return [(f"{there}/{PATHS}", ""), *named, (f"{there}/{OUT}", str(folder / OUT)), (there, str(folder))]


def _written(path: str, suffix: str) -> bytes:
    """A path as it stands in a file of a kind."""
    if suffix in (".json", ".jsonl"):
        return json.dumps(path, ensure_ascii=False)[1:-1].encode()
    return (html.escape(path) if suffix == ".html" else path).encode()
