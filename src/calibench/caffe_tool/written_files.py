"""What the calibrator writes beside the model: the quantized prototxt, and new weights where they changed."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibench.caffe.folding import folds_of
from calibench.caffe.forced_u8 import forced_u8, write_forced
from calibench.caffe.prototxt import Prototxt, parse, read_prototxt
from calibench.caffe.quantized_text import with_bias_terms, with_scales
from calibench.caffe.read_net import read_net
from calibench.caffe.repaired_weights import new_biases, shifted_weights
from calibench.caffe.scales import LayerScales
from calibench.caffe.weights_file import write_weights
from calibench.caffe_tool.job import CaffeJob
from calibench.errors import JobError, ModelError
from calibench.models.normalise import normalise
from calibench.models.read import read_model
from calibench.quantizers.layer_scales import scales_of
from calibench.quantizers.quantized import Quantized
from calibench.reports.whole_file import write_whole


@dataclass(frozen=True)
class Names:
    """Where the files of a job lie.

    Attributes:
        folder: of report and IR.
        prototxt, weights: with scales, and the weights that belong to it where biases were mended.
        forced_prototxt, forced_weights: of -fu.
    """

    folder: Path
    prototxt: Path
    weights: Path
    forced_prototxt: Path
    forced_weights: Path

    def files(self, job: CaffeJob) -> tuple[Path, ...]:
        """Those that the job may write."""
        repaired = (self.weights,) if job.repair else ()
        return (self.prototxt, *repaired, *((self.forced_prototxt, self.forced_weights) if job.force_u8 else ()))


@dataclass(frozen=True)
class Written:
    """The files that were written, and what to know of them."""

    prototxt: Path
    weights: Path | None = None
    forced_prototxt: Path | None = None
    forced_weights: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person, as the original said it."""
        repaired = (f"Its weights with mended biases: {self.weights}.",) if self.weights else ()
        forced = (
            (f"With bytes as input: {self.forced_prototxt}, and its weights {self.forced_weights}.",)
            if self.forced_prototxt
            else ()
        )
        return (f"Updated prototxt {self.prototxt} is generated.", *repaired, *forced)

    @property
    def paths(self) -> dict[str, Path | None]:
        """By name; None where a file was not asked for."""
        return {
            "prototxt": self.prototxt,
            "weights": self.weights,
            "forced_prototxt": self.forced_prototxt,
            "forced_weights": self.forced_weights,
        }

    def as_json(self) -> dict[str, Any]:
        """By name; null where a file was not asked for."""
        return {name: None if path is None else str(path) for name, path in self.paths.items()}


def names_of(job: CaffeJob) -> Names:
    """Beside the prototxt, with its name; a dot in a folder or in the name does no harm."""
    stem, place = _without(job.model.name, ".prototxt"), job.beside or job.model.parent
    return Names(
        job.out or place / f"{stem}_quantized",
        place / f"{stem}_quantized.prototxt",
        place / f"{stem}_quantized.caffemodel",
        place / f"{stem}_quantized_force_u8.prototxt",
        (job.beside or job.weights.parent) / _new_name(job.weights.name),
    )


def _new_name(weights: str) -> str:
    """Of the weights of -fu: the ending says in what format they are."""
    ending = ".caffemodel.h5" if weights.lower().endswith(".caffemodel.h5") else ".caffemodel"
    return f"{_without(weights, ending)}_new{ending}"


def _without(name: str, ending: str) -> str:
    return name[: -len(ending)] if name.lower().endswith(ending) else name


def check_names(job: CaffeJob, names: Names, *, force: bool) -> None:
    """Refuse before the work what could not be written after it.

    Raises:
        JobError: a file is there already and not `force`, a folder is there, or its own folder cannot be written.
    """
    for path in names.files(job):
        if path.is_dir():
            raise JobError(f"{path}: is a folder, and the calibrator would write a file there. Move it away.")
        if path.exists() and not force:
            raise JobError(f"{path}: exists already. Move it away, or replace it with --force.")
        if not os.access(path.parent, os.W_OK):
            raise JobError(f"{path}: cannot be written. Copy the network to a folder that you may write to.")
    if not force and would_mislead(job, names):
        raise JobError(
            f"{names.weights}: would be taken for the weights of {names.prototxt.name}. Move it away, or have it "
            "removed with --force."
        )


def would_mislead(job: CaffeJob, names: Names) -> bool:
    """Are there weights with the name of the new prototxt that do not belong to it, as an earlier --repair leaves?"""
    return names.weights.is_file() and not job.repair and not names.weights.samefile(job.weights)


def rehearse_forced(job: CaffeJob) -> None:
    """Refuse -fu for a network that it cannot be done for, before the work.

    Raises:
        ModelError: with the reason.
    """
    net = read_net(job.model, job.weights)
    first = next((layer.name for layer in net.layers if layer.type.startswith("Convolution")), "")
    made_up = {first: LayerScales(1.0, True, np.ones(1, np.float32))}
    text = with_scales(read_prototxt(job.model), made_up if first else {}).text
    forced_u8(parse(text, job.model), net, made_up, is_halved=False)


def write_files(job: CaffeJob, names: Names, quantized: Quantized) -> Written:
    """Write them, each whole or not at all; the prototxt after the weights that belong to it.

    Raises:
        JobError: a file cannot be written.
    """
    graph = normalise(read_model(job.model, weights=job.weights).graph)
    scales = scales_of(graph, quantized.quantization, quantized.options)
    quantized_text = with_scales(read_prototxt(job.model), scales)
    text = parse(quantized_text.text, job.model)  # whose folder is the one that its paths may be relative to
    used = job.weights
    written = Written(names.prototxt, notes=quantized_text.notes)
    shifts = {name: shift for name, shift in quantized.shifts.items() if name in scales and shift.any()}
    if shifts:
        text = _repaired(job, names.weights, text, shifts)
        used = names.weights
        written = replace(written, weights=names.weights)
    elif would_mislead(replace(job, repair=False), names):
        names.weights.unlink()
    write_whole(names.prototxt, text.text)
    return _with_forced(names, text, used, scales, written) if job.force_u8 else written


def _repaired(job: CaffeJob, out: Path, text: Prototxt, shifts: dict[str, Any]) -> Prototxt:
    """Write the weights with mended biases; the text in which layers that had none have one now."""
    net = read_net(job.model, job.weights)
    changes = shifted_weights(net, folds_of(net), shifts)
    write_weights(job.weights, out, changes)
    new = new_biases(net, changes)
    return parse(with_bias_terms(text, new), text.path) if new else text


def _with_forced(
    names: Names, text: Prototxt, weights: Path, scales: dict[str, LayerScales], written: Written
) -> Written:
    """The files of -fu too; a note where the calibration left nothing to force."""
    try:
        forced = forced_u8(text, read_net(names.prototxt, weights), scales, is_halved=False)
    except ModelError as error:
        return replace(written, notes=(*written.notes, f"-fu was not done. {error}"))
    write_forced(forced, weights, names.forced_prototxt, names.forced_weights)
    return replace(written, forced_prototxt=names.forced_prototxt, forced_weights=names.forced_weights)
