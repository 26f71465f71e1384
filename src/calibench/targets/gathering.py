"""Bring what was uploaded, or lies at an allowed path, into the tree of an import: copied, moved or unpacked."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from calibench.errors import CalibenchError, DatasetError
from calibench.models.read import EXPORTS, FORMATS
from calibench.store.archive_names import DEEPEST
from calibench.store.unpacking import is_archive, unpack
from calibench.targets.running import Running

HOLD_THEMSELVES = (*FORMATS, *EXPORTS, ".bin", ".pdiparams", ".caffemodel", ".npz", ".npy")
"""Suffixes of files that are read as they are, also where they are archives on the inside."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".rar", ".7z")
"""How names of archives end, which are unpacked or refused whatever they hold."""
BESIDE = frozenset((".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"))
"""What computers leave in folders, and nobody means."""
CHUNK = 1 << 22
TOKENIZER = "tokenizer.json"


def gather(job: Running, kind: type[CalibenchError] = DatasetError) -> Path:
    """Fill the tree of an import from its sources; archives are unpacked, several of them into one tree.

    Returns:
        The folder of the tree.

    Raises:
        CalibenchError: of `kind`, a source is gone, holds nothing, or a link that leads out of it; as `unpack`.
    """
    tree, sources = job.tree, job.bundle.sources
    check_sources(sources, kind)
    clear(tree)
    for number, source in enumerate(sources):
        if is_packed(source):
            _unpack(job, source, tree, number)
        elif source.is_dir():
            take(job, sorted(_files_in(source, kind)), source, kind)
        else:
            take(job, [source, *_tokenizer_of(source, sources)], source.parent, kind)
    if not any(path.is_file() for path in tree.rglob("*")):
        raise kind(f"{', '.join(source.name for source in sources) or 'This'}: holds no files. Give another.")
    return tree


def clear(tree: Path) -> None:
    """Make an empty folder; what an attempt before this one left there is removed."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)


def check_sources(sources: Sequence[Path], kind: type[CalibenchError]) -> None:
    """Refuse what cannot be read to its end.

    Raises:
        CalibenchError: of `kind`, a source is gone, or no file and no folder.
    """
    for source in sources:
        if not source.exists():
            raise kind(f"{source}: there is no such file or folder any more. Give it again.")
        if not (source.is_file() or source.is_dir()):
            raise kind(f"{source}: is neither a file nor a folder. Give a file or a folder.")


def is_packed(source: Path) -> bool:
    """Whether a source is an archive to unpack; one that only its name says to be one is refused there."""
    name = source.name.lower()
    return source.is_file() and not name.endswith(HOLD_THEMSELVES) and (name.endswith(ARCHIVES) or is_archive(source))


def _tokenizer_of(source: Path, sources: Sequence[Path]) -> tuple[Path, ...]:
    """The tokenizer beside a table of texts at a path of this machine, which the texts cannot be read without."""
    beside = source.parent / TOKENIZER
    is_wanted = len(sources) == 1 and source.suffix.lower() in (".csv", ".tsv") and beside.is_file()
    return (beside,) if is_wanted else ()


def take(job: Running, files: Sequence[Path], home: Path, kind: type[CalibenchError] = DatasetError) -> None:
    """Copy files below `home` into the tree, under the same names, or link them where the bundle gives them away.

    Linked, not moved: another attempt of the job, or its retry, finds them where they were.

    Raises:
        CalibenchError: of `kind`, a file is there already, or lies behind a link that leads out of `home`.
    """
    root = home.resolve()
    for file in files if job.bundle.is_copied else ():
        if not file.resolve().is_relative_to(root):
            raise kind(f"{file}: is a link that leads out of the folder. Put the file itself there.")
    total, done = sum(file.stat().st_size for file in files), 0
    for file in files:
        place = job.tree / (file.relative_to(home) if file.is_relative_to(home) else file.name)
        if place.exists():
            raise kind(f"{place}: was given twice. Give every file once.")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not job.bundle.is_copied and _linked(file, place):
            continue
        for count in _copied(file, place):
            done += count
            job.tell("copy", done, max(total, done))


def _linked(file: Path, place: Path) -> bool:
    """Whether a file could be linked: not on every disk, and not from another one."""
    try:
        os.link(file, place)
    except OSError:
        return False
    return True


def _copied(file: Path, place: Path) -> Iterator[int]:
    """Copy a file, and give the bytes of each piece."""
    with file.open("rb") as source, place.open("wb") as target:
        while piece := source.read(CHUNK):
            target.write(piece)
            yield len(piece)


def _unpack(job: Running, archive: Path, tree: Path, number: int) -> None:
    """One archive into the tree, beside what others gave: COCO comes as one of pictures and one of annotations."""
    aside = tree.parent / f"unpacked-{number}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        for sentence in unpack(archive, aside, job.bundle.limits, lambda done, total: job.tell("unpack", done, total)):
            job.tell.note(sentence)
        _merge(aside, tree)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _merge(source: Path, target: Path) -> None:
    """Move everything in one folder into another.

    Raises:
        DatasetError: both hold a file of one name.
    """
    for path in sorted(source.iterdir()):
        place = target / path.name
        if path.is_dir() and place.is_dir():
            _merge(path, place)
        elif place.exists():
            raise DatasetError(f"{place}: is in two of the archives. Give one archive, or name the file otherwise.")
        else:
            path.rename(place)


def _files_in(folder: Path, kind: type[CalibenchError]) -> Iterator[Path]:
    """The files below a folder; a link may lead to a file in it.

    Raises:
        CalibenchError: of `kind`, a link leads to a folder, or a folder lies too deep.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in BESIDE]
        for name in folders:
            path = Path(place) / name
            if path.is_symlink():
                raise kind(f"{path}: is a link to a folder. Put the folder itself there.")
            if len(path.relative_to(folder).parts) >= DEEPEST:
                raise kind(f"{path}: lies in more than {DEEPEST} folders. Put it higher.")
        yield from (Path(place) / name for name in names if name not in BESIDE and (Path(place) / name).is_file())
