"""The files that the paths in a prototxt lead to: what will be opened there is opened here, and what is found noted.

They travel with their whole paths (`bundle.PATHS`), so that no path in a prototxt or a list has to be changed. What a
server was given may be a stranger's: such a prototxt takes nothing along that lies outside of its folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibench.caffe.input_shapes import input_shapes
from calibench.caffe.read_net import read_net
from calibench.caffe.stripping import stripped
from calibench.caffe.written_paths import Origin, written_for
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.job_samples import find_files
from calibench.datasets.caffe.data_layer import caffe_sets, open_prototxt
from calibench.errors import ModelError
from calibench.targets.bundle import Bundle


def calibrator_job(bundle: Bundle) -> CaffeJob:
    """The job of the Caffe calibrator in a bundle.

    Raises:
        ModelError: the bundle names no network, or no weights of it.
    """
    model, weights = bundle.model, bundle.settings.weights
    if model is None or weights is None or bundle.caffe is None:
        raise ModelError(
            "The Caffe calibrator needs a prototxt (model) and a caffemodel (settings.weights). Name both."
        )
    return CaffeJob(model, weights, dataset=bundle.dataset, settings=bundle.settings, **vars(bundle.caffe))


def files_of_calibrator(bundle: Bundle, job: CaffeJob) -> tuple[Path, ...]:
    """The network of a job, and the files and folders that its prototxt leads to, as far as the job reads them.

    Raises:
        ModelError, DatasetError: one is missing or damaged.
    """
    with _noted(bundle, job.model) as found:
        find_files(job)
    return (job.model, job.weights, *found)


def files_of_network(bundle: Bundle, prototxt: Path) -> tuple[Path, ...]:
    """The data that a network is read with, where its prototxt does not say how large its pictures are.

    Raises:
        ModelError, DatasetError: it is needed, and missing or damaged.
    """
    with _noted(bundle, prototxt) as found:
        input_shapes(stripped(read_net(prototxt, None)))
    return tuple(found)


def files_of_data(bundle: Bundle, prototxt: Path) -> tuple[Path, ...]:
    """A prototxt that is a dataset, and the files and folders that it leads to.

    Raises:
        ModelError, DatasetError: one is missing or damaged; of a list, one picture is missing.
    """
    has_both_phases = bundle.kind == "calibrate" and bundle.validation is None
    with _noted(bundle, prototxt) as found:
        for samples in caffe_sets(prototxt)[:2] if has_both_phases else (open_prototxt(prototxt),):
            samples.layer.find_files(range(len(samples)))
    return (prototxt, *found)


@contextmanager
def _noted(bundle: Bundle, prototxt: Path) -> Iterator[list[Path]]:
    """Gather what the paths in a prototxt lead to here.

    Raises:
        ModelError: nobody says where a command was started, and one leads out of its folder.
    """
    found: list[Path] = []
    folder = prototxt.resolve().parent

    def told(path: Path) -> None:
        if bundle.started_in is None and not path.resolve().is_relative_to(folder):
            raise ModelError(f"{prototxt}: leads out of its folder, to {path}. Put that into it, and correct the path.")
        found.append(path)

    with written_for(Origin(bundle.started_in or Path.cwd(), told=told)):
        yield found
