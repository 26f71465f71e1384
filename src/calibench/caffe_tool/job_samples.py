"""Which samples a job of the calibrator takes: of the network's own data layers, or of `--dataset`."""

from pathlib import Path

import openvino as ov

from calibench.caffe.input_shapes import input_shapes
from calibench.caffe.read_net import read_net
from calibench.caffe.stripping import stripped
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.written_files import rehearse_forced
from calibench.datasets.caffe.caffe_samples import CaffeSamples, check_prepared, fed_to, iterations
from calibench.datasets.caffe.data_layer import caffe_sets
from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.inputs import plan_inputs
from calibench.errors import SettingsError

MOST_SAMPLES = 10_000_000
"""That `-i` may ask for; 200 times the usual 50,000, and what its list of numbers takes still fits into memory."""
UNMEASURED = "-q: no accuracy was measured; INT8 was only set beside FP32."


def samples_of(job: CaffeJob, graph: ov.Model) -> tuple[Path | Dataset, Path | Dataset | None, tuple[str, ...]]:
    """The samples that set the ranges, those that decide, and what is to be known of them.

    Raises:
        DatasetError, ModelError: the data is missing or damaged, does not fit the network, or names no class of it.
        SettingsError: settings of inputs for a data layer that prepares them itself; `-i` asks for far too many.
    """
    if job.dataset is not None:
        unmeasured = (UNMEASURED,) if job.quantize_only else ()
        return job.dataset, None, (*unmeasured, "--dataset is used: -i and -s count nothing.")
    train, test, source = _fed_sets(job, graph)
    calibration = Subset(train, tuple(_calibrating(job, train)))
    if job.quantize_only:
        same = f"Calibration samples come from the TEST data ({test.source})."
        return calibration, calibration, (UNMEASURED, same if train is test else source)
    wanted = job.iterations * test.batch_size
    _check_count(job, wanted, test)
    for index in _deciding(job, test):
        test.layer.check(index)
    return calibration, iterations(test, job.iterations, test.batch_size), (source, *_wrapped(job, wanted, test))


def find_files(job: CaffeJob) -> None:
    """Go by every path in the prototxt that the job will go by, so that the origin of the paths is told of them.

    Raises:
        DatasetError, ModelError: what it leads to is missing or damaged.
    """
    input_shapes(stripped(read_net(job.model, None)))
    if job.force_u8:
        rehearse_forced(job)
    if job.dataset is not None:
        return
    train, test, _ = caffe_sets(job.model)
    train.layer.find_files(_calibrating(job, train))
    test.layer.find_files(range(1) if job.quantize_only else _deciding(job, test))  # the first one is tried always


def _calibrating(job: CaffeJob, train: CaffeSamples) -> range:
    """Numbers of the samples that set the ranges."""
    return range(min(job.sampling * train.batch_size, len(train)))


def _deciding(job: CaffeJob, test: CaffeSamples) -> range:
    """Numbers of the samples that decide, each once."""
    return range(min(job.iterations * test.batch_size, len(test)))


def _fed_sets(job: CaffeJob, graph: ov.Model) -> tuple[CaffeSamples, CaffeSamples, str]:
    """The data of both phases under the names of the inputs; one object where they are the same."""
    check_prepared(job.model, job.settings)
    plan = plan_inputs(graph, job.settings, images=False)
    train, test, source = caffe_sets(job.model)
    fed = fed_to(test, plan)
    return (fed if train is test else fed_to(train, plan)), fed, source


def _check_count(job: CaffeJob, wanted: int, test: CaffeSamples) -> None:
    if wanted > MOST_SAMPLES:
        once = -(-len(test) // test.batch_size)
        raise SettingsError(
            f"-i {job.iterations}: {wanted:,} samples are more than can be evaluated ({MOST_SAMPLES:,}). {test.source} "
            f"has {len(test)}: -i {once} takes them all."
        )


def _wrapped(job: CaffeJob, wanted: int, test: CaffeSamples) -> tuple[str, ...]:
    """That the test begins anew, where it does."""
    if wanted <= len(test):
        return ()
    return (
        f"-i {job.iterations}: {wanted} samples are more than the {len(test)} of {test.source}: "
        f"it begins anew, as Caffe does, and {wanted - len(test)} count again.",
    )
