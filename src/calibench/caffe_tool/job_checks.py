"""What the calibrator refuses before it reads anything, and errors of the pipeline in the words of its options."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from calibench.caffe.net import Net
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.score_blob import Score
from calibench.errors import CalibenchError, ModelError

PROTOTXT, WEIGHTS = ".prototxt", (".caffemodel", ".caffemodel.h5")

DROP = re.compile(r"accuracy\.max_drop is ([\d.e+-]*\d) instead of ([\d.e+-]*\d)")
"""Of a search that cannot go on, in percentage points."""


def check_files(job: CaffeJob) -> None:
    """Whether the two files of a job can be what they should be, by their names and kinds.

    Raises:
        ModelError: they are swapped, one is a folder or is not there, or the model is no prototxt.
    """
    model, weights = job.model, job.weights
    if model.name.endswith(WEIGHTS) and weights.suffix.lower() == PROTOTXT:
        raise ModelError(f"-m {model}: is the weights file, and -w {weights} the prototxt. Swap them.")
    for option, path, what in (("-m", model, "prototxt"), ("-w", weights, "weights file (.caffemodel)")):
        if path.is_dir():
            raise ModelError(f"{option} {path}: is a folder. Give the {what} in it.")
        if not path.exists():
            raise ModelError(f"{option} {path}: there is no such file. Give the {what}.")
    if model.suffix.lower() != PROTOTXT:
        raise ModelError(
            f"-m {model}: is no .prototxt. Give the prototxt of a Caffe network, or give it that ending if it is one."
        )


def check_weights(net: Net) -> None:
    """Refuse weights that are no numbers, in whatever layer, before anything is computed with them.

    Raises:
        ModelError: names layer and blob.
    """
    for layer in net.layers:
        for number, blob in enumerate(layer.blobs):
            wrong = blob.size - int(np.isfinite(blob).sum())
            if wrong:
                raise ModelError(
                    f"{net.weights}: layer '{layer.name}', blob {number}: {wrong:,} of {blob.size:,} values are NaN or "
                    "infinite. Get the file anew, or train again."
                )


@contextmanager
def in_own_words(out: Path, score: Score | None) -> Iterator[None]:
    """Errors of the pipeline that name options of `calibench calibrate` name those of the calibrator.

    Raises:
        CalibenchError: what the block raised, of the same kind.
    """
    try:
        yield
    except CalibenchError as error:
        said = DROP.sub(lambda found: f"-l is {_share(found[1])} instead of {_share(found[2])}", str(error))
        for folder in (out, out.resolve()):
            said = said.replace(f"--resume {folder}", "--resume")  # which takes no folder here
        if score is not None:
            given = f"-n {score.blob}" if score.is_layer else f"-d {int(score.is_detection)} (metric {score.metric})"
            said = said.replace(f"--metric {score.metric}: ", f"{given}: ")
        raise type(error)(said) from error


def _share(points: str) -> str:
    return f"{float(points) / 100:g}"
