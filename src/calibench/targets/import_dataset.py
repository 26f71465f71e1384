"""Import a dataset: find where it begins, keep its files, and say what it holds."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from calibench.datasets.detect import WITHOUT_FILES
from calibench.datasets.tensors import is_tensor_file
from calibench.datasets.texts import is_text_table
from calibench.errors import CalibenchError, DatasetError
from calibench.pipeline import inspect_dataset
from calibench.reports.answers import DatasetInspection
from calibench.targets.gathering import ARCHIVES, gather
from calibench.targets.running import Running

CLASSES, PROBLEMS = 1000, 50
"""How many are kept beside the facts."""
LONGEST, LETTERS = 1000, 300
"""Entries of a list of the facts, and letters of a text, that are kept: every list of datasets carries all of it."""
READ_ME = ("readme", "license", "licence", "copying", "notice")
"""How files begin that lie beside the folder of a dataset in its archive."""
DEEPEST = 4
"""Folders in folders that are opened to find where a dataset begins."""


def import_dataset(job: Running) -> dict[str, Any]:
    """Fields of KeptDataset that tell what was found; its files lie in out/tree.

    Raises:
        DatasetError: nothing is recognised, with the format that is nearest and what it lacks.
    """
    if not job.bundle.sources:
        raise DatasetError("No file was given. Give a folder, or an archive of one.")
    tree = gather(job)
    found = dataset_facts_of(job, tree)
    return {**found, "problems": [*_left_packed(tree), *found["problems"]][:PROBLEMS]}


def _left_packed(tree: Path) -> Iterator[str]:
    """A sentence where archives lie in the archive: nobody would miss what is in them."""
    files = (path for path in tree.rglob("*") if path.name.lower().endswith(ARCHIVES))
    packed = sorted(path.relative_to(tree).as_posix() for path in files if path.is_file())
    if packed:
        more = f" and {len(packed) - 1} more" if len(packed) > 1 else ""
        yield f"{packed[0]}{more}: archives in the archive are not unpacked. Unpack them, and pack everything anew."


def dataset_facts_of(job: Running, tree: Path) -> dict[str, Any]:
    """Plain values under the names of KeptDataset's fields, of the dataset in a folder.

    Raises:
        DatasetError: nothing is recognised.
    """
    found = _inspected(job, tree)
    read_by = job.bundle.settings.data.model_dump(mode="json", exclude_unset=True)
    facts = {**found.as_json(), "path": "", "sheet": None, "data": read_by}
    said = [job.named(text) for text in (*(str(each) for each in found.facts.problems), *found.facts.unreadable)]
    facts["problems"] = [{**each, "what": job.named(each["what"])} for each in facts["problems"]]
    root = found.facts.path
    return {
        "entry": "" if root == tree else root.relative_to(tree).as_posix(),
        "format": found.facts.format,
        "title": found.facts.title,
        "samples": found.facts.samples,
        "annotated": list(found.facts.annotated),
        "has_pictures": found.facts.listing is not None,
        "classes": bounded(found.facts.classes[:CLASSES]),
        "size_bytes": sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()),
        "problems": bounded(said[:PROBLEMS]),
        "facts": _bounded_facts(facts),
    }


def _bounded_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts with the beginning of what is long; `cut` has the full count of each."""
    counts = {name: len(value) for name, value in facts.items() if isinstance(value, (list, tuple, dict))}
    cut = {name: count for name, count in counts.items() if count > LONGEST}
    return {**{name: bounded(value) for name, value in facts.items()}, **({"cut": cut} if cut else {})}


def bounded(value: Any) -> Any:
    """A plain value with the first LONGEST entries of lists and the first LETTERS of texts."""
    if isinstance(value, str):
        return value if len(value) <= LETTERS else f"{value[:LETTERS]}..."
    if isinstance(value, Mapping):
        return {name: bounded(inner) for name, inner in islice(value.items(), LONGEST)}
    if isinstance(value, (list, tuple)):
        return [bounded(inner) for inner in value[:LONGEST]]
    return value


def _inspected(job: Running, tree: Path) -> DatasetInspection:
    """The dataset from where it begins: the outermost folder with annotations that are understood, else the inmost.

    Raises:
        DatasetError: of the inmost folder, why it was not recognised.
    """
    places = list(_beginnings(tree))
    plain: DatasetInspection | None = None
    refusal: CalibenchError | None = None
    for place in places:
        try:
            found = inspect_dataset(place, job.bundle.settings, progress=job.tell)
        except DatasetError as error:
            refusal = error
            continue
        if found.facts.format not in WITHOUT_FILES:
            return found
        plain = found
    if plain is None:
        assert refusal is not None
        raise refusal
    return plain


def _beginnings(tree: Path) -> Iterator[Path]:
    """The folder itself, then what is in it as long as that is one folder alone; last a table or array alone."""
    folder = tree
    for _ in range(DEEPEST):
        held = [path for path in folder.iterdir() if not path.name.lower().startswith(READ_ME)]
        if len(held) == 1 and held[0].is_file() and (is_tensor_file(held[0]) or is_text_table(held[0])):
            yield held[0]  # as a folder it would be samples in a file each
            return
        yield folder
        if len(held) != 1 or not held[0].is_dir():
            return
        folder = held[0]
