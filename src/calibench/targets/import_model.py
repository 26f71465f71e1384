"""Import a model: find its file, keep its files, and say what it is."""

from pathlib import Path
from typing import Any

from calibench.errors import ModelError
from calibench.models.read import FORMATS, read_model
from calibench.targets.find_model import check_external, find_model, model_files, refuse_pickles
from calibench.targets.gathering import check_sources, clear, gather, is_packed, take
from calibench.targets.model_facts import model_facts
from calibench.targets.running import Running

PROTOTXT = next(suffix for suffix, title in FORMATS.items() if title == "Caffe")


def import_model(job: Running) -> dict[str, Any]:
    """Fields of KeptModel that tell what was found; its files lie in out/tree.

    Raises:
        ModelError: there is no model, there are several, or it cannot be read.
    """
    sources = job.bundle.sources
    if not sources:
        raise ModelError("No file was given. Give a model file.")
    check_sources(sources, ModelError)
    if len(sources) == 1 and job.bundle.is_copied and not is_packed(sources[0]):
        model = _taken(job, sources[0])
    else:
        model = find_model(gather(job, ModelError), job.bundle.entry)
    refuse_pickles(model)
    check_external(model)
    job.tell("read", 0, 2)
    source = read_model(model, weights=_weights(job, model), allow_quantized=True)
    job.tell("read", 1, 2)
    result = {
        "entry": model.relative_to(job.tree).as_posix(),
        "weights": _weights_name(job, model),
        **model_facts(source),
    }
    job.tell("read", 2, 2)
    return result


def _taken(job: Running, source: Path) -> Path:
    """A model at a path of this machine: only its own files are copied, whatever else lies beside them."""
    model = source if source.is_file() else find_model(source, job.bundle.entry)
    home = model if model.is_dir() else model.parent
    refuse_pickles(model)
    check_external(model)
    clear(job.tree)
    take(job, model_files(model, job.bundle.settings.weights), home, ModelError)
    return job.tree if model.is_dir() else job.tree / model.name


def _weights(job: Running, model: Path) -> Path | None:
    """The .caffemodel that was named, where it was taken along."""
    named = job.bundle.settings.weights
    return None if named is None or model.suffix != PROTOTXT else model.parent / named.name


def _weights_name(job: Running, model: Path) -> str | None:
    if model.suffix != PROTOTXT:
        return None
    return model_files(model, _weights(job, model))[1].relative_to(job.tree).as_posix()
