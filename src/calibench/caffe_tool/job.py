"""What the Caffe calibrator is asked for."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from calibench.errors import SettingsError
from calibench.settings import Settings


@dataclass(frozen=True, kw_only=True)
class CaffeOptions:
    """What only the calibrator is asked for, wherever it runs; one field for each of its own options.

    Attributes:
        iterations: of the TEST phase, that decide the accuracy.
        blob: whose value is the score; None only with `quantize_only`.
        accuracy_loss: tolerated, as a share: 0.01 is one percentage point.
        is_detection: the score is that of a detector.
        force_u8: the first convolution reads bytes; new prototxt and caffemodel.
        sampling: iterations of the calibration samples.
        quantize_only: measure no accuracy.
        has_vnni: of the machine that will run it: weights need no guard, whatever this machine has.
        repair: mend biases before layers are given back; a new caffemodel.

    Raises:
        SettingsError: a count is below 1, or the loss no share.
    """

    iterations: int
    blob: str | None = None
    accuracy_loss: float = 0.01
    is_detection: bool = False
    force_u8: bool = False
    sampling: int = 10
    quantize_only: bool = False
    has_vnni: bool = False
    repair: bool = False

    def __post_init__(self) -> None:
        if min(self.iterations, self.sampling) < 1:
            raise SettingsError(f"iterations {self.iterations}, sampling {self.sampling}: give 1 or more of each.")
        if not 0 <= self.accuracy_loss < 1:
            raise SettingsError(f"accuracy_loss {self.accuracy_loss:g}: give a share from 0 up to 1.")


@dataclass(frozen=True)
class CaffeJob(CaffeOptions):
    """A network, its samples, and what is asked for.

    Attributes:
        dataset: folder of samples for a network without a data layer.
        out: folder of report and IR; None: beside the prototxt, with its name.
        beside: folder of the new prototxts and caffemodels; None: beside the files that they are made of.
        settings: everything that other commands can set too; what the calibrator decides itself is overruled.
    """

    model: Path
    weights: Path
    dataset: Path | None = None
    out: Path | None = None
    beside: Path | None = None
    settings: Settings = field(default_factory=Settings)

    @property
    def options(self) -> CaffeOptions:
        """What travels of it beside the files and the settings."""
        return CaffeOptions(**{each.name: getattr(self, each.name) for each in fields(CaffeOptions)})
