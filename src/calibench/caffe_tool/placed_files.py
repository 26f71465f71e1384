"""Bring what the calibrator wrote on another machine to where it writes here: all of it, or nothing."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.written_files import Names, Written, would_mislead
from calibench.errors import JobError
from calibench.reports.result import result_folder

BESIDE = "beside"
"""Folder in the result of another machine: files that belong beside the network."""
LAST = ".prototxt"
"""Ending of the files that come after the weights that belong to them."""


def place_files(result: Path, job: CaffeJob, names: Names, fields: Sequence[str], *, force: bool) -> Written:
    """Copy report and model to their folder, and the other files beside the network; `result` stays as it is.

    Args:
        fields: of Written, that were written.
        force: replace what an earlier run wrote.

    Raises:
        JobError: something cannot be written; nothing is there in part then.
    """
    written = Written(names.prototxt, **{field: getattr(names, field) for field in fields if field != "prototxt"})
    known = {path.name: path for path in written.paths.values() if path is not None}
    copies: dict[Path, Path] = {}
    try:
        for path in (result / BESIDE).iterdir():  # mean images of -fu have names of their own
            place = known.get(path.name, names.prototxt.with_name(path.name)).resolve()
            copies[place.with_name(f".{place.name}.partial")] = place
            shutil.copyfile(path, place.with_name(f".{place.name}.partial"))
        with result_folder(names.folder, force=force) as folder:
            shutil.copytree(result, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(BESIDE))
        for copy, place in sorted(copies.items(), key=lambda each: each[1].suffix == LAST):
            copy.replace(place)
        if written.weights is None and would_mislead(replace(job, repair=False), names):
            names.weights.unlink()
    except OSError as error:
        raise JobError(f"{error.filename}: cannot be written ({error.strerror}). Is the disk full?") from None
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)
    return written
