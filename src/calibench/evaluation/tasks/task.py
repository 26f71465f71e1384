"""What a task is: how outputs are read, and which metrics judge them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Kind
from calibench.evaluation.metrics.metric import Metric, NamedOutputs
from calibench.evaluation.prediction import Prediction
from calibench.settings import TaskSettings

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Context:
    """What is known of model and dataset before the first inference.

    Attributes:
        outputs: name -> shape, -1 for a free axis; () where even their number is free.
        input_size: height, width of the picture that the model takes, pixels; None where it takes none.
        metadata: what the model's file says of itself, flat: "framework/character", "model_info/labels", ...
        annotated: what the dataset knows.
        classes: names in the dataset, by index; class_ids: its numbers for them, or ().
        settings: as the person gave them.
        is_batch_free: whether the free first axis of an output can be the batch: not where every input has a fixed one.
    """

    outputs: Mapping[str, Shape]
    input_size: tuple[int, int] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    annotated: frozenset[Kind] = frozenset()
    classes: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = ()
    settings: TaskSettings = field(default_factory=TaskSettings)
    is_batch_free: bool = True


@dataclass(frozen=True)
class Task:
    """A task, settled for one model and one dataset.

    Attributes:
        kind: as in `task.kind` of the settings.
        predict: outputs of one sample (batch axis of 1) and its frame -> what the model says, in terms of the dataset:
            labels are indices into the dataset's classes, coordinates are pixels of the upright original.
        metrics: by name, the default first; each `needs` something annotated.
        notes: what was guessed, for a person: "decoder nanodet, from the shapes of the outputs".
        check: first outputs, labels of all samples -> nothing; raises DatasetError where a label is no class of the
            model.
    """

    kind: str
    predict: Callable[[NamedOutputs, Frame | None], Prediction]
    metrics: Mapping[str, Metric]
    notes: tuple[str, ...] = ()
    check: Callable[[NamedOutputs, Sequence[int] | None], None] = lambda outputs, labels: None


@dataclass(frozen=True)
class TaskKind:
    """An entry of the list of tasks.

    Attributes:
        name: as in `task.kind`.
        fits: whether outputs and annotations look like this task; used for "auto", first match wins.
        make: settles it. Raises SettingsError or DatasetError in one sentence where outputs or annotations do not fit.
    """

    name: str
    fits: Callable[[Context], bool]
    make: Callable[[Context], Task]
