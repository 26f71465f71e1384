"""Statistics of the activations at all points of a placement."""

import openvino as ov

from calibench.datasets.dataset import Dataset
from calibench.progress import Progress
from calibench.quantizers.run import Run
from calibench.quantizers.sites import Placement
from calibench.statistics.collect import Collected, collect
from calibench.statistics.probe import add_probe


def measure(
    graph: ov.Model,
    placement: Placement,
    samples: Dataset,
    run: Run,
    *,
    exact: bool,
    progress: Progress,
    means: bool = True,
) -> Collected:
    """One pass; `exact`: over every sample; `means`: whether those of channels are asked for.

    Raises:
        DatasetError: there is no sample, or one cannot be read.
    """
    probed = run.copy(graph)
    layout = add_probe(probed, placement.points, means=means)
    if run.collector is not None:
        return run.collector(run.plan.attach(probed), layout, samples, exact=exact, progress=progress)
    return collect(run.compile(probed), layout, samples, exact=exact, progress=progress)
