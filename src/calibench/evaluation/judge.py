"""From a model, its inputs and a dataset to the one who judges outputs: task and metric."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Dataset, Description
from calibench.datasets.inputs import InputPlan
from calibench.errors import CalibenchError
from calibench.evaluation.metrics.metric import Metric, NamedOutputs, Observation
from calibench.evaluation.tasks.outputs import check_outputs
from calibench.evaluation.tasks.task import Context, Task
from calibench.evaluation.tasks.task_choice import choose_metric, choose_task, unused_annotations
from calibench.inference.runner import Outputs
from calibench.models.metadata import metadata
from calibench.models.ports import port_name
from calibench.settings import Settings


@dataclass(frozen=True)
class Judge:
    """How outputs are read and judged.

    `mismatch`: in one sentence that the dataset's annotations are of no use for this model; None when all is well.
    """

    task: Task
    metric: Metric
    output_names: Sequence[str]
    mismatch: str | None = None

    def named(self, outputs: Outputs) -> NamedOutputs:
        """The outputs of one sample by name."""
        return dict(zip(self.output_names, outputs, strict=True))

    def observe(self, outputs: NamedOutputs, reference: NamedOutputs, described: Description) -> Observation:
        """One sample as the metric sees it."""
        prediction = self.task.predict(outputs, described.frame)
        return Observation(outputs, reference, described.truth, described.frame, prediction)

    def check(self, outputs: NamedOutputs, samples: Dataset) -> None:
        """Raise DatasetError when a label that the metric needs is no class of the model; it names the first sample."""
        labels = samples.labels
        if self.metric.needs != "label" or not labels:
            return
        check = self.metric.check or self.task.check
        for index in sorted(np.unique(np.asarray(labels), return_index=True)[1].tolist()):
            try:
                check(outputs, [labels[index]])
            except CalibenchError as error:
                with at_sample(samples.describe(index).name):
                    raise error


@contextmanager
def at_sample(name: str) -> Iterator[None]:
    """Name the sample in whatever the judging of it refuses, as a person's own metric may.

    Raises:
        CalibenchError: what the block raised, of the same kind, with the sample in front.
    """
    try:
        yield
    except CalibenchError as error:
        raise type(error)(f"{name}: {error}") from None


def make_judge(source: ov.Model, plan: InputPlan, samples: Dataset, settings: Settings) -> Judge:
    """Find task and metric before the first inference.

    Args:
        source: the model as it was read, with what its file says of itself.

    Raises:
        SettingsError, DatasetError: task, metric, outputs and annotations do not fit together.
    """
    context = make_context(source, plan, samples, settings)
    check_outputs(context)
    task = choose_task(context)
    mismatch = unused_annotations(task, context)
    if mismatch is not None:
        task = replace(task, notes=(*task.notes, mismatch))
    return Judge(task, choose_metric(settings.metric, task, context), tuple(context.outputs), mismatch)


def make_context(source: ov.Model, plan: InputPlan, samples: Dataset, settings: Settings) -> Context:
    """What is known of model and dataset."""
    about = samples.about
    image = plan.images[0] if plan.images else None
    return Context(
        outputs={port_name(port): _shape(port.get_partial_shape()) for port in source.outputs},
        input_size=(image.height, image.width) if image else None,
        metadata=metadata(source),
        annotated=about.annotated,
        classes=about.classes,
        class_ids=about.class_ids,
        settings=settings.task,
        is_batch_free=any(_shape(port.get_partial_shape())[:1] in ((-1,), ()) for port in source.inputs),
    )


def _shape(shape: ov.PartialShape) -> tuple[int, ...]:
    """-1 for a free axis; () for an output of unknown rank, which has no class axis."""
    return tuple(d.get_length() if d.is_static else -1 for d in shape) if shape.rank.is_static else ()
